"""Pages of gateways: list, one gateway with its doctor, new, edit, commands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from boards.models import Board
from gateways import history, remote, services
from gateways.models import Gateway, GatewayIdentity
from gateways.pages import rows
from gateways.pages.forms import GatewayForm
from gateways.pages.remote import cleanups_of
from gateways.pages.rows import admin_of as _admin
from gateways.pages.rows import gateway_of
from gateways.services import PolicyMode
from missioncontrol.kernel.errors import DomainError, Invalid
from missioncontrol.kernel.pages import home_of, is_htmx, page, trial
from missioncontrol.kernel.sorting import sorting

MOST = 200
SORTS = {"name": Lower("name"), "state": "status", "version": "runtime_version"}
ASK: PolicyMode = "ask"
TRIED = ("url", "token", "allow_insecure_tls", "disable_device_pairing")


@require_safe
@page
def gateway_list(request: HttpRequest) -> HttpResponse:
    """Gateways of the active organization."""
    who = _admin(request)
    gateways: QuerySet[Gateway] = Gateway.objects.visible_to(who)
    asked = sorting(request, SORTS, default="name")
    gateways = gateways.filter(organization_id=home_of(who)).order_by(*asked.order)
    context = {
        "nav": "gateways",
        "rows": rows.gateway_rows(list(gateways[:MOST])),
        "cleanups": cleanups_of(who),
        **asked.context,
    }
    name = "gateways/_gateway_rows.html" if is_htmx(request) else "gateways/gateway_list.html"
    return render(request, name, context)


def _context(request: HttpRequest, gateway_id: UUID) -> dict[str, Any]:
    _who, gateway = gateway_of(request, gateway_id)
    checks = rows.check_rows(gateway.checks)
    return {
        "nav": "gateways",
        "tab": "overview",
        "gateway": rows.gateway_rows([gateway])[0],
        "day": history.days_of([gateway.id])[gateway.id],
        "verdict": remote.verdict_of(gateway),
        "checks": checks,
        "has_failed": any(check.state == "fail" for check in checks),
        "identity": GatewayIdentity.objects.filter(gateway_id=gateway.id).first(),
        "boards": Board.objects.filter(gateway_id=gateway.id).order_by("name"),
    }


@require_safe
@page
def gateway_detail(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """One gateway: is it reachable, and if not, what to do."""
    return render(request, "gateways/gateway_detail.html", _context(request, gateway_id))


@require_safe
@page
def gateway_body(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """What changes on the page of a gateway."""
    return render(request, "gateways/_gateway_body.html", _context(request, gateway_id))


@require_safe
@page
def gateway_state(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """The state of a gateway, for the head of its pages."""
    _who, gateway = gateway_of(request, gateway_id)
    context = {"gateway": rows.gateway_rows([gateway])[0]}
    return render(request, "gateways/_gateway_state.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def gateway_new(request: HttpRequest) -> HttpResponse:
    """A new gateway; its connection is checked next, on its own page."""
    who = _admin(request)
    form = GatewayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            gateway = services.create_gateway(who, home_of(who), **_inputs(form))
        except DomainError as refusal:
            _take(form, refusal)
        else:
            return HttpResponseRedirect(f"/gateways/{gateway.id}")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def gateway_edit(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """A gateway's facts; a blank token keeps the present one."""
    who, gateway = gateway_of(request, gateway_id)
    present = {
        name: getattr(gateway, name)
        for name in (
            "name",
            "url",
            "workspace_root",
            "allow_insecure_tls",
            "disable_device_pairing",
            "is_default",
        )
    }
    form = GatewayForm(request.POST or None, initial=present)
    if request.method == "POST" and form.is_valid():
        changes = _inputs(form)
        if not changes["token"]:
            changes.pop("token")
        try:
            services.update_gateway(who, gateway_id, changes=changes)
        except DomainError as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("%(name)s was saved.") % {"name": gateway.name})
            return HttpResponseRedirect(f"/gateways/{gateway_id}")
    return _form_page(request, form, gateway)


@require_POST
@trial
def gateway_try(request: HttpRequest, gateway_id: UUID | None = None) -> HttpResponse:
    """The doctor's report on what the form proposes, before it is saved."""
    who, gateway = gateway_of(request, gateway_id) if gateway_id else (_admin(request), None)
    form = GatewayForm(request.POST)
    form.errors.pop("name", None)
    tried: dict[str, Any] = {}
    if not form.errors:
        wanted = {name: form.cleaned_data[name] for name in TRIED}
        try:
            found = services.try_gateway(who, home_of(who), gateway_id=gateway_id, **wanted)
        except DomainError as refusal:
            _take(form, refusal)
        else:
            tried = {"checks": rows.proposed_rows(found, gateway), "is_usable": found.is_usable}
    context = {
        "nav": "gateways",
        "form": form,
        "gateway": gateway,
        "is_trial": True,
        "tried": tried,
    }
    name = "gateways/_tried.html" if is_htmx(request) else "gateways/gateway_form.html"
    return render(request, name, context)


def _inputs(form: GatewayForm) -> dict[str, Any]:
    wanted = dict(form.cleaned_data)
    wanted["workspace_root"] = wanted["workspace_root"] or "~/.openclaw"
    return wanted


def _take(form: GatewayForm, refusal: DomainError) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))


def _form_page(request: HttpRequest, form: GatewayForm, gateway: Gateway | None) -> HttpResponse:
    context = {"nav": "gateways", "form": form, "gateway": gateway}
    return render(
        request, "gateways/gateway_form.html", context, status=422 if form.errors else 200
    )


@require_POST
@page
def gateway_check(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Run the connection doctor."""
    who, _gateway = gateway_of(request, gateway_id)
    services.check_gateway(who, gateway_id)
    if is_htmx(request):
        return render(request, "gateways/_gateway_body.html", _context(request, gateway_id))
    return HttpResponseRedirect(f"/gateways/{gateway_id}")


@require_POST
@page
def gateway_policy(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Let the gateway ask a person before a command runs; an explicit choice of its operator."""
    who, _gateway = gateway_of(request, gateway_id)
    services.set_exec_policy(who, gateway_id, mode=ASK)
    messages.success(request, _("Commands on this gateway now wait for a person."))
    return HttpResponseRedirect(f"/gateways/{gateway_id}")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def gateway_delete(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """The question before a gateway is removed, and the removal."""
    who, gateway = gateway_of(request, gateway_id)
    is_named = request.POST.get("confirm_name", "").strip() == gateway.name
    if request.method == "POST" and is_named:
        services.delete_gateway(who, gateway_id, force=request.POST.get("force") == "1")
        messages.success(request, _("%(name)s was removed.") % {"name": gateway.name})
        return HttpResponseRedirect("/gateways")
    boards = Board.objects.filter(gateway_id=gateway.id).order_by("name")
    context = {
        "nav": "gateways",
        "gateway": gateway,
        "boards": boards,
        "is_refused": request.method == "POST",
    }
    return render(request, "gateways/gateway_delete.html", context)
