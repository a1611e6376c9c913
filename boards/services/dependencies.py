"""Dependencies between tasks of one board: checks, links, and what finishing or reopening does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from activity.publish import Target, publish
from boards import rows, rules
from boards.models import Board, Task, TaskDependency
from boards.services import ranks
from boards.services.drafts import TaskDraft
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound

#: Whether the task can be reached from the given ones; ``UNION`` ends at what was seen.
_REACHES = (
    "WITH RECURSIVE reached(id) AS (SELECT unnest(%s::uuid[]) UNION "
    "SELECT d.depends_on_id FROM boards_taskdependency d JOIN reached r ON d.task_id = r.id) "
    "SELECT 1 FROM reached WHERE id = %s LIMIT 1"
)
_DEPENDENTS = (
    "SELECT t.id, t.key, t.title, t.status, t.assigned_agent_id, t.in_progress_at IS NOT NULL, "
    "(SELECT coalesce(array_agg(o.depends_on_id ORDER BY o.position, o.id), '{}') "
    "FROM boards_taskdependency o JOIN boards_task n ON n.id = o.depends_on_id "
    "WHERE o.task_id = t.id AND n.status <> 'done'), a.name "
    "FROM boards_taskdependency d JOIN boards_task t ON t.id = d.task_id "
    "LEFT JOIN agents_agent a ON a.id = t.assigned_agent_id "
    "WHERE d.depends_on_id = %s AND t.status <> 'done' ORDER BY t.id"
)


@dataclass(frozen=True, slots=True)
class Dependent:
    """An unfinished task that waits for another one."""

    id: UUID
    key: str
    title: str
    status: str
    assigned_agent_id: UUID | None
    is_running: bool
    unfinished_ids: list[UUID]
    assignee: str | None

    @property
    def target(self) -> Target:
        """How events name the task."""
        return Target("task", self.id, f"{self.key} {self.title}")


def known(
    board_id: UUID, ids: Iterable[UUID], *, task_id: UUID | None = None
) -> tuple[list[UUID], list[UUID]]:
    """The wanted dependencies once and in order, and those that are not done.

    Raises:
        Invalid: more than 200, or the task itself.
        NotFound: a task that is not on the board, with ``missing_task_ids``.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > rules.MAX_DEPENDENCIES:
        raise Invalid(
            _("A task has at most %(n)s dependencies.") % {"n": rules.MAX_DEPENDENCIES},
            field="depends_on_task_ids",
        )
    if task_id in wanted:
        raise Invalid(_("Task cannot depend on itself."), field="depends_on_task_ids")
    if not wanted:
        return [], []
    found = dict(Task.objects.filter(board_id=board_id, pk__in=wanted).values_list("pk", "status"))
    missing = [str(pk) for pk in wanted if pk not in found]
    if missing:
        raise NotFound(_("Some of the tasks do not exist on this board."), missing_task_ids=missing)
    return wanted, [pk for pk in wanted if found[pk] != Task.Status.DONE]


def plan(draft: TaskDraft, ids: Iterable[UUID]) -> list[UUID]:
    """Give the draft other dependencies; returns the unfinished ones that are new.

    Raises:
        Invalid: more than 200, or the task itself.
        NotFound: a task that is not on the board.
        Conflict: the task is done, or the dependencies would form a cycle.
    """
    wanted, unfinished = known(draft.board.id, ids, task_id=draft.task.pk)
    if wanted == draft.dependency_ids:
        return []
    if draft.task.status == Task.Status.DONE:
        raise Conflict(_("The dependencies of a finished task stay as they are."), code="task_done")
    added = [pk for pk in wanted if pk not in draft.dependency_ids]
    if added and _reaches(added, draft.task.pk):
        raise Conflict(
            _("Dependency cycle detected. Remove the cycle before saving."), code="dependency_cycle"
        )
    draft.dependency_ids, draft.unfinished_ids = wanted, unfinished
    return [pk for pk in added if pk in unfinished]


def _reaches(from_ids: list[UUID], task_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_REACHES, [from_ids, task_id])
        return cursor.fetchone() is not None


def write_links(task_id: UUID, ids: list[UUID], *, is_new: bool = False) -> None:
    """Store the dependencies of a task in their order."""
    if not is_new:
        TaskDependency.objects.filter(task_id=task_id).delete()
    TaskDependency.objects.bulk_create(
        TaskDependency(task_id=task_id, depends_on_id=other, position=place)
        for place, other in enumerate(ids)
    )


def dependents_of(task_id: UUID) -> list[Dependent]:
    """Unfinished tasks that wait for this one, with what they still wait for."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPENDENTS, [task_id])
        return [Dependent(*row) for row in cursor.fetchall()]


def after_finish(actor: Actor, board: Board, task: Task, dependents: list[Dependent]) -> None:
    """Tell of every dependent that it waits for less, and which of them may start now."""
    reason = f"Dependency completion changed: {task.title}."  # stored, so in one language
    for dependent in dependents:
        _tell(actor, board, dependent, "task.updated", reason)
        if not dependent.unfinished_ids:
            _tell(actor, board, dependent, "task.unblocked", reason)


def after_reopen(actor: Actor, board: Board, task: Task) -> None:
    """Bring started dependents back to ``todo``; the others only wait again."""
    # Stored, so in one language.
    reason = f"Task returned to todo: dependency reopened ({task.title})."
    for dependent in dependents_of(task.pk):
        if dependent.status == Task.Status.TODO and not dependent.is_running:
            _tell(actor, board, dependent, "task.updated", reason)
            continue
        row = rows.lock_task(dependent.id, board.pk)
        if row is not None:
            return_to_todo(TaskDraft(actor, board, row), reason=reason)


def return_to_todo(draft: TaskDraft, *, reason: str) -> None:
    """Bring a blocked task back: assignee and dependencies stay, the work no longer runs."""
    before = draft.task.status
    take_back(draft)
    names = draft.write()
    if "status" in names:
        data = draft.data(names, **{"from": before, "to": Task.Status.TODO, "reason": reason})
        draft.publish("task.moved", data)
    elif names:
        draft.publish("task.updated", draft.data(names, reason=reason))


def take_back(draft: TaskDraft) -> None:
    """Values of a task that waits again; its assignee stays as a reservation."""
    task = draft.task
    if task.status != Task.Status.TODO:
        rank = ranks.place(draft.board.pk, Task.Status.TODO, task_id=task.pk)
        draft.put_all({"status": Task.Status.TODO.value, "rank": rank})
    if task.in_progress_at is not None:
        draft.put("previous_in_progress_at", task.in_progress_at)
    draft.put("in_progress_at", None)


def _tell(actor: Actor, board: Board, dependent: Dependent, type_: str, reason: str) -> None:
    """A fact about a dependent whose row does not change."""
    waits = [str(pk) for pk in dependent.unfinished_ids]
    data: dict[str, Any] = {
        "task_id": str(dependent.id),
        "changes": rules.event_values({"is_blocked": bool(waits), "blocked_by_task_ids": waits}),
        "previous": {},
        "reason": reason,
        "status": dependent.status,
        "assigned_agent_id": str(dependent.assigned_agent_id or "") or None,
        "assignee": dependent.assignee,
    }
    publish(
        type_,
        actor=actor,
        target=dependent.target,
        organization_id=board.organization_id,
        board_id=board.pk,
        task_id=dependent.id,
        agent_id=dependent.assigned_agent_id,
        data=data,
    )
