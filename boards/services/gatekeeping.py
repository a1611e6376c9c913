"""Refusals of a status change: who may make it, then the gates in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from boards import rules
from boards.models import Board
from boards.rules import Gate, Mover
from boards.services import comments
from boards.services.drafts import TaskDraft
from governance import gates
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import (
    ApprovalRequired,
    Blocked,
    Conflict,
    Forbidden,
    Invalid,
)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A wanted status change: the task as it stands, where it shall go, who asks."""

    draft: TaskDraft
    before: str
    to: str
    mover: Mover
    comment: str = ""

    @property
    def waits_for(self) -> list[str]:
        """Ids of the unfinished dependencies."""
        return [str(pk) for pk in self.draft.unfinished_ids]


def policy_of(board: Board) -> rules.Policy:
    """The rules of a board that gates ask."""
    return rules.Policy(
        require_approval_for_done=board.require_approval_for_done,
        approval_gate_scope=board.approval_gate_scope,
        require_review_before_done=board.require_review_before_done,
        comment_required_for_review=board.comment_required_for_review,
        block_status_changes_with_pending_approval=board.block_status_changes_with_pending_approval,
    )


def require_fields(mover: Mover, names: Iterable[str], *, has_comment: bool) -> None:
    """Refuse fields that this kind of mover may not write.

    Raises:
        Forbidden: naming the allowed ones.
    """
    allowed = rules.WRITABLE[mover]
    if allowed is None:
        return
    refused = sorted(set(names) - allowed)
    if mover is Mover.LEAD and has_comment:
        refused.append("comment")
    if refused:
        raise Forbidden(
            _("Not allowed for you: %(refused)s. You may change: %(allowed)s.")
            % {"refused": ", ".join(refused), "allowed": ", ".join(sorted(allowed))},
            code="task_update_field_forbidden",
            fields=refused,
            allowed_fields=sorted(allowed),
        )


def require_own(actor: Actor, mover: Mover, assigned_agent_id: UUID | None) -> None:
    """Refuse a worker on somebody else's task; an unassigned one may be claimed.

    Raises:
        Forbidden: assigned to another agent.
    """
    if mover is Mover.WORKER and assigned_agent_id not in (None, actor.id):
        raise Forbidden(_("This task is assigned to another agent."), code="task_assignee_mismatch")


def require_transition(
    board: Board, mover: Mover, before: str, to: str, *, assignee: UUID | None
) -> None:
    """Refuse a move that this kind of mover does not make.

    Raises:
        Forbidden: by the table of moves, or by the board's rule that only the lead moves.
    """
    if mover is Mover.WORKER and board.only_lead_can_change_status:
        raise Forbidden(_("Only board leads can change task status."), code="only_lead")
    if (before, to) not in rules.MOVES[mover]:
        raise Forbidden(
            _("A lead moves a task from review to done or todo, and starts assigned tasks."),
            code="task_transition_forbidden",
            **{"from": before, "to": to},
        )
    if mover is Mover.LEAD and to == "in_progress" and assignee is None:
        raise Forbidden(
            _("A lead starts a task only together with an assignee."),
            code="task_transition_forbidden",
            **{"from": before, "to": to},
        )


def require_gates(change: StatusChange) -> None:
    """Ask the gates that stand between the two statuses; the first failing one answers.

    Raises:
        Blocked, Conflict, ApprovalRequired, Invalid: in the order of ``rules.GATES``.
    """
    policy = policy_of(change.draft.board)
    for gate in rules.gates_to_ask(policy, change.before, change.to, change.mover):
        _ASK[gate](change)


def _ask_blocked(change: StatusChange) -> None:
    if change.draft.unfinished_ids:
        raise Blocked(
            _("Task is blocked by incomplete dependencies."),
            code=Gate.BLOCKED.value,
            blocked_by_task_ids=change.waits_for,
        )


def _ask_pending_approval(change: StatusChange) -> None:
    pending = gates.pending_for([change.draft.task.pk])
    if pending:
        raise Conflict(
            _("Task status cannot be changed while a linked approval is pending."),
            code=Gate.PENDING_APPROVAL.value,
            blocked_by_task_ids=change.waits_for,
            approval_id=str(next(iter(pending.values()))),
        )


def _ask_review(change: StatusChange) -> None:
    raise Conflict(
        _("Task can only be marked done from review when the board rule is enabled."),
        code=Gate.REVIEW.value,
        blocked_by_task_ids=change.waits_for,
    )


def _ask_approval(change: StatusChange) -> None:
    task = change.draft.task
    if gates.approved_for(task.pk, after=task.reopened_at):
        return
    board_id = change.draft.board.pk
    door = (
        "/api/v1/agent/boards" if isinstance(change.draft.actor, AgentActor) else "/api/v1/boards"
    )
    raise ApprovalRequired(
        _("Task can only be marked done when a linked approval has been approved."),
        code=Gate.APPROVAL.value,
        blocked_by_task_ids=change.waits_for,
        task_id=str(task.pk),
        request_at=f"{door}/{board_id}/approvals",
    )


def _ask_comment(change: StatusChange) -> None:
    if change.comment:
        return
    task, actor = change.draft.task, change.draft.actor
    authors: set[UUID] | None = None
    if isinstance(actor, AgentActor):
        owners = (task.assigned_agent_id, task.previous_assignee_id)
        authors = {pk for pk in owners if pk is not None}
        if change.mover is Mover.WORKER:
            authors.add(actor.id)
    if not comments.has_comment_since(task, authors):
        raise Invalid(
            _("Comment is required."),
            code=Gate.COMMENT.value,
            field="comment",
            blocked_by_task_ids=change.waits_for,
        )


_ASK: Mapping[Gate, Callable[[StatusChange], None]] = {
    Gate.BLOCKED: _ask_blocked,
    Gate.PENDING_APPROVAL: _ask_pending_approval,
    Gate.REVIEW: _ask_review,
    Gate.APPROVAL: _ask_approval,
    Gate.COMMENT: _ask_comment,
}
