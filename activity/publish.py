"""Record one fact: ``publish`` buffers, the outermost service numbers and inserts.

Order at the end of the outermost service: stream counters (organization, then boards, ascending;
nobody else locks them), events, audit entries under their chain head. After commit one wake-up
per stream goes to the sockets and one coalesced job drains the listeners; both may be lost.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson
from django.db import connection, transaction

from missioncontrol.kernel import clock, hub, metrics, unit
from missioncontrol.kernel.actors import Actor, AgentActor, AgentRole
from missioncontrol.kernel.context import request_id

from . import audit, frames, subscribe, types
from .models import ActivityEvent

MAX_DATA_BYTES = 16 * 1024
MAX_HISTORY_CHARS = 2000


class Target(NamedTuple):
    """What an event is about: kind, id, title at that time."""

    kind: str
    id: UUID | None
    title: str


class HasTarget(Protocol):
    """A row that can stand in an event."""

    @property
    def target(self) -> Target:
        """How events name the row."""


@dataclass(slots=True)
class PendingEvent:
    """An event before it has its numbers."""

    type: str
    actor: Actor
    target: Target
    organization_id: UUID
    board_id: UUID | None
    task_id: UUID | None
    agent_id: UUID | None
    data: Mapping[str, Any]
    at: datetime
    id: UUID = field(default_factory=uuid.uuid4)
    request_id: str = ""
    seq: int = 0
    board_seq: int | None = None


def publish(
    type: str,  # noqa: A002 - the field's name on the wire
    *,
    actor: Actor,
    target: Target | HasTarget,
    organization_id: UUID,
    board_id: UUID | None = None,
    task_id: UUID | None = None,
    agent_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
) -> UUID:
    """Buffer one fact of the running service and return the event's id.

    Args:
        type: A name of :mod:`activity.types`.
        actor: Who did it; name and id are kept as a snapshot.
        target: What it is about, or a row with a ``target`` property.
        organization_id: The stream it belongs to.
        board_id: Also number it in that board's stream.
        task_id: The task it concerns, for the task's history.
        agent_id: The agent it concerns, for the agent's own feed.
        data: JSON-ready facts, at most 16 KiB; never a secret, never HTML.

    Raises:
        RuntimeError: outside a service.
        KeyError: an undeclared type.
        ValueError: more than 16 KiB of data.
    """
    types.get(type)
    facts = dict(data or {})
    if len(orjson.dumps(facts, default=str)) > MAX_DATA_BYTES:
        raise ValueError(f"event {type} carries more than {MAX_DATA_BYTES} bytes")
    about = target if isinstance(target, Target) else target.target
    event = PendingEvent(
        type=type,
        actor=actor,
        target=Target(about.kind, about.id, about.title[:500]),
        organization_id=organization_id,
        board_id=board_id,
        task_id=task_id,
        agent_id=agent_id,
        data=facts,
        at=clock.now(),
        request_id=request_id(),
    )
    unit.remember(event)
    for listener in subscribe.inside_listeners(type):
        listener(subscribe.view_of_pending(event))
    return event.id


def _number(events: list[PendingEvent]) -> None:
    """Take the next numbers of every stream concerned, in lock order."""
    organizations = Counter(e.organization_id for e in events)
    boards = Counter(e.board_id for e in events if e.board_id)
    wanted = [(o, "org", n) for o, n in sorted(organizations.items())]
    wanted += [(b, "board", n) for b, n in sorted(boards.items())]
    values = ",".join(["(%s,%s,%s)"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO activity_eventstream (id, kind, last_seq) VALUES {values} "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET last_seq = activity_eventstream.last_seq "
            "+ EXCLUDED.last_seq RETURNING id, last_seq",
            [part for row in wanted for part in row],
        )
        last = dict(cursor.fetchall())
    taken = {stream: last[stream] - count for stream, _kind, count in wanted}
    for event in events:
        taken[event.organization_id] += 1
        event.seq = taken[event.organization_id]
        if event.board_id:
            taken[event.board_id] += 1
            event.board_seq = taken[event.board_id]


_COLUMNS = (
    "id, organization_id, seq, board_id, board_seq, task_id, agent_id, actor_kind, actor_id, "
    "actor_name, target_kind, target_id, target_title, type, data, request_id, at"
)


def _insert(events: list[PendingEvent]) -> None:
    row = "(" + ",".join(["%s"] * 17) + ")"
    values: list[Any] = []
    for e in events:
        values += [
            e.id, e.organization_id, e.seq, e.board_id, e.board_seq, e.task_id, e.agent_id,
            e.actor.kind, e.actor.id, e.actor.name[:200], e.target.kind, e.target.id,
            e.target.title, e.type, orjson.dumps(e.data, default=str).decode(), e.request_id, e.at,
        ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO activity_activityevent ({_COLUMNS}) VALUES "  # noqa: S608
            + ",".join([row] * len(events)),
            values,
        )


def flush(items: list[Any]) -> None:
    """Number and insert the events, then their audit entries; wake readers after commit."""
    events = [item for item in items if isinstance(item, PendingEvent)]
    if not events:
        return
    _number(events)
    _insert(events)
    for event in events:
        metrics.EVENTS.labels(event.type).inc()
    audit.append([e for e in events if types.get(e.type).audit])
    transaction.on_commit(lambda: _wake(events), robust=True)


@dataclass(frozen=True, slots=True)
class History:
    """An event that another product recorded: its own name for it, and its words."""

    id: UUID
    at: datetime
    organization_id: UUID
    board_id: UUID | None
    task_id: UUID | None
    agent_id: UUID | None
    agent_name: str
    target: Target
    name: str
    message: str


def write_history(past: Sequence[History], *, actor: Actor) -> int:
    """Append events of another product's record to the streams; nobody is woken by them.

    An event that was written before is passed over. Returns how many were written.
    """
    ids = [item.id for item in past]
    known = set(ActivityEvent.objects.filter(pk__in=ids).values_list("pk", flat=True))
    events = [
        PendingEvent(
            type="history.imported",
            actor=_teller(item) or actor,
            target=Target(item.target.kind, item.target.id, item.target.title[:500]),
            organization_id=item.organization_id,
            board_id=item.board_id,
            task_id=item.task_id,
            agent_id=item.agent_id,
            data={"event_type": item.name, "message": item.message[:MAX_HISTORY_CHARS]},
            at=item.at,
            id=item.id,
        )
        for item in past
        if item.id not in known
    ]
    if events:
        _number(events)
        _insert(events)
    return len(events)


def _teller(item: History) -> Actor | None:
    if item.agent_id is None:
        return None
    return AgentActor(
        id=item.agent_id,
        name=item.agent_name,
        organization_id=item.organization_id,
        role=AgentRole.WORKER,
    )


def _wake(events: list[PendingEvent]) -> None:
    """One frame per event and stream to the sockets, one drain job per organization."""
    for event in events:
        hub.send(
            f"org.{event.organization_id}",
            event.seq,
            frames.org_frame(event),
            scope=frames.scope_of(event),
        )
        if event.board_id and event.board_seq is not None:
            hub.send(f"board.{event.board_id}", event.board_seq, frames.board_frame(event))
    for organization_id in {e.organization_id for e in events}:
        subscribe.wake(organization_id)
