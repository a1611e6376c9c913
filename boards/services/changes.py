"""One way to change a task: every PATCH, move and assignment of every door runs through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from boards import actions, assignees, rules
from boards.models import Task
from boards.rules import Mover
from boards.services import comments, dependencies, details, gatekeeping, opening, ranks
from boards.services.drafts import TIMES, TaskDraft
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid

PLAIN_FIELDS = ("title", "description", "priority", "due_at")
LABELS = ("tag_ids", "custom_field_values")
FIELDS = frozenset({*PLAIN_FIELDS, *LABELS, "status", "assigned_agent_id", "depends_on_task_ids"})
NOT_NULL = frozenset({"title", "status", "priority", "depends_on_task_ids", *LABELS})
MAX_TITLE = 500
MAX_TEXT = 100_000
MOVED = frozenset({"status", "rank", *TIMES})


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants of a task."""

    changes: Mapping[str, Any]
    comment: str = ""
    expected_version: int | None = None
    board_id: UUID | None = None
    acting_for: str = ""
    before_id: UUID | None = None
    after_id: UUID | None = None


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Field values in their stored form.

    Raises:
        Invalid: an unknown field, null where it cannot be, or a value out of bounds.
    """
    wanted = dict(changes)
    for name, value in wanted.items():
        if name not in FIELDS:
            raise Invalid(_("Unknown field."), field=name, code="unknown_field")
        if value is None and name in NOT_NULL:
            raise Invalid(_("This field cannot be empty."), field=name)
    if "title" in wanted:
        wanted["title"] = _title(wanted["title"])
    if len(wanted.get("description") or "") > MAX_TEXT:
        raise Invalid(_("The text is longer than 100 000 characters."), field="description")
    if "status" in wanted:
        wanted["status"] = status_of(wanted["status"])
    if "priority" in wanted:
        wanted["priority"] = _priority(wanted["priority"])
    for name in ("depends_on_task_ids", "tag_ids"):
        if name in wanted:
            wanted[name] = list(dict.fromkeys(wanted[name]))
    return wanted


def _title(raw: str) -> str:
    title = raw.strip()
    if not 1 <= len(title) <= MAX_TITLE:
        raise Invalid(_("A title has 1 to 500 characters."), field="title")
    return title


def status_of(raw: str) -> str:
    """A status as clients write it.

    Raises:
        Invalid: no such status.
    """
    status = rules.parse_status(str(raw))
    if status is None:
        raise Invalid(_("A status is one of todo, in_progress, review, done."), field="status")
    return status


def _priority(raw: str) -> str:
    priority = raw.strip().lower()
    if not 1 <= len(priority) <= 32:
        raise Invalid(_("A priority has 1 to 32 characters."), field="priority")
    return priority


def change(actor: Actor, task_id: Any, wish: Wish) -> Task:
    """Carry out a wish on one task; part of a running service.

    Raises:
        Invalid: a value that does not fit, or a comment that a gate asks for.
        NotFound: absent, invisible, or not on the wanted board; unknown assignee, dependency, tag.
        Forbidden: by right, field, assignee, or the table of moves.
        StaleVersion: somebody else changed one of the fields since.
        Conflict, Blocked, ApprovalRequired: by dependencies, assignment, or a gate.
    """
    wanted = checked(wish.changes)
    if wish.comment:
        comments.checked(wish.comment, field="comment")
    board, task = opening.open_task(actor, task_id, board_id=wish.board_id)
    authz.authorize(actor, actions.UPDATE_TASK, board)
    mover = opening.mover_of(actor, acting_for=wish.acting_for)
    gatekeeping.require_fields(mover, wanted, has_comment=bool(wish.comment))
    gatekeeping.require_own(actor, mover, task.assigned_agent_id)
    draft = TaskDraft(actor, board, task, acting_for=wish.acting_for)
    if "custom_field_values" in wanted:
        wanted["custom_field_values"] = details.values_of(
            draft.field_specs, task.custom_field_values, wanted["custom_field_values"]
        )
    draft.require_version(wanted, wish.expected_version)
    before = task.status
    _plain(draft, wanted)
    _label(draft, wanted)
    _assign(draft, wanted, mover)
    added = (
        dependencies.plan(draft, wanted["depends_on_task_ids"])
        if ("depends_on_task_ids" in wanted)
        else []
    )
    _place(draft, wanted, wish, mover)
    if added and task.status == before and before in rules.STARTED:
        _wait_again(draft, wanted, mover)
    _store(draft, before, wish, mover)
    return task


def _plain(draft: TaskDraft, wanted: Mapping[str, Any]) -> None:
    draft.put_all({name: wanted[name] for name in PLAIN_FIELDS if name in wanted})
    if "title" in draft.previous or "description" in draft.previous:
        task = draft.task
        draft.put("fingerprint", rules.fingerprint(draft.board.pk, task.title, task.description))


def _label(draft: TaskDraft, wanted: Mapping[str, Any]) -> None:
    """Tags and values of custom fields; the latter are checked already."""
    if "tag_ids" in wanted:
        draft.put_tags(details.known_tags(draft.board.organization_id, wanted["tag_ids"]))
    if "custom_field_values" in wanted:
        draft.put("custom_field_values", wanted["custom_field_values"])


def _assign(draft: TaskDraft, wanted: Mapping[str, Any], mover: Mover) -> None:
    """The assignee that the caller names."""
    if "assigned_agent_id" not in wanted:
        return
    agent_id = wanted["assigned_agent_id"]
    if agent_id == draft.task.assigned_agent_id:
        return
    if agent_id is None:
        draft.put_assignee(None, None)
        return
    agent = assignees.require_assignable(
        agent_id, organization_id=draft.board.organization_id, board_id=draft.board.pk
    )
    if mover is Mover.LEAD and agent.agent_type == "lead":
        raise Forbidden(_("A lead does not assign tasks to itself."), code="lead_self_assignment")
    draft.put_assignee(agent.id, agent.name)


def _place(draft: TaskDraft, wanted: Mapping[str, Any], wish: Wish, mover: Mover) -> None:
    """The status and the place in its column."""
    task = draft.task
    to, before = wanted.get("status", task.status), task.status
    anchored = wish.before_id is not None or wish.after_id is not None
    if to != before:
        gatekeeping.require_transition(
            draft.board, mover, before, to, assignee=task.assigned_agent_id
        )
        gatekeeping.require_gates(gatekeeping.StatusChange(draft, before, to, mover, wish.comment))
        _apply_effects(draft, to, mover, keep_assignee=bool(wanted.get("assigned_agent_id")))
        draft.put("status", to)
    if to != before or anchored:
        rank = ranks.place(
            draft.board.pk,
            to,
            task_id=task.pk,
            present=task.rank if to == before else None,
            before_id=wish.before_id,
            after_id=wish.after_id,
        )
        draft.put("rank", rank)


def _wait_again(draft: TaskDraft, wanted: Mapping[str, Any], mover: Mover) -> None:
    """A started task that has to wait for something new goes back; a lead may not insist on it."""
    status = draft.task.status
    if mover is Mover.LEAD and "status" in wanted:
        gatekeeping.require_gates(gatekeeping.StatusChange(draft, status, status, mover))
    dependencies.take_back(draft)


def _apply_effects(draft: TaskDraft, to: str, mover: Mover, *, keep_assignee: bool) -> None:
    """What the new status does to the other columns; a named assignee stays."""
    actor, task = draft.actor, draft.task
    found = rules.effects(
        rules.Moved(
            status=task.status,
            in_progress_at=task.in_progress_at,
            first_in_progress_at=task.first_in_progress_at,
            assigned_agent_id=draft.previous.get("assigned_agent_id", task.assigned_agent_id),
            last_worker_id=task.last_worker_id,
        ),
        to,
        mover,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        lead_id=assignees.lead_of(draft.board.pk) if to == "review" else None,
        now=clock.now(),
    )
    effect = found.pop("assigned_agent_id", draft.task.assigned_agent_id)
    draft.put_all(found)
    if not keep_assignee and effect != task.assigned_agent_id:
        draft.put_assignee(*_still_there(draft, effect))


def _still_there(draft: TaskDraft, agent_id: UUID | None) -> tuple[UUID | None, str | None]:
    """The agent that an effect names, if it still works on this board."""
    if agent_id is None or agent_id == draft.actor.id:
        return agent_id, draft.actor.name
    facts = assignees.facts_of([agent_id]).get(agent_id)
    if facts is None or facts.board_id not in (None, draft.board.pk):
        return None, None
    return facts.id, facts.name


def _store(draft: TaskDraft, before: str, wish: Wish, mover: Mover) -> None:
    """Write, then tell: the move, the assignment, the rest, the comment, the neighbours."""
    names = draft.write()
    if "depends_on_task_ids" in names:
        dependencies.write_links(draft.task.pk, draft.dependency_ids)
    if names:
        _tell(draft, names, before)
    if wish.comment:
        comments.write_comment(draft.actor, draft.task, wish.comment)
    to = draft.task.status
    if "status" in names:
        tell_decided(draft, before, mover)
        _neighbours(draft, before, to)
    elif "depends_on_task_ids" in names and draft.was_blocked and not draft.is_blocked:
        tell_unblocked(draft)


def tell_decided(draft: TaskDraft, before: str, mover: Mover) -> None:
    """Record, audited, that a person finished what an agent would have had to ask for."""
    to, policy = draft.task.status, gatekeeping.policy_of(draft.board)
    if isinstance(draft.actor, UserActor) and rules.is_human_decision(policy, to, mover):
        draft.publish("task.decided", {"task_id": str(draft.task.pk), "from": before, "to": to})


def _neighbours(draft: TaskDraft, before: str, to: str) -> None:
    if to == Task.Status.DONE:
        waiting = dependencies.dependents_of(draft.task.pk)
        dependencies.after_finish(draft.actor, draft.board, draft.task, waiting)
    elif before == Task.Status.DONE:
        dependencies.after_reopen(draft.actor, draft.board, draft.task)


def tell_unblocked(draft: TaskDraft) -> None:
    """Tell that a task may start; its assignee gets the notice that was held back."""
    task = draft.task
    draft.publish(
        "task.unblocked",
        {
            "task_id": str(task.pk),
            "version": task.version,
            "changes": {"is_blocked": False, "blocked_by_task_ids": []},
            "previous": {},
            "status": task.status,
            "assigned_agent_id": str(task.assigned_agent_id or "") or None,
            "assignee": draft.assignee_name,
        },
        agent_id=task.assigned_agent_id,
    )


def _tell(draft: TaskDraft, names: set[str], before: str) -> None:
    """One event per fact: moved, assigned, changed otherwise."""
    task, rest = draft.task, set(names)
    if "status" in names:
        moved = names.intersection(MOVED | {"assigned_agent_id"})
        data = draft.data(moved, **{"from": before, "to": task.status})
        draft.publish("task.moved", data)
        rest -= MOVED
    if "assigned_agent_id" in names and (task.assigned_agent_id or "status" in names):
        rest.discard("assigned_agent_id")
        if task.assigned_agent_id and task.assigned_agent_id != draft.actor.id:
            tell_assigned(draft)
    rest &= {*PLAIN_FIELDS, *LABELS, "rank", "assigned_agent_id", "depends_on_task_ids"}
    if rest:
        draft.publish("task.updated", draft.data(rest))


def tell_assigned(draft: TaskDraft) -> None:
    """Tell who got the task; the agent is told at once unless the task is blocked."""
    task = draft.task
    draft.publish(
        "task.assigned",
        draft.data(
            {"assigned_agent_id"},
            agent_id=str(task.assigned_agent_id),
            assignee=draft.assignee_name,
            status=task.status,
            is_blocked=draft.is_blocked,
        ),
        agent_id=task.assigned_agent_id,
    )
