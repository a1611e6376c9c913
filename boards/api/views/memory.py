"""Memory and chat of boards and groups."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from boards import memories, services, talk
from boards.api import memory_schemas as schemas
from boards.api.views.shared import USER_AGENT, answer_page, require_board
from boards.models import Board, BoardGroup, BoardMemory
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.errors import NotFound

BOARD_TAGS = ("board-memory",)
GROUP_TAGS = ("board-group-memory",)


def _answer(view: ApiView, rows: memories.Rows) -> Response:
    return answer_page(
        view,
        lambda limit, offset: [memories.shape(row) for row in rows[offset : offset + limit]],
        lambda: rows.order_by().count(),
    )


class BoardMemoryView(ApiView):
    """What a board remembers."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=BOARD_TAGS,
        summary="Notes and messages, newest first",
        response=schemas.BoardMemoryPage,
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """List; ``is_chat`` asks for messages or notes alone, ``key`` for one value by its key."""
        wanted = self.query(schemas.BoardMemoryFilter)
        require_board(self.actor, board_id)
        if wanted.key is not None:
            return ok(_value(board_id, wanted.key))
        return _answer(self, memories.of_board(self.actor, board_id, is_chat=wanted.is_chat))

    @operation(
        tags=BOARD_TAGS,
        summary="Write a note, or with the tag chat a message",
        request=schemas.MemoryIn,
        response=schemas.BoardMemoryOut,
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create; ``/pause`` and ``/resume`` as a whole message take effect."""
        body = self.read(schemas.MemoryIn)
        memory = services.add_board_memory(
            self.actor, board_id, content=body.content, tags=body.tags, source=body.source
        )
        return ok(memories.shape_of(memory))


def _value(board_id: UUID, key: str) -> dict[str, Any]:
    """The note that is the value of a key.

    Raises:
        NotFound: nothing was written under it.
    """
    note = BoardMemory.objects.valued(board_id, talk.tag_of_key(key)).first()
    if note is None:
        raise NotFound(_("Nothing is noted under this key."))
    return memories.shape_of(note)


class BoardMemoryValueView(ApiView):
    """One value of a board's memory."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=BOARD_TAGS,
        summary="Write the value of a key; read it with ?key=",
        request=schemas.MemoryValue,
        response=schemas.BoardMemoryOut,
    )
    def put(self, request: Request, board_id: UUID, key: str) -> Response:
        """Write; earlier values stay as older notes."""
        body = self.read(schemas.MemoryValue)
        memory = services.put_board_memory(
            self.actor, board_id, key=key, content=body.content, source=body.source
        )
        return ok(memories.shape_of(memory))


class GroupMemoryView(ApiView):
    """What a group remembers."""

    @operation(
        tags=GROUP_TAGS,
        summary="Notes and messages of a group, newest first",
        response=schemas.GroupMemoryPage,
    )
    def get(self, request: Request, group_id: UUID) -> Response:
        """List; ``is_chat`` asks for messages or for notes alone."""
        wanted = self.query(schemas.MemoryFilter)
        group = BoardGroup.objects.seen_by(self.actor, group_id)
        return _answer(self, memories.of_group(self.actor, group.pk, is_chat=wanted.is_chat))

    @operation(
        tags=GROUP_TAGS,
        summary="Write to a group; chat, broadcast and @all tell its agents",
        request=schemas.MemoryIn,
        response=schemas.GroupMemoryOut,
    )
    def post(self, request: Request, group_id: UUID) -> Response:
        """Create."""
        body = self.read(schemas.MemoryIn)
        memory = services.add_group_memory(
            self.actor, group_id, content=body.content, tags=body.tags, source=body.source
        )
        return ok(memories.shape_of(memory))


class BoardGroupMemoryView(ApiView):
    """The memory of a board's group, reached from the board."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=GROUP_TAGS,
        summary="Notes and messages of the board's group; none without a group",
        response=schemas.GroupMemoryPage,
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """List."""
        wanted = self.query(schemas.MemoryFilter)
        board: Board = Board.objects.seen_by(self.actor, board_id)
        rows = memories.of_group(self.actor, board.board_group_id, is_chat=wanted.is_chat)
        return _answer(self, rows)

    @operation(
        tags=GROUP_TAGS,
        summary="Write to the group of a board",
        request=schemas.MemoryIn,
        response=schemas.GroupMemoryOut,
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create."""
        body = self.read(schemas.MemoryIn)
        memory = services.add_group_memory_from_board(
            self.actor, board_id, content=body.content, tags=body.tags, source=body.source
        )
        return ok(memories.shape_of(memory))
