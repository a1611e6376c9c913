"""Outbound webhooks: what is sent, to whom, and how it is signed.

Source: Standard Webhooks, whose headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature`` (``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``) existing
libraries verify. The key is the base64 text after ``whsec_``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

import orjson
from django.utils import translation

from missioncontrol.kernel.clock import iso

from . import types
from .models import WebhookDelivery, WebhookEndpoint
from .subscribe import EventView

PREFIX = "whsec_"
KEY_BYTES = 32
MAX_ATTEMPTS = 8
#: Pauses after the first, second, … failure in a row.
PAUSES_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200)
#: Attempts that fail in a row, over several events and about half a day, end the sending.
DISABLE_AFTER = 3 * MAX_ATTEMPTS
GONE = 410


def new_secret() -> str:
    """A fresh signing secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """Signature of a message as its header holds it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(secret: str, message_id: str, timestamp: int, body: str) -> dict[str, str]:
    """Headers of one message."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }


def pause_after(failures: int) -> int:
    """Seconds until the next attempt after so many failures in a row."""
    return PAUSES_SECONDS[min(max(failures, 1), len(PAUSES_SECONDS)) - 1]


def stored_types(patterns: Iterable[str]) -> frozenset[str]:
    """Stored types that an endpoint's filter means; no filter means all."""
    wanted = list(patterns)
    if not wanted:
        return frozenset(types.TYPES)
    return frozenset(name for pattern in wanted for name in types.names_for_wire(pattern))


def wants(endpoint: WebhookEndpoint, event: EventView) -> bool:
    """Whether an endpoint is told of an event."""
    if event.seq <= endpoint.since_seq:
        return False
    if endpoint.board_id is not None and endpoint.board_id != event.board_id:
        return False
    if event.type not in stored_types(endpoint.event_types):
        return False
    return _has_status(endpoint.event_types, event)


def _has_status(patterns: Iterable[str], event: EventView) -> bool:
    """A decision filter such as ``approval.approved`` means that decision only."""
    if event.type != "approval.resolved":
        return True
    wanted = list(patterns)
    wire = types.get(event.type).wire_name(event.data)
    exact = {"approval.resolved", wire}
    return not wanted or any(p in exact or p.endswith("*") for p in wanted)


def body_of(event: EventView) -> str:
    """The message: type, time, and the event with the fields of the feed."""
    entry = types.TYPES.get(event.type)
    wire = entry.wire_name(event.data) if entry else event.type
    with translation.override("en"):
        sentence = types.sentence_of(
            event.type, actor=event.actor_name, target=event.target_title, data=event.data
        )
    return orjson.dumps(
        {
            "type": wire,
            "timestamp": iso(event.at),
            "data": {
                "id": event.id,
                "event_type": wire,
                "message": sentence,
                "organization_id": event.organization_id,
                "seq": event.seq,
                "board_id": event.board_id,
                "task_id": event.task_id,
                "agent_id": event.agent_id,
                "actor_type": event.actor_kind,
                "actor_id": event.actor_id,
                "actor_name": event.actor_name,
                "resource_type": event.target_kind,
                "resource_id": event.target_id,
                "resource_name": event.target_title,
                "metadata": dict(event.data),
                "created_at": iso(event.at),
            },
        },
        default=str,
    ).decode()


def delivery_of(endpoint: WebhookEndpoint, event: EventView) -> WebhookDelivery:
    """An unsaved delivery of an event."""
    entry = types.TYPES.get(event.type)
    wire = entry.wire_name(event.data) if entry else event.type
    return WebhookDelivery(
        endpoint=endpoint,
        event_id=event.id,
        event_type=wire[:64],
        seq=event.seq,
        body=body_of(event),
    )


def open_endpoints(organization_id: UUID) -> list[WebhookEndpoint]:
    """Endpoints of an organization that are told of events."""
    return list(WebhookEndpoint.objects.filter(organization_id=organization_id, is_enabled=True))
