"""What can be chosen on board pages: tasks to wait for, tags, found by what was typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from boards.models import Board, Tag, Task

MOST_FOUND = 12


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task to wait for."""

    id: UUID
    key: str
    title: str
    status: str
    is_chosen: bool = False


def id_of(raw: str) -> UUID | None:
    """An id that a form sent; nothing for anything else."""
    try:
        return UUID(raw)
    except ValueError:
        return None


def search(board: Board, q: str, *, besides: Collection[UUID] = ()) -> list[TaskChoice]:
    """The newest unfinished tasks of a board whose title or key has the text."""
    tasks = Task.objects.filter(board_id=board.pk).exclude(status=Task.Status.DONE)
    tasks = tasks.exclude(pk__in=list(besides)).order_by("-created_at", "id")
    if q:
        tasks = tasks.filter(Q(title__icontains=q) | Q(key__istartswith=q))
    rows = tasks.values_list("pk", "key", "title", "status")[:MOST_FOUND]
    return [TaskChoice(*row) for row in rows]


def needs(board: Board, *, q: str, chosen: Iterable[str], own: UUID | None) -> dict[str, Any]:
    """Context of `boards/_needs_choices.html`: chosen tasks first, then those that match."""
    ids = [pk for raw in chosen if (pk := id_of(raw)) and pk != own]
    rows = Task.objects.filter(board_id=board.pk, pk__in=ids)
    known = {
        pk: TaskChoice(pk, key, title, status, is_chosen=True)
        for pk, key, title, status in rows.values_list("pk", "key", "title", "status")
    }
    kept = [known[pk] for pk in dict.fromkeys(ids) if pk in known]
    besides = [choice.id for choice in kept] + ([own] if own else [])
    return {"needs": kept + search(board, q, besides=besides), "q": q}


def tags_of(organization_id: UUID) -> list[Tag]:
    """Tags of an organization by name."""
    return list(Tag.objects.filter(organization_id=organization_id).order_by(Lower("name"), "id"))


def shown_tags(ids: Iterable[UUID], tags: Iterable[Tag]) -> list[Tag]:
    """The tags of a task in the order of assignment."""
    known = {tag.pk: tag for tag in tags}
    return [known[pk] for pk in ids if pk in known]
