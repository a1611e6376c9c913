"""The same change for many tasks: each one by itself, by the rules that it would meet alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from boards import actions, rows
from boards.models import Task
from boards.services import tasks
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import DomainError, Invalid, NotFound

MAX_TASKS = 200
PLAIN = frozenset({"status", "assigned_agent_id", "priority", "tag_ids"})
LABELS = frozenset({"add_tag_ids", "remove_tag_ids"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task."""

    task_id: UUID
    task: Task | None = None
    refusal: DomainError | None = None


def change_tasks(
    actor: Actor,
    board_id: UUID,
    *,
    task_ids: Iterable[UUID],
    change: Mapping[str, Any],
    comment: str | None = None,
) -> list[Outcome]:
    """Change or delete several tasks of a board; a refused one leaves the others alone.

    Each task is a change of its own with its own record, so this is no service itself.

    Args:
        actor: Who changes them.
        board_id: The board that all of them are on.
        task_ids: At most 200.
        change: One of status, assigned_agent_id, priority, tag_ids, add_tag_ids, remove_tag_ids,
            delete.
        comment: Said on each task, as a rule of the board may ask for it.

    Raises:
        Invalid: no task, too many, or not exactly one change.
        NotFound: absent or invisible board.
        Forbidden: no right to write on it.
    """
    ids = list(dict.fromkeys(task_ids))
    if not 1 <= len(ids) <= MAX_TASKS:
        raise Invalid(_("Choose 1 to 200 tasks."), field="ids")
    if len(change) != 1 or not change.keys() <= PLAIN | LABELS | {"delete"}:
        raise Invalid(_("Name exactly one change."), field="change")
    board = rows.board(actor, board_id)
    if board is None:
        raise NotFound
    authz.authorize(actor, actions.UPDATE_TASK, board)
    return [_one(actor, board_id, task_id, change, comment) for task_id in ids]


def _one(
    actor: Actor, board_id: UUID, task_id: UUID, change: Mapping[str, Any], comment: str | None
) -> Outcome:
    try:
        if "delete" in change:
            tasks.delete_task(actor, task_id, board_id=board_id)
            return Outcome(task_id)
        changes = _changes_of(task_id, board_id, change)
        task = tasks.update_task(
            actor, task_id, changes=changes, comment=comment, board_id=board_id
        )
    except DomainError as refusal:
        return Outcome(task_id, refusal=refusal)
    return Outcome(task_id, task=task)


def _changes_of(task_id: UUID, board_id: UUID, change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The change as a single task takes it: tags to add or take away become a whole list."""
    if not change.keys() & LABELS:
        return change
    present = Task.objects.filter(pk=task_id, board_id=board_id).values_list("tag_ids", flat=True)
    held = list(present.first() or [])
    add = [UUID(str(pk)) for pk in change.get("add_tag_ids", ())]
    drop = {UUID(str(pk)) for pk in change.get("remove_tag_ids", ())}
    kept = [pk for pk in held if pk not in drop]
    return {"tag_ids": kept + [pk for pk in add if pk not in kept]}
