"""Questions that other rules ask about the approvals of tasks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q

from .models import Approval, ApprovalTask

Status = Approval.Status


class Counts(NamedTuple):
    """How many approvals name a task."""

    total: int
    pending: int


def approved_for(task_id: UUID, *, after: datetime | None = None) -> bool:
    """Whether an approval of the task was given, after ``after`` if that is said.

    ``after`` is when the task was last reopened: what was approved before does not count.
    """
    found = ApprovalTask.objects.filter(task_id=task_id, approval__status=Status.APPROVED)
    if after is not None:
        found = found.filter(approval__resolved_at__gt=after)
    return found.exists()


def pending_for(task_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The pending approval of each task that has one."""
    links = ApprovalTask.objects.filter(
        task_id__in=list(task_ids), approval__status=Status.PENDING
    ).order_by("approval__created_at")
    return dict(links.values_list("task_id", "approval_id"))


def newest_for(task_id: UUID) -> tuple[str, UUID] | None:
    """Status and id of the task's newest approval; withdrawn ones do not count."""
    return (
        ApprovalTask.objects.filter(task_id=task_id)
        .exclude(approval__status=Status.CANCELLED)
        .order_by("-approval__created_at", "-approval_id")
        .values_list("approval__status", "approval_id")
        .first()
    )


def counts_for(task_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    """Number of approvals, and of pending ones, for each task that has any."""
    rows = (
        ApprovalTask.objects.filter(task_id__in=list(task_ids))
        .order_by()
        .values_list("task_id")
        .annotate(total=Count("id"), pending=Count("id", filter=Q(approval__status=Status.PENDING)))
    )
    return {task_id: Counts(total, pending) for task_id, total, pending in rows}


def pending_on_board(board_id: UUID) -> int:
    """Number of pending approvals of a board."""
    return Approval.objects.filter(board_id=board_id, status=Status.PENDING).count()
