"""Bodies and answers of memory and chat."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from boards.talk import MOST_TAG_CHARS, MOST_TAGS
from missioncontrol.kernel.schemas import Input, NonBlankText, Output

Tag = Annotated[str, StringConstraints(max_length=MOST_TAG_CHARS)]


class MemoryIn(Input):
    """A note, or with the tag ``chat`` a message. Of an agent, ``source`` is always its name."""

    content: NonBlankText
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None
    source: Annotated[str, StringConstraints(max_length=200)] | None = None


class MemoryFilter(Input):
    """Filters of a list of memories."""

    is_chat: bool | None = None
    limit: int | None = None
    offset: int | None = None


class BoardMemoryFilter(MemoryFilter):
    """Filters of a board's memory; ``key`` asks for one value instead of a list."""

    key: Annotated[str, StringConstraints(max_length=200)] | None = None


class MemoryValue(Input):
    """The value of a key."""

    content: NonBlankText
    source: Annotated[str, StringConstraints(max_length=200)] | None = None


class MemoryFields(Output):
    """What notes and messages have in common."""

    id: UUID
    content: str
    tags: list[str] | None
    is_chat: bool
    source: str | None
    author_type: str
    author_id: UUID | None
    author_name: str
    created_at: datetime


class BoardMemoryOut(MemoryFields):
    """A note or message of a board."""

    board_id: UUID


class GroupMemoryOut(MemoryFields):
    """A note or message of a group."""

    board_group_id: UUID


class BoardMemoryPage(Output):
    """A page of a board's memory."""

    items: list[BoardMemoryOut]
    total: int
    limit: int
    offset: int


class GroupMemoryPage(Output):
    """A page of a group's memory."""

    items: list[GroupMemoryOut]
    total: int
    limit: int
    offset: int
