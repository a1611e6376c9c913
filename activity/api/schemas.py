"""Answers of the feed, for the published schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from missioncontrol.kernel.schemas import Output


class EventOut(Output):
    """One event of the feed."""

    id: UUID
    event_type: str
    message: str
    agent_id: UUID | None
    task_id: UUID | None
    board_id: UUID | None
    created_at: datetime
    route_name: str
    route_params: dict[str, Any]
    organization_id: UUID
    seq: int
    actor_type: str
    actor_id: UUID | None
    actor_name: str
    resource_type: str
    resource_id: UUID | None
    resource_name: str
    metadata: dict[str, Any]
    request_id: str


class TaskCommentOut(Output):
    """One comment of a task."""

    id: UUID
    created_at: datetime
    message: str
    agent_id: UUID | None
    agent_name: str | None
    agent_role: str | None
    task_id: UUID
    task_title: str
    board_id: UUID
    board_name: str
