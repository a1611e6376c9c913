"""From the transcripts on gateways to usage entries.

At the end of each run the session's newest messages are read; a sweep reads again what the
permanent connection missed. Reading twice counts once. Source: gateway protocol 4.5, 4.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateways import events, rpc
from gateways.wire import sessions
from missioncontrol.kernel import clock, jobs
from missioncontrol.kernel.errors import DomainError

from . import lookups, usage_rules
from .models import Agent
from .services import usage

PAGE = 100
MOST_PAGES = 5
RECENT = timedelta(hours=24)
BATCH = 200
_ENDS = frozenset({"final", "error", "aborted"})


def on_chat(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """A run ended: its session is read soon."""
    key = str(payload.get("sessionKey") or "").lower()
    if payload.get("state") not in _ENDS or key.count(":") < 2:
        return
    agent_id = lookups.id_of_remote(gateway_id, key.split(":")[1])
    if agent_id is not None:
        wake(agent_id, key)


def wake(agent_id: UUID, session_key: str) -> None:
    """Have a worker read a session; the same wish is not queued twice."""
    from . import jobs as own

    jobs.enqueue_soon(own.ingest_usage, f"{agent_id}|{session_key}")


def read(agent_id: UUID, session_key: str) -> int:
    """Read a session's newest messages until a known one; returns the number of new entries."""
    agent = Agent.objects.filter(pk=agent_id, gateway__isnull=False).first()
    if agent is None or agent.gateway_id is None or agent.provisioned_at is None:
        return 0
    if session_key.split(":")[1:2] != [agent.remote_id.lower()]:
        return 0
    written = 0
    with rpc.session(agent.gateway_id) as session:
        for number in range(MOST_PAGES):
            found = session.run(
                lambda client, at=number * PAGE: sessions.chat_history(  # type: ignore[misc]  # bound now
                    client, session_key, limit=PAGE, offset=at
                )
            )
            fresh, is_known = _write(agent, session_key, found.get("messages") or [])
            written += fresh
            if is_known or not found.get("hasMore"):
                break
    return written


def _write(agent: Agent, session_key: str, messages: list[Any]) -> tuple[int, bool]:
    """New entries of a page, and whether some of it was known."""
    now = clock.now()
    found = [
        usage_rules.used_in(message, session_key=session_key, now=now)
        for message in messages
        if isinstance(message, dict)
    ]
    used = [one for one in found if one is not None]
    fresh = usage.record_used(agent.pk, used) if used else 0
    return fresh, bool(used) and fresh < len(used)


def sweep() -> int:
    """Read the main sessions of agents that were active within a day."""
    active = Agent.objects.filter(
        gateway__isnull=False, provisioned_at__isnull=False,
        last_seen_at__gte=clock.now() - RECENT,
    ).order_by("pk")  # fmt: skip
    for agent in active[:BATCH]:
        wake(agent.pk, agent.session_key)
    return min(active.count(), BATCH)


def run(wish: str) -> int:
    """The job: one session; a gateway that is away is read by a later sweep."""
    agent_id, _bar, session_key = wish.partition("|")
    try:
        return read(UUID(agent_id), session_key)
    except DomainError:
        return 0


def register() -> None:
    """Listen to the ends of runs."""
    events.register("chat", on_chat)
