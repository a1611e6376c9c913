"""Gateways on the dashboard: are they connected, and what do they work on. No network here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gateways.models import Gateway

Status = Gateway.Status
CONNECTED = frozenset({Status.ONLINE, Status.DEGRADED})
AWAY = frozenset({Status.OFFLINE, Status.RESTARTING})
UNKNOWN = frozenset({Status.UNVERIFIED, Status.CHECKING})
SESSIONS = 6


@dataclass(frozen=True, slots=True)
class Health:
    """Gateways together: one word, and how many there are of each kind."""

    word: str | Promise
    state: str
    configured: int
    connected: int
    unavailable: int
    troubled: int
    sessions: int


def health_of(gateways: Sequence[Gateway]) -> Health:
    """How the gateways are, from what is stored about them."""
    found = [Status(gateway.status) for gateway in gateways]
    connected = sum(1 for status in found if status in CONNECTED)
    away = sum(1 for status in found if status in AWAY)
    unknown = sum(1 for status in found if status in UNKNOWN)
    word, state = _word(len(found), connected, away, unknown)
    return Health(
        word=word,
        state=state,
        configured=len(found),
        connected=connected,
        unavailable=away,
        troubled=sum(1 for s in found if s not in UNKNOWN | AWAY and s is not Status.ONLINE),
        sessions=sum(sessions_of(gateway) for gateway in gateways),
    )


def _word(total: int, connected: int, away: int, unknown: int) -> tuple[str | Promise, str]:
    if total == 0:
        return _("Not configured"), ""
    if connected == total:
        return _("All connected"), "is-online"
    if connected:
        return _("Partially connected"), "is-degraded"
    if unknown:
        return _("Checking"), "is-checking"
    return (_("Unavailable") if away == total else _("Disconnected")), "is-error"


def sessions_of(gateway: Gateway) -> int:
    """How many sessions a gateway has: the larger of the reported and the listed number."""
    return max(gateway.sessions_total or 0, len(gateway.latest_sessions or ()))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session of a gateway."""

    gateway: Gateway
    key: str
    name: str
    at: datetime | None
    is_running: bool
    model: str


def latest_sessions(gateways: Sequence[Gateway]) -> list[SessionRow]:
    """The newest sessions of all gateways together."""
    rows = [
        _row(gateway, session)
        for gateway in gateways
        for session in gateway.latest_sessions or ()
        if isinstance(session, dict)
    ]
    early = datetime.min.replace(tzinfo=UTC)
    return sorted(rows, key=lambda row: row.at or early, reverse=True)[:SESSIONS]


def _row(gateway: Gateway, session: dict[str, Any]) -> SessionRow:
    key = str(session.get("key") or "")
    return SessionRow(
        gateway=gateway,
        key=key,
        name=str(session.get("displayName") or session.get("label") or key),
        at=_moment(session.get("updatedAt")),
        is_running=bool(session.get("hasActiveRun")) or session.get("status") == "running",
        model=str(session.get("model") or ""),
    )


def _moment(milliseconds: Any) -> datetime | None:
    """A gateway's time: milliseconds since 1970, none when it is no such number."""
    if not isinstance(milliseconds, int | float) or not 0 < milliseconds < 2**42:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
