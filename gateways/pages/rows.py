"""Gateways as rows, and the connection doctor's report as readable checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from agents.models import Agent
from gateways import actions
from gateways.findings import said
from gateways.models import Gateway, GatewayCheck
from gateways.wire.diagnose import Diagnosis
from gateways.wire.errors import Cause
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.pages import actor

STRIP = 16
UNTOUCHED = "Not checked."
TITLES: dict[str, str | Promise] = {
    "address": _("Address"),
    "tcp": _("Reachable"),
    "http": _("Answers"),
    "tls": _("Certificate"),
    "handshake": _("Handshake"),
    "pairing": _("Pairing"),
    "scopes": _("Scopes"),
    "version": _("Version"),
    "methods": _("Methods"),
    "exec_policy": _("Command policy"),
    "base_url": _("Agents reach us"),
    "check_in": _("Agents reach us"),
}
GOOD = {"online"}
FAIR = {"degraded", "checking", "unverified"}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of the doctor."""

    key: str
    state: str
    finding: str
    fix: str
    figure: str

    @property
    def is_untouched(self) -> bool:
        """An earlier check failed, so this one was not made."""
        return self.state == "skipped" and self.finding == said(UNTOUCHED)

    @property
    def title(self) -> str | Promise:
        """Name of the check."""
        return TITLES.get(self.key, self.key)


def admin_of(request: HttpRequest) -> UserActor:
    """Who asks, if he is an admin of the active organization.

    Raises:
        Forbidden: he is not.
    """
    who = actor(request)
    if not who.is_admin_in(who.organization_id):
        raise Forbidden(_text("Gateways are kept by admins of the organization."))
    return who


def gateway_of(request: HttpRequest, gateway_id: UUID) -> tuple[UserActor, Gateway]:
    """Who asks, and a gateway whose organization he is an admin of, whichever is active.

    Raises:
        NotFound: absent, or of an organization that he does not belong to.
        Forbidden: no admin there.
    """
    who = actor(request)
    gateway: Gateway = Gateway.objects.seen_by(who, gateway_id)
    authorize(who, actions.VIEW, gateway)
    return who, gateway


def check_rows(report: Iterable[dict[str, Any]] | None) -> list[CheckRow]:
    """The stored report of a gateway, ready for `ui/_doctor.html`."""
    return [
        CheckRow(
            key=str(check.get("key", "")),
            state=str(check.get("state", "skipped")),
            finding=said(str(check.get("finding", ""))),
            fix=said(str(check.get("next_step", ""))),
            figure=_figure(check.get("figure_ms")),
        )
        for check in report or ()
    ]


def proposed_rows(found: Diagnosis, gateway: Gateway | None) -> list[CheckRow]:
    """What the doctor says about a form; a gateway that is not stored has no device to accept."""
    shown = check_rows([asdict(check) for check in found.checks])
    if gateway is not None or found.cause is not Cause.PAIRING:
        return shown
    step = _text("Add the gateway. Its page then shows the command that accepts this device.")
    return [replace(row, fix=step) if row.key == "pairing" else row for row in shown]


def _figure(milliseconds: Any) -> str:
    return f"{float(milliseconds):.0f} ms" if isinstance(milliseconds, int | float) else ""


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway in a list."""

    gateway: Gateway
    agents: int
    beats: list[str]
    latency: str

    def __getattr__(self, name: str) -> Any:
        """Facts of the gateway itself."""
        return getattr(self.gateway, name)

    @property
    def runs_commands_unasked(self) -> bool:
        """The doctor found that nobody is asked about commands."""
        report = self.gateway.checks or ()
        found = {str(check.get("key")): str(check.get("state")) for check in report}
        return found.get("exec_policy") == "warn"

    @property
    def trouble(self) -> str:
        """Why it does not work and what to do, in the reader's language."""
        return said(self.gateway.status_detail or "")

    @property
    def pairing_command(self) -> str:
        """What to run on the gateway's host so that it accepts us."""
        return f"openclaw devices approve {self.gateway.pairing_request_id}".strip()


def gateway_rows(gateways: Sequence[Gateway]) -> list[GatewayRow]:
    """Gateways with strip and number of agents; two more queries, whatever their number."""
    ids = [gateway.id for gateway in gateways]
    counted = Agent.objects.filter(gateway_id__in=ids).values_list("gateway_id")
    agents = dict(counted.annotate(n=Count("id")))
    history = _history(ids)
    return [
        GatewayRow(
            gateway=gateway,
            agents=agents.get(gateway.id, 0),
            beats=[_mark(check.status) for check in history[gateway.id]],
            latency=_figure(history[gateway.id][-1].latency_ms) if history[gateway.id] else "",
        )
        for gateway in gateways
    ]


def _history(ids: Iterable[UUID]) -> dict[UUID, list[GatewayCheck]]:
    place = Window(RowNumber(), partition_by=["gateway_id"], order_by="-created_at")
    recent = GatewayCheck.objects.filter(gateway_id__in=list(ids)).annotate(place=place)
    found: dict[UUID, list[GatewayCheck]] = defaultdict(list)
    for check in recent.filter(place__lte=STRIP).order_by("created_at"):
        found[check.gateway_id].append(check)
    return found


def _mark(status: str) -> str:
    if status in GOOD:
        return "on_time"
    return "late" if status in FAIR else "missed"
