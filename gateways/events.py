"""Frames that arrive on a gateway's permanent connection, for whoever registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

#: ``(gateway_id, organization_id, payload)``; the payload is already free of secrets.
Handler = Callable[[UUID, UUID, Mapping[str, Any]], None]
_handlers: dict[str, list[Handler]] = {}


def register(event_name: str, handler: Handler) -> None:
    """Call ``handler`` for each event of that name, in the order of arrival per gateway.

    It runs in a worker thread of the link process with a database connection. What it raises is
    logged. When a gateway sends faster than handlers work, events are dropped: read the truth again
    (``chat.history``) where it matters.
    """
    known = _handlers.setdefault(event_name, [])
    if handler not in known:
        known.append(handler)


def handlers_of(event_name: str) -> list[Handler]:
    """Who wants this event."""
    return _handlers.get(event_name, [])
