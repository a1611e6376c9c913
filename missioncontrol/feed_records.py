"""How events become records of a stream, kind by kind; what is shown stands as it is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson

from activity import feed
from activity.api import shapes
from activity.api.views import readable_comments, shape_comments
from agents.api import shapes as agent_shapes
from agents.models import Agent
from boards import memories
from boards import reads as board_reads
from boards.models import BoardMemory, GroupMemory, Task
from governance.api import shapes as approval_shapes
from governance.models import Approval
from missioncontrol.kernel.actors import Actor


class Record(NamedTuple):
    """One record of a stream; without an id it cannot be resumed from."""

    id: UUID | None
    name: str
    payload: Any


class Opened(Protocol):
    """What a record depends on beside its event."""

    actor: Actor
    is_chat: bool | None


Rows = Sequence[feed.Row]


def data_of(row: feed.Row) -> Mapping[str, Any]:
    """The event's data."""
    found: Mapping[str, Any] = orjson.loads(row.data)
    return found


def _activity(_opened: Opened, rows: Rows) -> list[Record]:
    return [
        Record(row.id, "activity", shape)
        for row, shape in zip(rows, shapes.events(rows), strict=True)
    ]


# --- tasks and their comments -----------------------------------------------------------


def _comments_of(actor: Actor, rows: Rows) -> dict[str, dict[str, Any]]:
    """Comments that events name, by id, each through the reader's own rights."""
    ids = [data_of(row).get("comment_id") for row in rows if row.type == "task.commented"]
    boards = {row.board_id for row in rows if row.board_id}
    found: dict[str, dict[str, Any]] = {}
    for board_id in boards:
        comments = readable_comments(actor, board_id).filter(pk__in=[i for i in ids if i])
        found |= {str(c["id"]): c for c in shape_comments(list(comments))}
    return found


def _comment(opened: Opened, rows: Rows) -> list[Record]:
    written = [row for row in rows if row.type == "task.commented"]
    comments = _comments_of(opened.actor, written)
    pairs = [(row, comments.get(str(data_of(row).get("comment_id")))) for row in written]
    return [Record(row.id, "comment", comment) for row, comment in pairs if comment]


def _task(opened: Opened, rows: Rows) -> list[Record]:
    about = [row for row in rows if row.type.startswith("task.")]
    ids = [pk for row in about if (pk := row.task_id or row.target_id)]
    cards = {t["id"]: t for t in board_reads.tasks(Task.objects.filter(pk__in=ids))}
    comments = _comments_of(opened.actor, about)
    return [
        Record(row.id, "task", _task_payload(row, shape, cards, comments))
        for row, shape in zip(about, shapes.events(about), strict=True)
    ]


def _task_payload(
    row: feed.Row,
    shape: dict[str, Any],
    cards: Mapping[UUID, Any],
    comments: Mapping[str, Any],
) -> dict[str, Any]:
    payload = {"type": shape["event_type"], "activity": shape}
    if row.type == "task.commented":
        return {**payload, "comment": comments.get(str(shape["metadata"].get("comment_id")))}
    task_id = row.task_id or row.target_id
    return {**payload, "task": cards.get(task_id) if task_id else None}


# --- approvals, memories, agents --------------------------------------------------------


def _approval(_opened: Opened, rows: Rows) -> list[Record]:
    about = [row for row in rows if row.type.startswith("approval.")]
    ids = [row.target_id for row in about if row.target_id]
    now = {a["id"]: a for a in approval_shapes.many(Approval.objects.filter(pk__in=ids))}
    return [
        Record(
            row.id,
            "approval",
            {
                "type": shape["event_type"],
                "activity": shape,
                "approval": now.get(str(row.target_id)),
            },
        )
        for row, shape in zip(about, shapes.events(about), strict=True)
    ]


def _memory_of(kind: type[BoardMemory] | type[GroupMemory], types: frozenset[str]) -> Any:
    """Records of a board's or a group's memory; those that are gone are left out."""

    def records(opened: Opened, rows: Rows) -> list[Record]:
        about = [(row, str(data_of(row).get("memory_id"))) for row in rows if row.type in types]
        wanted = kind.objects.filter(pk__in=[pk for _row, pk in about])
        if opened.is_chat is not None:
            wanted = wanted.filter(is_chat=opened.is_chat)
        found = {str(memory.pk): memories.shape_of(memory) for memory in wanted}
        return [Record(row.id, "memory", {"memory": found[pk]}) for row, pk in about if pk in found]

    return records


def _agent(opened: Opened, rows: Rows) -> list[Record]:
    about = [row for row in rows if row.target_kind == "agent" and row.type.startswith("agent.")]
    ids = {row.target_id for row in about if row.target_id}
    seen = {agent.pk: agent for agent in Agent.objects.visible_to(opened.actor).filter(pk__in=ids)}
    found = []
    for row in about:
        agent = seen.get(row.target_id)
        if agent is not None:
            found.append(Record(row.id, "agent", {"agent": agent_shapes.agent(agent)}))
        elif row.type == "agent.deleted":
            gone = {"id": row.target_id, "status": "deleted"}
            found.append(Record(row.id, "agent", {"agent": gone}))
    return found


RECORDS: Mapping[str, Callable[[Opened, Rows], list[Record]]] = {
    "activity": _activity,
    "comment": _comment,
    "task": _task,
    "approval": _approval,
    "memory": _memory_of(BoardMemory, frozenset({"board.chatted", "board.noted"})),
    "group_memory": _memory_of(
        GroupMemory, frozenset({"board_group.chatted", "board_group.noted"})
    ),
    "agent": _agent,
}
