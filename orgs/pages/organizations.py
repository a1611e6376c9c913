"""The organization itself: new, changed, left, deleted; and the end of one's own account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.authz import allowed, authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, RemoteFailed
from missioncontrol.kernel.pages import actor, home_of, page
from orgs import actions, sessions
from orgs.models import Membership, Organization, User
from orgs.pages.access_forms import OrganizationForm
from orgs.services import accounts, members, organizations, users

REFUSALS = (Forbidden, Conflict, Invalid)


@require_POST
@page
def organization_switch(request: HttpRequest) -> HttpResponse:
    """Work in another of one's organizations."""
    raw = request.POST.get("organization_id", "")
    try:
        wanted = UUID(raw)
    except ValueError:
        raise Forbidden(_("You are not a member of this organization.")) from None
    users.set_active_organization(actor(request), wanted)
    sessions.choose_organization(request, wanted)
    return HttpResponseRedirect("/dashboard")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def organization_new(request: HttpRequest) -> HttpResponse:
    """A new organization, in which one goes on working."""
    form = OrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = organizations.create_organization(
                actor(request), name=given["name"], description=given["description"] or None
            )
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            sessions.choose_organization(request, made.id)
            messages.success(request, _("%(name)s was created.") % {"name": made.name})
            return HttpResponseRedirect("/dashboard")
    context = {"nav": "members", "form": form}
    status = 422 if form.errors else 200
    return render(request, "orgs/organization_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def organization_edit(request: HttpRequest) -> HttpResponse:
    """Name and description, leaving, deletion."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    is_sent = request.method == "POST"
    if is_sent:
        authorize(who, actions.UPDATE_ORGANIZATION, organization)
    form = OrganizationForm(
        request.POST if is_sent else None,
        initial={"name": organization.name, "description": organization.description or ""},
    )
    if is_sent and form.is_valid():
        changes = {**form.cleaned_data, "description": form.cleaned_data["description"] or None}
        try:
            organizations.update_organization(who, organization.id, changes=changes)
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("The organization was saved."))
            return HttpResponseRedirect("/organization/edit")
    context = {
        "nav": "members",
        "organization": organization,
        "form": form,
        "may_change": allowed(who, actions.UPDATE_ORGANIZATION, organization),
        "may_delete": allowed(who, actions.DELETE_ORGANIZATION, organization),
        "why_stay": _why_stay(who, organization),
    }
    status = 422 if form.errors else 200
    return render(request, "orgs/organization_edit.html", context, status=status)


def _why_stay(who: UserActor, organization: Organization) -> str:
    """Why the person cannot leave now; empty when he can."""
    others = Membership.objects.filter(organization=organization).exclude(user_id=who.id)
    roles = set(others.values_list("role", flat=True))
    if not roles:
        return _("You are the only member. Delete the organization instead.")
    if who.role_in(organization.id) == "owner" and "owner" not in roles:
        return _("You are the last owner. Make somebody else an owner first.")
    return ""


@require_POST
@page
def organization_leave(request: HttpRequest) -> HttpResponse:
    """End one's own membership."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    members.leave_organization(who, organization.id)
    messages.success(request, _("You left %(name)s.") % {"name": organization.name})
    return _after(who, organization.id)


def _after(who: UserActor, gone: UUID) -> HttpResponse:
    """Where a person goes on whose organization is gone."""
    is_last = set(who.memberships) == {gone}
    return HttpResponseRedirect("/organization/new" if is_last else "/dashboard")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def organization_delete(request: HttpRequest) -> HttpResponse:
    """The question before an organization is deleted, and the deletion."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    authorize(who, actions.DELETE_ORGANIZATION, organization)
    is_named = request.POST.get("confirm_name", "").strip() == organization.name
    if request.method == "POST" and is_named:
        organizations.delete_organization(who, organization.id)
        messages.success(request, _("%(name)s was deleted.") % {"name": organization.name})
        return _after(who, organization.id)
    context = {
        "nav": "members",
        "organization": organization,
        "is_refused": request.method == "POST",
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "orgs/organization_delete.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def account_delete(request: HttpRequest) -> HttpResponse:
    """The question before one's own account is deleted, and the deletion."""
    who = actor(request)
    user = User.objects.get(pk=who.id)
    is_named = request.POST.get("confirm_name", "").strip() == user.username
    refusal = ""
    if request.method == "POST" and is_named:
        try:
            accounts.close_account(who)
        except (Conflict, RemoteFailed) as fault:
            refusal = str(fault.detail)
        else:
            sessions.end_session(request)
            return HttpResponseRedirect("/sign-in")
    alone = Organization.objects.filter(pk__in=list(who.memberships))
    others = Membership.objects.exclude(user_id=who.id).values("organization_id")
    context = {
        "nav": "settings",
        "name": user.username,
        "goes": alone.exclude(pk__in=others).by_name(),
        "refusal": refusal,
        "is_refused": request.method == "POST" and not is_named,
    }
    status = 409 if refusal else 422 if context["is_refused"] else 200
    return render(request, "orgs/account_delete.html", context, status=status)


def _take(form: Any, refusal: Conflict | Forbidden | Invalid) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))
