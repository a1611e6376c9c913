"""Pages of what a gateway itself says: sessions, agents, models, log, pairing; all versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gateways import actions, cleanup, remote, rpc, services, targets
from gateways.api.shapes import pairing
from gateways.models import Gateway, GatewayCleanup
from gateways.pages.rows import admin_of, gateway_of, gateway_rows
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.authz import allowed
from missioncontrol.kernel.errors import DomainError, Invalid
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page, waiting_page

T = TypeVar("T")
MESSAGES = 60
LOG_LINES = 200
MOST_TEXT = 4000


def asked(work: Callable[[], T]) -> tuple[T | None, str]:
    """An answer of a gateway, or none and why."""
    try:
        return work(), ""
    except DomainError as refusal:
        return None, str(refusal.detail)


def _context(gateway: Gateway, tab: str, **more: Any) -> dict[str, Any]:
    return {"nav": "gateways", "gateway": gateway_rows([gateway])[0], "tab": tab, **more}


def moment(milliseconds: Any) -> datetime | None:
    """A gateway's time: milliseconds since 1970, none when it is no such number."""
    if not isinstance(milliseconds, int | float) or not 0 < milliseconds < 2**42:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@require_safe
@page
def session_list(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Sessions of a gateway, newest first."""
    _who, gateway = gateway_of(request, gateway_id)

    def ask() -> list[dict[str, Any]]:
        with rpc.session(gateway.pk) as session:
            return remote.sessions_of(session)

    found, fault = asked(ask)
    rows = [{**row, "at": moment(row.get("updatedAt"))} for row in found or ()]
    context = _context(gateway, "sessions", rows=rows, fault=fault)
    return render(request, "gateways/session_list.html", context)


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a transcript."""

    role: str
    text: str
    at: datetime | None


def said_in(history: dict[str, Any]) -> list[Said]:
    """Messages of a transcript as people read them; calls of tools only by their name."""
    found = history.get("messages")
    rows = [row for row in found or () if isinstance(row, dict)]
    return [
        Said(
            remote.speaker(row.get("role")), _text(row.get("content")), moment(row.get("timestamp"))
        )
        for row in rows
    ]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content[:MOST_TEXT]
    blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
    parts = [str(b.get("text") or b.get("name") or b.get("type") or "") for b in blocks]
    return "\n".join(part for part in parts if part)[:MOST_TEXT]


@require_http_methods(["GET", "HEAD", "POST"])
@waiting_page
def session_detail(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """One session: its transcript, and a line to write into it."""
    who, gateway = gateway_of(request, gateway_id)
    key = request.GET.get("key", "")
    fault = ""
    if request.method == "POST":
        content = request.POST.get("content", "").strip()
        fault = _send(who, gateway, key, content)
        if not fault:
            messages.success(request, _("The message was sent."))
            address = reverse("gateways:session-detail", args=[gateway.pk])
            return HttpResponseRedirect(f"{address}?{urlencode({'key': key})}")
    found, problem = asked(lambda: remote.transcript(gateway.pk, key, limit=MESSAGES))
    history = found or {}
    context = _context(
        gateway,
        "sessions",
        key=key,
        said=said_in(history),
        total=history.get("totalMessages"),
        is_running=bool((history.get("sessionInfo") or {}).get("hasActiveRun")),
        typed=request.POST.get("content", "") if fault else "",
        refusal=fault,
        fault=problem,
        can_write=allowed(who, actions.WRITE_SESSION, gateway),
    )
    if is_htmx(request) and request.method != "POST":
        return render(request, "gateways/_transcript.html", context)
    return render(request, "gateways/session_detail.html", context, status=422 if fault else 200)


def _send(who: UserActor, gateway: Gateway, key: str, content: str) -> str:
    """Send a message; returns why it was refused, else nothing."""
    try:
        if not content:
            raise Invalid(_("Write a message first."), field="content")
        services.send_to_session(who, gateway.pk, key=key, content=content)
    except DomainError as refusal:
        return str(refusal.detail)
    return ""


@require_safe
@page
def inventory(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Agents and models that the gateway has."""
    _who, gateway = gateway_of(request, gateway_id)
    agents, fault = asked(lambda: remote.agents_on(gateway))
    models: list[dict[str, Any]] | None = None
    if not fault:
        models, fault = asked(lambda: remote.models_on(gateway.pk))
    context = _context(gateway, "inventory", agents=agents, models=models, fault=fault)
    return render(request, "gateways/inventory.html", context)


@require_safe
@page
def log(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Newest lines of the gateway's own log."""
    _who, gateway = gateway_of(request, gateway_id)
    answer, fault = asked(lambda: rpc.call(gateway.pk, "logs.tail", {"limit": LOG_LINES}))
    found: dict[str, Any] = answer if isinstance(answer, dict) else {}
    context = _context(
        gateway,
        "log",
        lines=remote.log_lines(found)[::-1],
        file=found.get("file"),
        size=found.get("size"),
        fault=fault,
    )
    name = "gateways/_log.html" if is_htmx(request) else "gateways/log.html"
    return render(request, name, context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def device(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Our device at the gateway: its state, what to run there, and the devices beside it."""
    who, gateway = gateway_of(request, gateway_id)
    if request.method == "POST":
        checked = services.check_gateway(who, gateway.pk)
        if checked.status == Gateway.Status.PAIRING_REQUIRED:
            messages.warning(request, _("The gateway still waits for its operator."))
        else:
            messages.success(request, _("The connection was tried again."))
        return HttpResponseRedirect(reverse("gateways:device", args=[gateway.pk]))
    shown = pairing(gateway, targets.identity_row(gateway))
    devices: dict[str, list[dict[str, Any]]] | None = None
    fault = ""
    if rpc.is_usable(gateway):
        devices, fault = asked(lambda: remote.devices_on(gateway.pk))
    context = _context(gateway, "device", pairing=shown, devices=devices, fault=fault)
    return render(request, "gateways/device.html", context)


@require_POST
@page
def make_default(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """New boards and agents are placed on this gateway unless told otherwise."""
    who, gateway = gateway_of(request, gateway_id)
    services.update_gateway(who, gateway.pk, changes={"is_default": True})
    text = _("%(name)s is the default gateway now.")
    messages.success(request, text % {"name": gateway.name})
    return HttpResponseRedirect(reverse("gateways:gateway-detail", args=[gateway.pk]))


@require_safe
@page
def version_list(request: HttpRequest) -> HttpResponse:
    """Versions of all gateways against the least that is accepted."""
    who = admin_of(request)
    gateways = Gateway.objects.visible_to(who).filter(organization_id=home_of(who))
    rows = [(row, remote.verdict_of(row)) for row in gateways.order_by("name", "pk")[:200]]
    context = {"nav": "gateways", "rows": rows, "minimum": remote.minimum_version()}
    return render(request, "gateways/version_list.html", context)


@require_POST
@page
def cleanup_discard(request: HttpRequest, cleanup_id: UUID) -> HttpResponse:
    """Leave what is left on a gateway that was removed."""
    cleanup.discard(actor(request), cleanup_id)
    messages.success(request, _("What is left there stays."))
    return HttpResponseRedirect(reverse("gateways:gateway-list"))


def cleanups_of(who: UserActor) -> list[GatewayCleanup]:
    """What removed gateways of the active organization still run."""
    rows = GatewayCleanup.objects.visible_to(who).filter(organization_id=home_of(who))
    return list(rows.order_by("-created_at", "-pk")[:20])
