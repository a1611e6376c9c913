"""What the running request is called, for logs and events."""

from __future__ import annotations

from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Id of the running request, empty outside one."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Name the running request."""
    _request_id.set(value)
