"""What the records of the event streams hold, and how the document says it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from activity.api.schemas import EventOut, TaskCommentOut
from agents.api.schemas import AgentOut
from boards.api.memory_schemas import BoardMemoryOut, GroupMemoryOut
from boards.api.schemas import TaskOut
from governance.api.schemas import ApprovalOut
from missioncontrol.kernel.schemas import Output

MEDIA_TYPE = "text/event-stream"
#: Extension by which a stream names its records.
EVENT = "x-event"


class TaskRecord(Output):
    """A task as it stands, or the comment that was written on it."""

    type: str
    activity: EventOut
    task: TaskOut | None = None
    comment: TaskCommentOut | None = None


class ApprovalRecord(Output):
    """An approval as it stands."""

    type: str
    activity: EventOut
    approval: ApprovalOut | None


class GoneAgent(Output):
    """An agent that was deleted."""

    id: UUID
    status: str


class AgentRecord(Output):
    """An agent as it stands; of a deleted one its id."""

    agent: AgentOut | GoneAgent


class BoardMemoryRecord(Output):
    """A note or message of a board."""

    memory: BoardMemoryOut


class GroupMemoryRecord(Output):
    """A note or message of a group."""

    memory: GroupMemoryOut


def describe_frames(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Say of every stream what one event of it is: place, name, and one line of JSON."""
    for item in result["paths"].values():
        operation = item.get("get", {})
        name = operation.pop(EVENT, None)
        if name is not None:
            content = operation["responses"]["200"]["content"][MEDIA_TYPE]
            content["schema"] = _frame(name, content["schema"])
    return result


def _frame(name: str, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One event; after a break go on with its `id` as `Last-Event-ID`.",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "event": {"type": "string", "enum": [name]},
            "data": {
                "type": "string",
                "x-content-media-type": "application/json",
                "x-content-schema": record,
            },
        },
        "required": ["event", "data"],
    }
