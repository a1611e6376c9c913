"""Notes and messages as plain facts, newest first, in one query each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from boards.models import BoardMemory, GroupMemory
from missioncontrol.kernel.actors import Actor

#: Messages that a board's snapshot carries.
MOST_IN_SNAPSHOT = 200
_COMMON = (
    "id", "content", "tags", "is_chat", "source", "author_kind", "author_id", "author_name",
    "created_at",
)  # fmt: skip
Rows = QuerySet[Any, dict[str, Any]]


def of_board(actor: Actor, board_id: UUID, *, is_chat: bool | None = None) -> Rows:
    """What a readable board remembers."""
    rows = BoardMemory.objects.visible_to(actor).filter(board_id=board_id)
    return _newest(rows, "board_id", is_chat=is_chat)


def of_group(actor: Actor, group_id: UUID | None, *, is_chat: bool | None = None) -> Rows:
    """What a readable group remembers; nothing without a group."""
    rows = GroupMemory.objects.visible_to(actor).filter(board_group_id=group_id)
    return _newest(rows, "board_group_id", is_chat=is_chat)


def _newest(rows: Any, place: str, *, is_chat: bool | None) -> Rows:
    if is_chat is not None:
        rows = rows.filter(is_chat=is_chat)
    found: Rows = rows.spoken().order_by("-created_at", "-id").values(*_COMMON, place)
    return found


def shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """A note or message as the API has it."""
    shaped = dict(row)
    shaped["author_type"] = shaped.pop("author_kind")
    return shaped


def shape_of(memory: BoardMemory | GroupMemory) -> dict[str, Any]:
    """A stored note or message as the API has it."""
    place = "board_id" if isinstance(memory, BoardMemory) else "board_group_id"
    return shape({name: getattr(memory, name) for name in (*_COMMON, place)})


def newest_messages(board_id: UUID) -> list[dict[str, Any]]:
    """The latest messages of a board that was found readable, oldest first."""
    rows = _newest(BoardMemory.objects.filter(board_id=board_id), "board_id", is_chat=True)
    return [shape(row) for row in reversed(rows[:MOST_IN_SNAPSHOT])]
