"""Agents that a gateway already has: the list, adopting one, letting one go."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agents.models import Agent
from agents.services import linking
from boards.models import Board
from gateways.models import Gateway
from missioncontrol.kernel.errors import DomainError, Forbidden
from missioncontrol.kernel.pages import actor, page
from missioncontrol.kernel.querysets import as_uuid


@require_http_methods(["GET", "HEAD", "POST"])
@page
def discover(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Agents that the gateway has and we do not; it is asked now."""
    who = actor(request)
    gateway: Gateway = Gateway.objects.seen_by(who, gateway_id)
    if not who.is_admin_in(gateway.organization_id):
        raise Forbidden(_("Agents are set up by admins of the organization."))
    context: dict[str, Any] = {"nav": "gateways", "gateway": gateway, "rows": [], "fault": ""}
    if request.method == "POST":
        try:
            agent = linking.link_agent(
                who, gateway_id=gateway_id, board_id=as_uuid(request.POST.get("board_id", "")),
                remote_agent_id=request.POST.get("remote_agent_id", ""),
                role=request.POST.get("role") or Agent.Type.WORKER,
            )  # fmt: skip
        except DomainError as refusal:
            context["fault"] = str(refusal.detail)
        else:
            return HttpResponseRedirect(f"/agents/{agent.pk}")
    try:
        context["rows"] = linking.discover_agents(who, gateway_id)
    except DomainError as refusal:
        context["fault"] = str(refusal.detail)
    boards = Board.objects.writable_by(who).filter(gateway=gateway)
    context["boards"] = boards.order_by("name")[:200]
    status = 409 if request.method == "POST" else 200
    return render(request, "agents/discover.html", context, status=status)


@require_POST
@page
def unlink(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Let an adopted agent go."""
    linking.unlink_agent(actor(request), agent_id)
    messages.success(request, _("It was released and stays on its gateway."))
    return HttpResponseRedirect(f"/agents/{agent_id}")
