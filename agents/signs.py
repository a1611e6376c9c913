"""What a gateway shows of adopted agents: signs of life between their calls.

Such an agent keeps its own heartbeat, or none, and calls us only when it is told to. Its gateway
knows better: which of its sessions moved when, and at what interval it beats. One without a
heartbeat is not silent but idle; it is there as long as its gateway lists it. None of this counts
as a check-in or as an answer to a message. Source: gateway protocol 4.1, 4.4; decision 0011.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateways import events
from missioncontrol.kernel import clock

from .models import Agent
from .services import presence

OFF = "0m"


def on_session(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """A run of one of its sessions goes on; labels and the like carry no phase."""
    key = str(payload.get("sessionKey") or "").lower()
    if not payload.get("phase") or key.count(":") < 2:
        return
    for agent in _adopted(gateway_id):
        if agent.linked_remote_id.lower() == key.split(":")[1]:
            presence.note_gateway_sign(agent.pk, at=clock.now())


def on_health(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """The gateway lists its agents with their heartbeat and the last change of their sessions."""
    listed = {
        str(row.get("agentId") or "").lower(): row
        for row in payload.get("agents") or ()
        if isinstance(row, dict)
    }
    for agent in _adopted(gateway_id):
        row = listed.get(agent.linked_remote_id.lower())
        if row is not None:
            every = _every(row)
            at = clock.now() if every == OFF else _last_change(row)
            presence.note_gateway_sign(agent.pk, at=at, every=every)


def _adopted(gateway_id: UUID) -> list[Agent]:
    rows = Agent.objects.filter(gateway_id=gateway_id).exclude(linked_remote_id="")
    return list(rows.only("id", "linked_remote_id"))


def _every(row: Mapping[str, Any]) -> str:
    """Interval of the agent's own heartbeat on its gateway."""
    block = row.get("heartbeat")
    if not isinstance(block, dict) or not block.get("enabled"):
        return OFF
    return str(block.get("every") or OFF)[:40]


def _last_change(row: Mapping[str, Any]) -> datetime | None:
    sessions = row.get("sessions")
    recent = sessions.get("recent") if isinstance(sessions, dict) else None
    times = [
        one["updatedAt"]
        for one in recent or ()
        if isinstance(one, dict) and isinstance(one.get("updatedAt"), int | float)
    ]
    newest = max((at for at in times if 0 < at < 1e14), default=0)
    return min(datetime.fromtimestamp(newest / 1000, UTC), clock.now()) if newest else None


def register() -> None:
    """Listen to what gateways report."""
    events.register("sessions.changed", on_session)
    events.register("health", on_health)
