"""From the gateways' transcripts and logs of usage to usage entries.

At the end of each run the session's newest messages are read; a sweep reads again what the
permanent connection missed. Reading twice counts once. Heartbeat turns are announced by
``sessions.changed`` alone, and silent replies stand in the log of usage alone.
Source: gateway protocol 4.4 to 4.6; decision 0011.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateways import events, rpc
from gateways.models import Gateway
from gateways.wire import sessions
from missioncontrol.kernel import clock, jobs
from missioncontrol.kernel.errors import DomainError, RemoteFailed

from . import lookups, usage_rules
from .models import Agent
from .services import usage

PAGE = 100
MOST_PAGES = 5
RECENT = timedelta(hours=24)
BATCH = 200
_ENDS = frozenset({"final", "error", "aborted"})
_PHASES = frozenset({"end", "error"})


def on_chat(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """A run ended: its session is read soon."""
    if payload.get("state") in _ENDS:
        _wake_for(gateway_id, payload)


def on_session(gateway_id: UUID, organization_id: UUID, payload: Mapping[str, Any]) -> None:
    """The same for heartbeat turns, whose chat only those see who watch the session."""
    if payload.get("phase") in _PHASES:
        _wake_for(gateway_id, payload)


def _wake_for(gateway_id: UUID, payload: Mapping[str, Any]) -> None:
    key = str(payload.get("sessionKey") or "").lower()
    if key.count(":") < 2:
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
    seen: list[dict[str, Any]] = []
    with rpc.session(agent.gateway_id) as session:
        for number in range(MOST_PAGES):
            found = session.run(
                lambda client, at=number * PAGE: sessions.chat_history(  # type: ignore[misc]  # bound now
                    client, session_key, limit=PAGE, offset=at
                )
            )
            page = [one for one in found.get("messages") or () if isinstance(one, dict)]
            seen = [*page, *seen]
            fresh, is_known = _write(agent, session_key, page)
            written += fresh
            if is_known or not found.get("hasMore"):
                break
        return written + _read_unseen(agent, session_key, session, seen)


def _write(agent: Agent, session_key: str, messages: list[dict[str, Any]]) -> tuple[int, bool]:
    """New entries of a page, and whether some of it was known."""
    now = clock.now()
    found = [usage_rules.used_in(message, session_key=session_key, now=now) for message in messages]
    used = [one for one in found if one is not None]
    fresh = usage.record_used(agent.pk, used) if used else 0
    return fresh, bool(used) and fresh < len(used)


def _read_unseen(
    agent: Agent, session_key: str, session: rpc.Session, seen: list[dict[str, Any]]
) -> int:
    """New entries of answers that are in no transcript; none where the gateway keeps no log."""
    try:
        log, curve = session.run(lambda client: sessions.usage_log(client, session_key, limit=PAGE))
    except RemoteFailed:
        return 0
    used = usage_rules.used_unseen(
        log, curve, seen, session_key=session_key, now=clock.now(),
        written=usage.times_of(agent.pk, session_key, newest=2 * PAGE),
    )  # fmt: skip
    return usage.record_used(agent.pk, used) if used else 0


def sweep() -> int:
    """Have the sessions of every gateway with agents of ours looked through."""
    from . import jobs as own

    settled = Agent.objects.filter(gateway__isnull=False, provisioned_at__isnull=False)
    found = Gateway.objects.filter(pk__in=settled.values("gateway_id")).order_by("pk")
    usable = [gateway.pk for gateway in found if rpc.is_usable(gateway)]
    for gateway_id in usable:
        jobs.enqueue_now(own.sweep_gateway_usage, gateway_id)
    return len(usable)


def sweep_gateway(gateway_id: UUID) -> int:
    """Read the sessions of our agents that a gateway saw within a day, whoever spoke in them."""
    try:
        with rpc.session(gateway_id) as session:
            rows = session.run(lambda client: sessions.list_sessions(client, most=BATCH))
    except DomainError:
        return 0
    since = (clock.now() - RECENT).timestamp() * 1000
    found = 0
    for row in rows:
        key, at = str(row.get("key") or "").lower(), row.get("updatedAt")
        if not isinstance(at, int | float) or at < since or key.count(":") < 2:
            continue
        agent_id = lookups.id_of_remote(gateway_id, key.split(":")[1])
        if agent_id is not None:
            wake(agent_id, key)
            found += 1
    return found


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
    events.register("sessions.changed", on_session)
