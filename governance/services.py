"""Every change of an approval: asked, decided, reopened, withdrawn, expired, forgotten.

Undecided means denied. Tasks are plain ids here: ``boards`` checks and locks them before it asks
(ruling 16). What a gateway asks is changed in
:mod:`governance.gateway_asks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.authz import Action, authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, StaleVersion
from missioncontrol.kernel.unit import service

from . import actions, gates, record, rules
from .models import Approval, ApprovalTask

Status = Approval.Status
EXPIRE_BATCH = 200


class TaskRef(NamedTuple):
    """A task that ``boards`` has checked and locked."""

    id: UUID
    title: str


@service
def create_approval(
    actor: Actor,
    *,
    organization_id: UUID,
    board_id: UUID | None,
    tasks: Sequence[TaskRef] = (),
    action_type: str,
    payload: Mapping[str, Any] | None = None,
    confidence: float | None = None,
    rubric_scores: Mapping[str, Any] | None = None,
    lead_reasoning: str | None = None,
    expires_at: datetime | None = None,
    agent_id: UUID | None = None,
    agent_name: str = "",
    source: str = Approval.Source.REQUEST,
) -> Approval:
    """Ask for a decision; always pending, at most one per task.

    Args:
        tasks: Checked and locked by the caller, in the order in which they were named.
        agent_id: The agent it is asked for; an agent's own request always names itself.

    Raises:
        Invalid: no action, no reason, or a confidence or score out of range.
        Forbidden: no right to ask on this board.
        Conflict: ``pending_approval_exists`` with ``conflicts``.
    """
    if not action_type.strip():
        raise Invalid(_("Name the action to decide on."), field="action_type")
    if actor.kind == "agent":
        agent_id, agent_name = actor.id, actor.name
    approval = Approval(
        organization_id=organization_id,
        board_id=board_id,
        source=source,
        action_type=action_type.strip()[:200],
        payload=rules.with_reason(payload, lead_reasoning),
        confidence=rules.check_confidence(confidence),
        rubric_scores=rules.check_rubric(rubric_scores),
        agent_id=agent_id,
        agent_name=agent_name,
        requested_by_kind=actor.kind,
        requested_by_id=actor.id,
        requested_by_name=actor.name[:200],
        expires_at=expires_at,
    )
    authorize(actor, actions.REQUEST, approval)
    _refuse_second_pending([t.id for t in tasks])
    approval.save(force_insert=True)
    ApprovalTask.objects.bulk_create(
        ApprovalTask(approval=approval, task_id=t.id, title=t.title[:500], position=n)
        for n, t in enumerate(tasks)
    )
    record.announce(actor, approval, "approval.requested")
    return approval


@service
def resolve_approval(
    actor: Actor,
    approval_id: UUID,
    *,
    status: str,
    comment: str | None = None,
    expected_version: int | None = None,
) -> Approval:
    """Approve, reject, or (``pending``) reopen. The same status again changes nothing.

    Raises:
        NotFound: not visible.
        Forbidden: an agent, no write access, or the requester himself under the four-eyes rule.
        StaleVersion: decided since the caller looked.
        Conflict: ``already_decided``, ``approval_expired``, ``decision_unavailable``.
    """
    approval: Approval = Approval.objects.open_for(actor, approval_id)
    authorize(actor, _decide_action(approval), approval)
    _check_version(approval, expected_version)
    match rules.step(approval.status, status):
        case rules.Step.NOTHING:
            return approval
        case rules.Step.REOPEN:
            return _reopen(actor, approval)
        case rules.Step.REFUSE:
            raise _already_decided(approval)
    _check_decidable(actor, approval, status)
    record.settle(approval, status, actor=actor, comment=comment)
    record.announce(actor, approval, "approval.resolved")
    return approval


@service
def reopen_approval(
    actor: Actor, approval_id: UUID, *, expected_version: int | None = None
) -> Approval:
    """Take a decision back; the request waits again.

    Raises:
        NotFound: not visible.
        Forbidden: no admin.
        Conflict: withdrawn, expired, already told to a gateway, or a task has a newer pending one.
    """
    approval: Approval = Approval.objects.open_for(actor, approval_id)
    authorize(actor, _decide_action(approval), approval)
    _check_version(approval, expected_version)
    if approval.status == Status.PENDING:
        return approval
    return _reopen(actor, approval)


@service
def cancel_approval(actor: Actor, approval_id: UUID) -> Approval:
    """Withdraw a pending request: by who asked, or an admin.

    Raises:
        NotFound: not visible.
        Forbidden: neither the requester nor an admin.
        Conflict: ``already_decided``, or a gateway's question, which is answered instead.
    """
    approval: Approval = Approval.objects.open_for(actor, approval_id)
    authorize(actor, actions.CANCEL, approval)
    if not _is_requester(actor, approval):
        authorize(actor, actions.CANCEL_OF_OTHERS, approval)
    if approval.status == Status.CANCELLED:
        return approval
    if approval.status != Status.PENDING:
        raise _already_decided(approval)
    if approval.source == Approval.Source.GATEWAY:
        raise Conflict(_("A gateway waits for this. Reject it instead."), code="not_cancellable")
    record.settle(approval, Status.CANCELLED, actor=actor, comment=None)
    record.announce(actor, approval, "approval.cancelled")
    return approval


def expire_due() -> int:
    """Expire what was not decided in time; each in its own transaction. Returns how many."""
    due = Approval.objects.filter(status=Status.PENDING, expires_at__lte=Now())
    ids = list(due.order_by("expires_at").values_list("pk", flat=True)[:EXPIRE_BATCH])
    return sum(_expire(pk) for pk in ids)


@service
def _expire(pk: UUID) -> int:
    approval = (
        Approval.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=pk, status=Status.PENDING, expires_at__lte=Now())
        .first()
    )
    if approval is None:
        return 0
    actor = SystemActor("expiry")
    record.settle(approval, Status.EXPIRED, actor=actor, comment=None)
    record.announce(actor, approval, "approval.expired")
    return 1


@service
def forget_task(actor: Actor, task_id: UUID) -> None:
    """A task is deleted: pending requests stop naming it, and end when they named nothing else.

    Decided ones keep the title as their record.
    """
    links = ApprovalTask.objects.filter(task_id=task_id, approval__status=Status.PENDING)
    for pk in links.order_by("approval_id").values_list("approval_id", flat=True):
        approval = record.locked(pk)
        if approval is None or approval.status != Status.PENDING:
            continue
        if approval.task_links.exclude(task_id=task_id).exists():
            approval.task_links.filter(task_id=task_id).delete()
            record.bump(approval)
            continue
        record.settle(approval, Status.CANCELLED, actor=actor, comment=None)
        record.announce(actor, approval, "approval.cancelled")


@service
def forget_board(actor: Actor, board_id: UUID) -> None:
    """A board is deleted: its requests go with it; a gateway's question passes to the admins."""
    rows = Approval.objects.filter(board_id=board_id)
    rows.filter(source=Approval.Source.GATEWAY).update(board_id=None)
    rows.exclude(source=Approval.Source.GATEWAY).delete()


def _decide_action(approval: Approval) -> Action:
    return actions.DECIDE if approval.board_id else actions.DECIDE_WITHOUT_BOARD


def _is_requester(actor: Actor, approval: Approval) -> bool:
    return actor.kind == approval.requested_by_kind and actor.id == approval.requested_by_id


def _check_version(approval: Approval, expected_version: int | None) -> None:
    """The version moves with the status only, so a difference means that it was changed."""
    if expected_version is not None and expected_version != approval.version:
        raise StaleVersion(
            _("This approval was changed since you looked at it."),
            current={
                "id": str(approval.pk), "status": approval.status, "version": approval.version
            },
        )  # fmt: skip


def _check_decidable(actor: Actor, approval: Approval, status: str) -> None:
    if settings.APPROVAL_FOUR_EYES and _is_requester(actor, approval):
        raise Forbidden(_("Somebody else has to decide what you asked for."), code="four_eyes")
    if approval.expires_at is not None and approval.expires_at <= clock.now():
        raise Conflict(
            _("The time to decide this has passed; it counts as refused."), code="approval_expired"
        )
    wanted = rules.decision_of_status(status)
    if approval.allowed_decisions and wanted not in approval.allowed_decisions:
        raise Conflict(_("The gateway does not offer this answer."), code="decision_unavailable")


def _already_decided(approval: Approval) -> Conflict:
    return Conflict(
        _("This was already decided: %(status)s.") % {"status": approval.get_status_display()},
        code="already_decided",
        current={"id": str(approval.pk), "status": approval.status, "version": approval.version},
    )


def _reopen(actor: Actor, approval: Approval) -> Approval:
    authorize(actor, actions.REOPEN, approval)
    if approval.status not in (Status.APPROVED, Status.REJECTED):
        raise _already_decided(approval)
    if approval.source == Approval.Source.GATEWAY:
        raise Conflict(
            _("The gateway was already answered; the command cannot be asked again."),
            code="already_answered",
        )
    tasks = list(approval.task_links.values_list("task_id", flat=True))
    _refuse_second_pending(tasks)
    approval.status = Status.PENDING
    approval.resolved_at = approval.decided_by = approval.comment = None
    approval.decided_by_name = ""
    approval.version += 1
    approval.save(update_fields=list(record.SETTLED_FIELDS))
    record.announce(actor, approval, "approval.reopened")
    return approval


def _refuse_second_pending(task_ids: Sequence[UUID]) -> None:
    """Serialise requests about the same tasks until commit, then look for a pending one.

    Creation holds the task rows too, but reopening knows no task, so both meet at these locks.
    """
    if not task_ids:
        return
    keys = sorted({int.from_bytes(t.bytes[:8], "big", signed=True) for t in task_ids})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::bigint[]) AS k", [keys])
    taken = gates.pending_for(task_ids)
    if taken:
        raise Conflict(
            _("Each task can have only one pending approval."),
            code="pending_approval_exists",
            conflicts=[
                {"task_id": str(t), "approval_id": str(taken[t])} for t in task_ids if t in taken
            ],
        )
