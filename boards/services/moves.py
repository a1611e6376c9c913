"""Moves of tasks: to another column or place, and to another board."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, assignees, custom_fields, reads, rows, rules
from boards.models import Board, Task, TaskAlias, TaskDependency
from boards.services import changes, dependencies, opening, ranks
from governance import gates
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.unit import service


@service
def move_task(
    actor: Actor,
    task_id: Any,
    *,
    to: str,
    before_id: UUID | None = None,
    after_id: UUID | None = None,
    expected_version: int | None = None,
    comment: str | None = None,
    board_id: UUID | None = None,
    acting_for: str = "",
) -> Task:
    """Move a task to a column, right before or after another card.

    Args:
        actor: Who moves it.
        task_id: The task.
        to: Status of the column; the present one only changes the place.
        before_id: The card that comes right after it.
        after_id: The card that comes right before it.
        expected_version: The row version that the caller saw.
        comment: Said together with the move.
        board_id: The board it must be on.
        acting_for: ``user`` when a main agent acts for a person.

    Raises:
        DomainError: as :func:`boards.services.changes.change`.
    """
    wish = changes.Wish(
        changes={"status": to},
        comment=(comment or "").strip(),
        expected_version=expected_version,
        board_id=board_id,
        acting_for=acting_for,
        before_id=before_id,
        after_id=after_id,
    )
    return changes.change(actor, task_id, wish)


@service
def relocate_task(
    actor: Actor,
    task_id: Any,
    *,
    board_id: UUID,
    from_board_id: UUID | None = None,
    expected_version: int | None = None,
) -> Task:
    """Move a task to another board of the same organization.

    It gets a key of that board and keeps the old one as an alias; dependencies in both directions
    are dropped, and approvals given before no longer open the gate.

    Raises:
        NotFound: task or board absent or invisible.
        Forbidden: no right to write on one of the boards.
        StaleVersion: somebody else changed it since ``expected_version``.
        Invalid: another organization.
        Conflict: an approval of the task is pending.
    """
    source, target, task = _open_both(actor, as_uuid(task_id), board_id, from_board_id)
    if source.pk == target.pk:
        return task
    opening.require_seen(task, expected_version)
    if target.organization_id != source.organization_id:
        raise Invalid(_("The board belongs to another organization."), field="board_id")
    pending = gates.pending_for([task.pk])
    if pending:
        raise Conflict(
            _("Decide or withdraw the pending approval of this task first."),
            code="approval_pending",
            approval_id=str(pending[task.pk]),
        )
    waiting = dependencies.dependents_of(task.pk)
    TaskDependency.objects.filter(task_id=task.pk).delete()
    TaskDependency.objects.filter(depends_on_id=task.pk).delete()
    _relocate(actor, source, target, task)
    dependencies.after_finish(actor, source, task, [_without(entry, task.pk) for entry in waiting])
    return task


def _open_both(
    actor: Actor, task_id: UUID, board_id: UUID, from_board_id: UUID | None
) -> tuple[Board, Board, Task]:
    """Both boards in ascending order, then the task."""
    found = Task.objects.visible_to(actor).filter(pk=task_id)
    if from_board_id is not None:
        found = found.filter(board_id=from_board_id)
    source_id = found.values_list("board_id", flat=True).first()
    if source_id is None:
        raise NotFound
    opened = {pk: opening.open_board(actor, pk) for pk in sorted({source_id, board_id})}
    for row in opened.values():
        authz.authorize(actor, actions.RELOCATE_TASK, row)
    task = rows.lock_task(task_id, source_id)
    if task is None:
        raise NotFound
    task.__dict__["field_specs"] = custom_fields.unpack(opened[source_id].custom_fields)
    return opened[source_id], opened[board_id], task


def _without(dependent: dependencies.Dependent, task_id: UUID) -> dependencies.Dependent:
    """The dependent without this dependency."""
    left = [pk for pk in dependent.unfinished_ids if pk != task_id]
    return dependencies.Dependent(
        dependent.id, dependent.key, dependent.title, dependent.status,
        dependent.assigned_agent_id, dependent.is_running, left, dependent.assignee,
    )  # fmt: skip


def _relocate(actor: Actor, source: Board, target: Board, task: Task) -> None:
    old_key, old_target = task.key, task.target
    TaskAlias.objects.update_or_create(
        organization_id=source.organization_id, key=old_key, defaults={"task_id": task.pk}
    )
    task.board_id, task.number = target.pk, rows.take_number(target.pk)
    task.key = f"{target.key}-{task.number}"
    task.rank = ranks.place(target.pk, task.status)
    task.fingerprint = rules.fingerprint(target.pk, task.title, task.description)
    if task.assigned_agent_id is not None:
        facts = assignees.facts_of([task.assigned_agent_id]).get(task.assigned_agent_id)
        if facts is None or facts.board_id is not None:
            task.assigned_agent_id, task.__dict__["assignee_name"] = None, None
    task.version += 1
    task.field_versions = {**task.field_versions, "rank": task.version}
    task.reopened_at = clock.now()
    task.save(
        update_fields=[
            "board", "number", "key", "rank", "fingerprint", "assigned_agent", "version",
            "field_versions", "reopened_at", "updated_at",
        ]
    )  # fmt: skip
    task.__dict__.update(
        dependency_ids=[],
        unfinished_ids=[],
        field_specs=custom_fields.unpack(target.custom_fields),
    )
    facts_of_move = {
        "task_id": str(task.pk),
        "from_board_id": str(source.pk),
        "to_board_id": str(target.pk),
        "from_key": old_key,
        "to_key": task.key,
    }
    for type_, board, what in (
        ("task.relocated", source, old_target),
        ("task.created", target, task.target),
    ):
        publish(
            type_,
            actor=actor,
            target=what,
            organization_id=board.organization_id,
            board_id=board.pk,
            task_id=task.pk,
            data={**facts_of_move, "task": reads.event_card(task)}
            if board is target
            else facts_of_move,
        )
