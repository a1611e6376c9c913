"""Run frames of agents' sessions: which run is active, and which ended in an error.

Frames arrive on the gateway's permanent connection; only changes reach the database.
Source: gateway protocol 4.6; a run ends with ``chat`` ``final``, ``error`` or ``aborted``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateways import events
from missioncontrol.kernel import clock

from . import lookups
from .models import Agent
from .services import notifications

_ENDS = frozenset({"final", "error", "aborted"})
_REFRESH = timedelta(seconds=60)
_MOST_KNOWN = 10_000
#: Last known run of a session: what was written, and when.
_known: dict[tuple[UUID, str], tuple[str, datetime]] = {}


def on_chat(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """A ``chat`` frame: progress or end of a run."""
    key, run_id = str(payload.get("sessionKey") or "").lower(), str(payload.get("runId") or "")
    state = str(payload.get("state") or "")
    if not key.startswith("agent:") or not run_id:
        return
    if state in _ENDS:
        _write(gateway_id, key, "", force=True)
        if state == "error":
            _failed(run_id, str(payload.get("errorMessage") or "The run failed."))
    else:
        _write(gateway_id, key, run_id)


def _write(gateway_id: UUID, key: str, run_id: str, *, force: bool = False) -> None:
    now = clock.now()
    known, at = _known.get((gateway_id, key), ("", now - _REFRESH))
    if known == run_id and now - at < _REFRESH and not force:
        return
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known[(gateway_id, key)] = (run_id, now)
    remote_id = key.split(":")[1] if key.count(":") == 2 and key.endswith(":main") else ""
    agent_id = lookups.id_of_remote(gateway_id, remote_id)
    if agent_id is not None:
        Agent.objects.filter(pk=agent_id).update(
            active_run_id=run_id[:80], active_run_at=now if run_id else None
        )


def _failed(run_id: str, reason: str) -> None:
    """A run that answers one of our messages carries the message's id."""
    try:
        notification_id = UUID(run_id)
    except ValueError:
        return
    notifications.record_run_failed(notification_id, reason=reason)


def register() -> None:
    """Listen to the gateways' run frames."""
    events.register("chat", on_chat)
