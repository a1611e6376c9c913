"""Events as socket frames: the same text live and in a replay."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

import orjson

from missioncontrol.kernel import clock

from . import types

#: Start of the request id of a change that came over a board's socket.
OPERATION = "op:"


class EventLike(Protocol):
    """A stored or just numbered event."""

    type: str
    seq: int
    board_seq: int | None
    board_id: UUID | None


def scope_of(event: Any) -> str:
    """Whose readers a frame is for: those of a board, of a group, or (empty) the admins."""
    if event.board_id:
        return str(event.board_id)
    entry = types.TYPES.get(event.type)
    if entry is not None and entry.is_of_target:
        return str(_facts(event)["target"][1])
    return ""


def _facts(event: Any) -> dict[str, Any]:
    """The fields both frames share, from a stored row or a pending event."""
    if hasattr(event, "target_id"):
        return {
            "actor": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name},
            "target": (event.target_kind, event.target_id, event.target_title),
        }
    return {
        "actor": {"kind": event.actor.kind, "id": event.actor.id, "name": event.actor.name},
        "target": tuple(event.target),
    }


def board_frame(event: Any) -> str:
    """Frame of the board socket: the type's ``frame`` name, header, and the event's data."""
    entry = types.get(event.type)
    facts = _facts(event)
    frame = {
        "type": entry.frame or "activity",
        "event": event.type,
        "seq": event.board_seq,
        "ts": clock.iso(event.at),
        "actor": facts["actor"],
        "task_id": event.task_id,
        **event.data,
    }
    if event.request_id.startswith(OPERATION):
        frame["op_id"] = event.request_id.removeprefix(OPERATION)
    return orjson.dumps(frame, default=str).decode()


def org_frame(event: Any) -> str:
    """Frame of the organization's socket: ids only; readers fetch what they may see."""
    facts = _facts(event)
    kind, target_id, title = facts["target"]
    return orjson.dumps(
        {
            "type": "event",
            "id": event.seq,
            "payload": {
                "seq": event.seq,
                "type": event.type,
                "target_kind": kind,
                "target_id": target_id,
                "target_title": title,
                "board_id": event.board_id,
                "at": clock.iso(event.at),
                "actor_name": facts["actor"]["name"],
            },
        },
        default=str,
    ).decode()
