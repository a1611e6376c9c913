"""What the views of boards and tasks have in common: who is admitted, how a task is named."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from rest_framework.response import Response

from boards.models import Board, Task
from missioncontrol.kernel.actors import Actor, Kind
from missioncontrol.kernel.api import ARRAY, ApiView, Pages, ok
from missioncontrol.kernel.errors import NotFound

USER_AGENT: frozenset[Kind] = frozenset({"user", "agent"})
AGENT: frozenset[Kind] = frozenset({"agent"})
TaskRef = UUID | str


def resolve_task(actor: Actor, ref: TaskRef, board_id: UUID | None = None) -> UUID:
    """Id of a task that an address names by id or by key (``OPS-214``).

    A key is looked for in the active organization first; an old key of a relocated task still works.

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
    if not Board.objects.visible_to(actor).filter(pk=board_id).exists():
        raise NotFound


def answer_page(
    view: ApiView, rows: models.QuerySet[Any], items_of: Any, *, counted: Any = None
) -> Response:
    """One page; ``items_of`` shapes the rows of the window, whatever queries that takes."""
    pages = Pages(view.request.GET)
    items = items_of(rows[pages.window])
    short = len(items) < pages.limit and (items or pages.offset == 0)
    total = pages.offset + len(items) if short else (counted or rows).order_by().count()
    if ARRAY in view.request.META.get("HTTP_ACCEPT", ""):
        return ok(items, headers={"X-Total-Count": str(total)})
    return ok({"items": items, "total": total, "limit": pages.limit, "offset": pages.offset})


def prefix_of(view: ApiView) -> str:
    """The mount that the call came through."""
    return "/api/v1" if view.is_v1() else "/api"
