"""The shared writing steps of approvals; called inside services only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from activity.publish import publish
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, UserActor

from . import gates
from .models import Approval

Answer = Approval.AnswerState
MAX_COMMENT_IN_EVENT = 1000
SETTLED_FIELDS = (
    "status", "resolved_at", "comment", "decided_by", "decided_by_name", "answer_state",
    "answer_error", "lease_owner", "lease_until", "attempts", "next_attempt_at", "version",
    "updated_at",
)  # fmt: skip


def locked(pk: UUID) -> Approval | None:
    """The row, locked for a change, or none."""
    return Approval.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def settle(approval: Approval, status: str, *, actor: Actor, comment: str | None) -> None:
    """Write the end of a pending request; a gateway's question now has an answer to send."""
    approval.status = status
    approval.resolved_at = clock.now()
    approval.comment = (comment or "").strip() or None
    if isinstance(actor, UserActor):
        approval.decided_by_id = actor.id
    approval.decided_by_name = actor.name[:200] if isinstance(actor, UserActor) else ""
    if approval.source == Approval.Source.GATEWAY:
        approval.answer_state = Answer.PENDING
    approval.version += 1
    approval.save(update_fields=list(SETTLED_FIELDS))


def bump(approval: Approval) -> None:
    """Raise the version after a change of the links."""
    approval.version += 1
    approval.save(update_fields=["version", "updated_at"])


def announce(actor: Actor, approval: Approval, type_: str, **extra: Any) -> None:
    """One fact about an approval, with the counts that its board and tasks show."""
    tasks = list(approval.task_links.order_by("position", "id").values_list("task_id", flat=True))
    counts = gates.counts_for(tasks) if tasks else {}
    board_id = approval.board_id
    data = {
        "approval_id": str(approval.pk),
        "status": approval.status,
        "source": approval.source,
        "action_type": approval.action_type,
        "task_ids": [str(t) for t in tasks],
        "comment": (approval.comment or "")[:MAX_COMMENT_IN_EVENT] or None,
        "confidence": approval.confidence,
        "agent_id": str(approval.agent_id) if approval.agent_id else None,
        "gateway_id": str(approval.gateway_id) if approval.gateway_id else None,
        "answer_state": approval.answer_state,
        "pending_approvals_count": gates.pending_on_board(board_id) if board_id else None,
        "task_counts": [
            {
                "task_id": str(t),
                "approvals_count": counts[t].total,
                "approvals_pending_count": counts[t].pending,
            }
            for t in tasks
        ],
        **extra,
    }
    publish(
        type_,
        actor=actor,
        target=approval,
        organization_id=approval.organization_id,
        board_id=board_id,
        task_id=tasks[0] if tasks else None,
        agent_id=approval.agent_id,
        data=data,
    )
