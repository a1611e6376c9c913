"""The forms of webhooks and their payloads outside."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Left

from boards.models import BoardWebhook, WebhookPayload
from boards.webhook_rules import preview
from missioncontrol.kernel.retelling import retold

#: Characters of a payload that a list shows.
LIST_CHARS = 16_384


def webhook(row: BoardWebhook) -> dict[str, Any]:
    """A webhook without its secret."""
    return {
        "id": row.pk,
        "board_id": row.board_id,
        "agent_id": row.agent_id,
        "description": row.description,
        "enabled": row.enabled,
        "has_secret": row.has_secret,
        "signature_header": row.signature_header,
        "endpoint_path": row.endpoint_path,
        "endpoint_url": settings.BASE_URL.rstrip("/") + row.endpoint_path,
        "replay_window_seconds": row.replay_window_seconds,
        "require_timestamp": row.require_timestamp,
        "retention_days": row.retention_days,
        "create_task": row.create_task,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def for_list(rows: QuerySet[WebhookPayload]) -> QuerySet[WebhookPayload]:
    """Payloads with the beginning of their bodies only (``start``)."""
    return rows.annotate(start=Left("body", LIST_CHARS + 1)).defer("body")


def listed_payload(row: Any) -> dict[str, Any]:
    """A payload of :func:`for_list`."""
    cut = len(row.start) > LIST_CHARS
    return _payload(row, row.start[:LIST_CHARS] if cut else _value(row, row.start), is_cut=cut)


def payload(row: WebhookPayload) -> dict[str, Any]:
    """A whole payload."""
    return _payload(row, _value(row, row.body), is_cut=False)


def payload_for_agent(row: WebhookPayload, max_chars: int) -> dict[str, Any]:
    """A payload as an agent reads it: a longer one as the beginning of its text."""
    if len(row.body) <= max_chars:
        return payload(row)
    return _payload(row, preview(row.body, max_chars), is_cut=True)


def _value(row: WebhookPayload, text: str) -> Any:
    return orjson.loads(text) if row.is_json else text


def _payload(row: WebhookPayload, value: Any, *, is_cut: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "board_id": row.board_id,
        "webhook_id": row.webhook_id,
        "payload": value,
        "is_truncated": is_cut,
        "size_bytes": row.size_bytes,
        "headers": row.headers,
        "source_ip": row.source_ip,
        "content_type": row.content_type,
        "received_at": row.received_at,
        "delivery_status": row.delivery_status,
        "attempts": row.attempts,
        "last_error": retold(row.last_error) or None,
        "task_id": row.task_id,
    }
