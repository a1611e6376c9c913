"""The files of all agents of a gateway: compared, written by a job, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from agents import actions
from agents.models import TemplateSync
from agents.pages.forms import SyncForm
from agents.services import syncs
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.errors import DomainError
from missioncontrol.kernel.pages import actor, page

COMPARED = ("include_main", "overwrite")
SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@page
def gateway_sync(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """The options of a sync; compare first, or have it written by a job."""
    who = actor(request)
    gateway: Gateway = Gateway.objects.seen_by(who, gateway_id)
    authz.authorize(who, actions.VIEW_GATEWAY, gateway)
    form = SyncForm(request.POST) if request.method == "POST" else SyncForm()
    context: dict[str, Any] = {"compared": None, "fault": ""}
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("step") == "compare":
                options = {name: form.cleaned_data[name] for name in COMPARED}
                context["compared"] = syncs.preview(who, gateway_id, **options)
            else:
                row = syncs.request_sync(who, gateway_id, options=form.cleaned_data)
                return HttpResponseRedirect(f"/gateways/{gateway_id}/syncs/{row.pk}")
        except DomainError as refusal:
            context["fault"] = str(refusal.detail)
    rows = TemplateSync.objects.filter(gateway=gateway).order_by("-created_at", "-id")
    context |= {
        "nav": "gateways", "gateway": gateway, "sync_form": form, "syncs": rows[:SHOWN],
    }  # fmt: skip
    status = 409 if context["fault"] else 200
    return render(request, "agents/gateway_sync.html", context, status=status)


@require_safe
@page
def sync_detail(request: HttpRequest, gateway_id: UUID, sync_id: UUID) -> HttpResponse:
    """What a writing of files came to."""
    return render(request, "agents/sync_detail.html", _context(request, gateway_id, sync_id))


@require_safe
@page
def sync_body(request: HttpRequest, gateway_id: UUID, sync_id: UUID) -> HttpResponse:
    """The same without the frame, refetched while it runs."""
    return render(request, "agents/_sync_body.html", _context(request, gateway_id, sync_id))


def _context(request: HttpRequest, gateway_id: UUID, sync_id: UUID) -> dict[str, Any]:
    who = actor(request)
    gateway: Gateway = Gateway.objects.seen_by(who, gateway_id)
    authz.authorize(who, actions.VIEW_GATEWAY, gateway)
    row: TemplateSync = TemplateSync.objects.filter(gateway=gateway).seen_by(who, sync_id)
    return {
        "nav": "gateways", "gateway": gateway, "sync": row, "is_open": row.state in syncs.OPEN,
    }  # fmt: skip
