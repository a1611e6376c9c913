"""Answers of the feed, for the published schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from missioncontrol.kernel.schemas import Input, Name, Output


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


class EndpointIn(Input):
    """An address to be told of events; no types means every type."""

    name: Name
    url: str = Field(min_length=1, max_length=1000)
    event_types: list[str] = Field(default_factory=list, max_length=100)
    board_id: UUID | None = None


class EndpointPatch(Input):
    """Changes of an outbound webhook."""

    name: Name = ""
    url: str = Field(default="", min_length=1, max_length=1000)
    event_types: list[str] = Field(default_factory=list, max_length=100)
    board_id: UUID | None = None
    is_enabled: bool = True


class EndpointOut(Output):
    """An outbound webhook."""

    id: UUID
    organization_id: UUID
    name: str
    url: str
    event_types: list[str]
    board_id: UUID | None
    secret_hint: str
    is_enabled: bool
    disabled_reason: str | None
    failures: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    next_attempt_at: datetime | None
    row_version: int
    created_at: datetime
    updated_at: datetime


class EndpointWithSecret(EndpointOut):
    """An outbound webhook with its signing secret, which is shown this once."""

    secret: str


class DeliveryQuery(Input):
    """Which lines of the log."""

    status: Literal["waiting", "delivered", "failed"] | None = None
    limit: int | None = None
    offset: int | None = None


class WebhookDeliveryOut(Output):
    """One message of an outbound webhook, and what became of it."""

    id: UUID
    event_id: UUID
    event_type: str
    seq: int
    status: Literal["waiting", "delivered", "failed"]
    attempts: int
    replays: int
    attempted_at: datetime | None
    delivered_at: datetime | None
    response_status: int | None
    response_excerpt: str | None
    latency_ms: float | None
    error: str | None
    created_at: datetime


class DeliveryDetail(WebhookDeliveryOut):
    """The same with the body that is sent."""

    body: str
