"""Inputs and outputs of the API of inbound webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from missioncontrol.kernel.schemas import Input, NonBlankText, Output

Secret = Annotated[str, StringConstraints(max_length=1_000)]
HeaderName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class WebhookFields(Input):
    """Fields that a webhook has beside its instruction."""

    enabled: bool = True
    agent_id: UUID | None = None
    secret: Secret | None = None
    signature_header: HeaderName | None = None
    replay_window_seconds: int = Field(default=300, ge=1, le=86_400)
    require_timestamp: bool = False
    retention_days: int = Field(default=30, ge=1, le=3_650)
    create_task: bool = False


class WebhookIn(WebhookFields):
    """A new webhook."""

    description: NonBlankText


class WebhookPatch(WebhookFields):
    """Fields of a webhook to change; a blank ``secret`` takes it away."""

    description: NonBlankText = ""


class PayloadFilter(Input):
    """How much of a payload an agent wants."""

    max_chars: int = Field(default=1_000_000, ge=1, le=1_000_000)


class WebhookOut(Output):
    """A webhook; its secret is never part of an answer."""

    id: UUID
    board_id: UUID
    agent_id: UUID | None
    description: str
    enabled: bool
    has_secret: bool
    signature_header: str | None
    endpoint_path: str
    endpoint_url: str
    replay_window_seconds: int
    require_timestamp: bool
    retention_days: int
    create_task: bool
    version: int
    created_at: datetime
    updated_at: datetime


class PayloadOut(Output):
    """What came in; ``is_truncated`` when ``payload`` is only its beginning, as text."""

    id: UUID
    board_id: UUID
    webhook_id: UUID
    payload: Any
    is_truncated: bool
    size_bytes: int
    headers: dict[str, str]
    source_ip: str
    content_type: str
    received_at: datetime
    delivery_status: Literal["queued", "delivered", "failed", "skipped"]
    attempts: int
    last_error: str | None
    task_id: UUID | None


class Receipt(Output):
    """What a sender is told."""

    ok: bool
    board_id: UUID
    webhook_id: UUID
    payload_id: UUID
    duplicate: bool = False
