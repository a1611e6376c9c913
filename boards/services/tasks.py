"""Tasks: create, change, assign, delete, and what became of the message to the assignee."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, assignees, custom_fields, reads, rows, rules
from boards.models import Board, Task
from boards.rules import Mover
from boards.services import changes, dependencies, details, gatekeeping, opening, ranks
from boards.services.drafts import TaskDraft
from governance import services as governance
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, NotFound
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.unit import service


@dataclass(frozen=True, slots=True)
class NewTask:
    """Checked inputs of a new task."""

    title: str
    description: str | None
    status: str
    priority: str
    due_at: datetime | None
    dependency_ids: list[UUID]
    unfinished_ids: list[UUID]
    tags: list[dict[str, Any]]
    custom_field_values: dict[str, Any]


@service
def create_task(
    actor: Actor,
    board_id: Any,
    *,
    title: str,
    description: str | None = None,
    status: str = "todo",
    priority: str = "medium",
    due_at: datetime | None = None,
    assigned_agent_id: UUID | None = None,
    depends_on_task_ids: Iterable[UUID] = (),
    tag_ids: Iterable[UUID] = (),
    custom_field_values: Mapping[str, Any] | None = None,
    allow_duplicate: bool = False,
    before_id: UUID | None = None,
    after_id: UUID | None = None,
    auto_reason: str | None = None,
) -> Task:
    """Create a task on a board.

    Args:
        actor: A person, a lead, or code; a lead's task is marked as made by it.
        board_id: The board.
        title: 1 to 500 characters; ``description`` is Markdown.
        status: First column; beyond ``todo`` the gates are asked.
        priority: ``low``, ``medium``, ``high``, ``critical``; other words sort last.
        assigned_agent_id: An agent of the board or the pool.
        depends_on_task_ids: Tasks of the board that it waits for; ``tag_ids`` tags in order.
        custom_field_values: Values by key; a required field needs one unless it has a default.
        allow_duplicate: Do not refuse what an open task already says; ``auto_reason`` tells why
            code made it.
        before_id: The card that comes right after it; ``after_id`` the one before.

    Raises:
        Invalid: a value out of bounds.
        NotFound: absent or invisible board; unknown assignee, dependency or tag.
        Forbidden: no right to write; a worker; a lead that assigns itself.
        Conflict, Blocked, ApprovalRequired: duplicate, assignment, or a gate.
    """
    wanted = changes.checked(
        {"title": title, "description": description, "status": status, "priority": priority}
    )
    board = opening.open_board(actor, board_id)
    authz.authorize(actor, actions.CREATE_TASK, board)
    mover = _creator(actor)
    assignee = _assignee(board, mover, assigned_agent_id)
    depends, unfinished = dependencies.known(board.pk, depends_on_task_ids)
    new = NewTask(
        **wanted, due_at=due_at, dependency_ids=depends, unfinished_ids=unfinished,
        tags=details.known_tags(board.organization_id, tag_ids),
        custom_field_values=details.first_values(board, custom_field_values),
    )  # fmt: skip
    print_ = rules.fingerprint(board.pk, new.title, new.description)
    warnings = _duplicates(board, print_, mover, actor, allow_duplicate=allow_duplicate)
    task = _row(actor, board, new, assignee, fingerprint=print_)
    if auto_reason is not None:
        task.auto_created, task.auto_reason = True, auto_reason[:200]
    task.warnings = warnings  # type: ignore[misc]  # a hint of this answer alone
    _add(TaskDraft(actor, board, task), new, mover, anchors=(before_id, after_id))
    return task


def _add(
    draft: TaskDraft, new: NewTask, mover: Mover, *, anchors: tuple[UUID | None, UUID | None]
) -> None:
    """Store the task at its place and tell of it."""
    task, (before_id, after_id) = draft.task, anchors
    if new.status != Task.Status.TODO:
        _start(draft, new.status, mover)
    task.rank = ranks.place(draft.board.pk, new.status, before_id=before_id, after_id=after_id)
    rows.insert_task(task)
    if new.dependency_ids:
        dependencies.write_links(task.pk, new.dependency_ids, is_new=True)
    _tell_created(draft, mover)


def _creator(actor: Actor) -> Mover:
    """As what the actor creates; only people, leads and code do."""
    if not isinstance(actor, AgentActor):
        return Mover.USER
    if not actor.is_lead:
        raise Forbidden(_("Only a board's lead creates tasks."), code="lead_only")
    return Mover.LEAD


def _assignee(board: Board, mover: Mover, agent_id: UUID | None) -> assignees.AssigneeFacts | None:
    if agent_id is None:
        return None
    agent = assignees.require_assignable(
        agent_id, organization_id=board.organization_id, board_id=board.pk
    )
    if mover is Mover.LEAD and agent.agent_type == "lead":
        raise Forbidden(_("A lead does not assign tasks to itself."), code="lead_self_assignment")
    return agent


def _duplicates(
    board: Board, fingerprint: str, mover: Mover, actor: Actor, *, allow_duplicate: bool
) -> tuple[str, ...]:
    """Hints about an open task that says the same; agents and code are refused."""
    existing = rows.open_duplicate(board.pk, fingerprint)
    if existing is None:
        return ()
    if not isinstance(actor, UserActor) and not allow_duplicate:
        raise Conflict(
            _("An open task of this board already says the same."),
            code="duplicate_task",
            existing_task_id=str(existing),
        )
    return (f"duplicate_of:{existing}",) if mover is Mover.USER else ()


def _row(
    actor: Actor,
    board: Board,
    new: NewTask,
    assignee: assignees.AssigneeFacts | None,
    *,
    fingerprint: str,
) -> Task:
    number = rows.take_number(board.pk)
    task = Task(
        organization_id=board.organization_id,
        board_id=board.pk,
        number=number,
        key=f"{board.key}-{number}",
        title=new.title,
        description=new.description,
        priority=new.priority,
        due_at=new.due_at,
        assigned_agent_id=assignee.id if assignee else None,
        fingerprint=fingerprint,
        tag_ids=[UUID(tag["id"]) for tag in new.tags],
        custom_field_values=new.custom_field_values,
    )
    if isinstance(actor, UserActor):
        task.created_by_id = actor.id
    elif isinstance(actor, AgentActor):
        task.created_by_agent_id = actor.id
        task.auto_created, task.auto_reason = True, f"lead_agent:{actor.id}"
    task.__dict__.update(
        dependency_ids=new.dependency_ids,
        unfinished_ids=new.unfinished_ids,
        assignee_name=assignee.name if assignee else None,
        tags=new.tags,
        field_specs=custom_fields.unpack(board.custom_fields),
    )
    return task


def _start(draft: TaskDraft, to: str, mover: Mover) -> None:
    """A task that begins in a later column passes the same rules as a moved one."""
    task, named = draft.task, draft.task.assigned_agent_id
    gatekeeping.require_transition(draft.board, mover, "todo", to, assignee=named)
    gatekeeping.require_gates(gatekeeping.StatusChange(draft, "todo", to, mover))
    moved = rules.Moved("todo", None, None, named, None)
    found = rules.effects(moved, to, mover, agent_id=None, lead_id=None, now=clock.now())
    found.pop("assigned_agent_id", None)
    for name, value in {**found, "status": to}.items():
        setattr(task, name, value)


def _tell_created(draft: TaskDraft, mover: Mover) -> None:
    task = draft.task
    draft.publish(
        "task.created",
        {"task": reads.event_card(task), "task_id": str(task.pk), "version": task.version},
    )
    if task.assigned_agent_id:
        draft.previous = {"assigned_agent_id": None}
        draft.previous_assignee_name = None
        changes.tell_assigned(draft)
    changes.tell_decided(draft, "todo", mover)


@service
def update_task(
    actor: Actor,
    task_id: Any,
    *,
    changes: Mapping[str, Any],
    comment: str | None = None,
    expected_version: int | None = None,
    board_id: UUID | None = None,
    acting_for: str = "",
) -> Task:
    """Change fields of a task, its status among them; absent fields stay.

    Args:
        actor: Who changes it.
        task_id: The task.
        changes: Field to value: title, description, status, priority, due_at, assigned_agent_id,
            depends_on_task_ids, tag_ids, custom_field_values.
        comment: Said together with the change; blank is ignored.
        expected_version: The row version that the caller saw.
        board_id: The board it must be on.
        acting_for: ``user`` when a main agent acts for a person.

    Raises:
        DomainError: as :func:`boards.services.changes.change`.
    """
    return _change(
        actor,
        task_id,
        changes=changes,
        comment=(comment or "").strip(),
        expected_version=expected_version,
        board_id=board_id,
        acting_for=acting_for,
    )


def _change(actor: Actor, task_id: Any, **wish: Any) -> Task:
    return changes.change(actor, task_id, changes.Wish(**wish))


@service
def assign_task(
    actor: Actor,
    task_id: Any,
    *,
    agent_id: UUID | None,
    board_id: UUID | None = None,
    expected_version: int | None = None,
) -> Task:
    """Give a task to an agent, or to nobody.

    Raises:
        DomainError: as :func:`boards.services.changes.change`.
    """
    return _change(
        actor,
        task_id,
        changes={"assigned_agent_id": agent_id},
        board_id=board_id,
        expected_version=expected_version,
    )


@service
def delete_task(
    actor: Actor,
    task_id: Any,
    *,
    board_id: UUID | None = None,
    expected_version: int | None = None,
) -> None:
    """Delete a task with its comments and links; what waited for it waits no longer.

    Raises:
        NotFound: absent, invisible, or not on ``board_id``.
        Forbidden: no right to write; an agent that is not the lead.
        StaleVersion: somebody else changed it since ``expected_version``.
    """
    # The full lock: links and comments that point here must not appear meanwhile.
    board, task = opening.open_task(actor, task_id, board_id=board_id, for_delete=True)
    authz.authorize(actor, actions.DELETE_TASK, board)
    if isinstance(actor, AgentActor) and not actor.is_lead:
        raise Forbidden(_("Only a board's lead deletes tasks."), code="lead_only")
    opening.require_seen(task, expected_version)
    waiting = [
        replace(entry, unfinished_ids=[pk for pk in entry.unfinished_ids if pk != task.pk])
        for entry in dependencies.dependents_of(task.pk)
    ]
    key, target = task.pk, task.target
    governance.forget_task(actor, key)
    publish(
        "task.deleted",
        actor=actor,
        target=target,
        organization_id=board.organization_id,
        board_id=board.pk,
        task_id=key,
        data={"task_id": str(key), "key": task.key, "title": task.title, "status": task.status},
    )
    task.delete()
    task.pk = key
    dependencies.after_finish(actor, board, task, waiting)


@service
def record_delivery(actor: Actor, task_id: UUID, *, state: str, detail: str = "") -> None:
    """Note on the card what became of the message to the assignee.

    The row's version stays: nobody's edit conflicts with it. The message's own event tells of it.

    Raises:
        NotFound: no such task.
        ValueError: an undeclared state; a programming error.
    """
    Task.Delivery(state)
    changed = (
        Task.objects.visible_to(actor)
        .filter(pk=as_uuid(task_id))
        .update(delivery=state, delivery_detail=detail[:300])
    )
    if not changed:
        raise NotFound
