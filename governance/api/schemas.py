"""Inputs and outputs of the approval API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from missioncontrol.kernel.schemas import Input, Output, Text


class DecisionIn(Input):
    """A decision, or ``pending`` to reopen."""

    status: Literal["pending", "approved", "rejected"]
    comment: Text | None = None


class ApprovalFilter(Input):
    """Filters of the inbox."""

    status: str | None = None
    board_id: UUID | None = None
    agent_id: UUID | None = None
    task_id: UUID | None = None
    gateway_id: UUID | None = None
    source: Literal["request", "zone", "gateway"] | None = None
    q: str | None = Field(default=None, max_length=200)
    limit: int | None = None
    offset: int | None = None


class ApprovalOut(Output):
    """An approval."""

    id: UUID
    organization_id: UUID
    board_id: UUID | None
    task_id: UUID | None
    task_ids: list[UUID]
    task_titles: list[str]
    agent_id: UUID | None
    agent_name: str | None
    action_type: str
    action: str
    payload: dict[str, Any] | None
    reason: str | None
    metadata: Any
    confidence: float | None
    rubric_scores: dict[str, int] | None
    status: Literal["pending", "approved", "rejected", "cancelled", "expired"]
    source: Literal["request", "zone", "gateway"]
    requested_by_type: str
    requested_by_id: UUID | None
    requested_by_name: str
    decided_by_user_id: UUID | None
    decided_by_name: str | None
    comment: str | None
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    expires_at: datetime | None
    version: int
    gateway_id: UUID | None
    session_key: str | None
    command: str | None
    cwd: str | None
    host: str | None
    allowed_decisions: list[str]
    answer_state: Literal["answer_pending", "sent", "elsewhere", "lost"] | None
    answer_error: str | None


class ApprovalPage(Output):
    """A page of approvals, newest first."""

    items: list[ApprovalOut]
    total: int
    limit: int
    offset: int
