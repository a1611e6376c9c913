"""What the views of boards and tasks have in common: who is admitted, how a task is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.response import Response

from boards import reads, rows
from boards.models import Board, Task
from missioncontrol.kernel.actors import Actor, Kind
from missioncontrol.kernel.api import ARRAY, ApiView, Pages, ok
from missioncontrol.kernel.errors import NotFound

USER_AGENT: frozenset[Kind] = frozenset({"user", "agent"})
AGENT: frozenset[Kind] = frozenset({"agent"})
TaskRef = UUID | str


def resolve_task(actor: Actor, ref: TaskRef, board_id: UUID | None = None) -> UUID:
    """Id of a task that an address names by id or by key (``OPS-214``).

    A key is looked for in the active organization first; an old key still works.

    Raises:
        NotFound: no readable task of that key.
    """
    if isinstance(ref, UUID):
        return ref
    home = actor.organization_id if hasattr(actor, "organization_id") else None
    tasks = Task.objects.visible_to(actor)
    if board_id is not None:
        tasks = tasks.filter(board_id=board_id)
    for lookup in ("key", "aliases__key"):
        found = dict(tasks.filter(**{lookup: ref}).values_list("organization_id", "pk")[:20])
        if found:
            chosen: UUID = found.get(home) or next(iter(found.values()))
            return chosen
    raise NotFound


def require_board(actor: Actor, board_id: UUID) -> None:
    """Refuse a board that the actor may not read.

    Raises:
        NotFound: absent or invisible.
    """
    if not rows.sees_board(actor, board_id):
        raise NotFound


def answer_page(
    view: ApiView,
    read: Callable[[int, int], list[dict[str, Any]]],
    count: Callable[[], int],
) -> Response:
    """One page: ``read(limit, offset)`` shapes its rows; a full page asks ``count``."""
    pages = Pages(view.request.GET)
    items = read(pages.limit, pages.offset)
    short = len(items) < pages.limit and (items or pages.offset == 0)
    total = pages.offset + len(items) if short else count()
    if ARRAY in view.request.META.get("HTTP_ACCEPT", ""):
        return ok(items, headers={"X-Total-Count": str(total)})
    return ok({"items": items, "total": total, "limit": pages.limit, "offset": pages.offset})


def answer_boards(view: ApiView, found: QuerySet[Board]) -> Response:
    """One page of boards."""
    return answer_page(
        view,
        lambda limit, offset: reads.boards(found[offset : offset + limit]),
        lambda: found.order_by().count(),
    )


def prefix_of(view: ApiView) -> str:
    """The mount that the call came through."""
    return "/api/v1" if view.is_v1() else "/api"
