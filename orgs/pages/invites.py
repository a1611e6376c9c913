"""Invitations: made and withdrawn beside the list of members, accepted on a page of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from missioncontrol.kernel.pages import actor, home_of, page, session_actor
from missioncontrol.kernel.ratelimit import client_ip
from orgs import actions, board_access, sessions
from orgs.models import Invite, Organization, User
from orgs.pages.access_forms import InviteForm, RegisterForm
from orgs.pages.sign_in import first_stop
from orgs.services import invites, registration

REFUSALS = (Forbidden, Conflict, Invalid)
SHOWN_LINK = "shown_invite_link"
MOST_LISTED = 200
BACK = "/organization#invites"


def part_of_list(
    request: HttpRequest, who: UserActor, organization: Organization, form: InviteForm | None
) -> dict[str, Any]:
    """What the list of members shows to admins: invitations, the form, a link just asked for."""
    pending = Invite.objects.pending().filter(organization=organization)
    return {
        "invites": pending.select_related("created_by").newest_first()[:MOST_LISTED],
        "invite_form": form or new_form(who, organization.id),
        "shown_link": request.session.pop(SHOWN_LINK, None),
    }


def new_form(who: UserActor, organization_id: UUID, data: Any = None) -> InviteForm:
    """The form with the roles and boards that the person may give."""
    form = InviteForm(data, initial={"role": "member", "reach": "chosen"})
    form.offer_roles(who.role_in(organization_id))
    form.offer(board_access.names_of(organization_id))
    return form


@require_http_methods(["GET", "HEAD", "POST"])
@page
def invite_new(request: HttpRequest) -> HttpResponse:
    """Invite somebody; the list then shows the link once."""
    who = actor(request)
    organization = Organization.objects.seen_by(who, home_of(who))
    authorize(who, actions.LIST_INVITES, organization)
    is_sent = request.method == "POST"
    form = new_form(who, organization.id, request.POST if is_sent else None)
    if is_sent and form.is_valid():
        given = form.cleaned_data
        try:
            invite, token = invites.create_invite(
                who,
                organization.id,
                invited_email=given["invited_email"],
                role=given["role"],
                **form.access(),
            )
        except REFUSALS as refusal:
            errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
            form.take(errors, str(refusal.detail))
        else:
            return _show_link(request, invite, token)
    context = {"nav": "members", "form": form}
    return render(request, "orgs/invite_new.html", context, status=422 if form.errors else 200)


def _show_link(request: HttpRequest, invite: Invite, token: str) -> HttpResponse:
    request.session[SHOWN_LINK] = {
        "email": invite.invited_email,
        "url": invites.accept_url(token),
        "is_mailed": invite.mail_state != Invite.MailState.OFF,
    }
    return HttpResponseRedirect(BACK)


@require_POST
@page
def invite_link(request: HttpRequest, invite_id: UUID) -> HttpResponse:
    """Show the link of an open invitation once more; that is recorded."""
    who = actor(request)
    invite: Invite = Invite.objects.pending().seen_by(who, invite_id)
    tokens = invites.reveal_invites(who, invite.organization_id, [invite_id])
    if invite_id not in tokens:
        raise NotFound
    return _show_link(request, invite, tokens[invite_id])


@require_POST
@page
def invite_revoke(request: HttpRequest, invite_id: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    removed = invites.revoke_invite(actor(request), invite_id)
    text = _("The invitation for %(email)s was revoked.") % {"email": removed.invited_email}
    messages.success(request, text)
    return HttpResponseRedirect(BACK)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite_accept(request: HttpRequest) -> HttpResponse:
    """The page behind an invitation's link; who is signed out signs in and comes back."""
    token = request.POST.get("token") or request.GET.get("token", "")
    who = session_actor(request)
    if request.method == "POST" and who is not None:
        return _accept(request, who, token)
    return _accept_page(request, who, token)


def _accept(request: HttpRequest, who: UserActor, token: str) -> HttpResponse:
    try:
        member = invites.accept_invite(who, token=token, address=client_ip(request))
    except DomainError as refusal:
        return _accept_page(request, who, token, refusal=refusal)
    sessions.choose_organization(request, member.organization_id)
    name = Organization.objects.get(pk=member.organization_id).name
    messages.success(request, _("You are now a member of %(name)s.") % {"name": name})
    return HttpResponseRedirect("/dashboard")


@never_cache
@sensitive_post_parameters("password")
@require_POST
def invite_register(request: HttpRequest) -> HttpResponse:
    """Make the account of the invited person, accept the invitation with it, and sign him in."""
    token, who = request.POST.get("token", ""), session_actor(request)
    form = RegisterForm(request.POST)
    if who is not None or not form.is_valid():
        return _accept_page(request, who, token, form=form)
    given = form.cleaned_data
    try:
        user, member = registration.register_by_invite(
            token=token,
            name=given["name"],
            password=given["password"],
            address=client_ip(request),
        )
    except Invalid as refusal:
        form.take(refusal.extra.get("errors", []), str(refusal.detail))
        return _accept_page(request, None, token, form=form)
    except DomainError as refusal:
        return _accept_page(request, None, token, refusal=refusal, form=form)
    sessions.open_session(request, user, way="password", is_complete=True)
    sessions.choose_organization(request, member.organization_id)
    return HttpResponseRedirect(first_stop(user, "/dashboard"))


def _accept_page(
    request: HttpRequest,
    who: UserActor | None,
    token: str,
    *,
    refusal: DomainError | None = None,
    form: RegisterForm | None = None,
) -> HttpResponse:
    invite = invites.pending_of(token)
    user = User.objects.filter(pk=who.id).first() if who else None
    fits = bool(user and invite and invites.verified_email(user) == invite.invited_email)
    status = refusal.status if refusal else 200 if invite else 404
    if invite and form is not None and form.errors:
        status = 422
    context = {
        "form": (form or RegisterForm()) if registration.is_open() else None,
        "invite": invite,
        "token": token,
        "user": user,
        "fits": fits,
        "fault": str(refusal.detail) if refusal and invite else "",
        "sign_in": f"/sign-in?next={quote(f'/invite?token={token}')}",
    }
    return render(request, "orgs/invite_accept.html", context, status=status)
