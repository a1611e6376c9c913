"""The one way to change state: ``@service``.

The outermost service call opens the transaction, runs the body, then hands everything that was
buffered to the registered flushers (events, audit entries) before it commits. Inner calls join.
So a change and its record stand or fall together, and stream counters are locked last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

P = ParamSpec("P")
R = TypeVar("R")


class _Unit(threading.local):
    """State of the running outermost service of this thread."""

    depth: int = 0
    buffer: list[Any] | None = None


_unit = _Unit()
_flushers: list[Callable[[list[Any]], None]] = []


def register_flusher(flush: Callable[[list[Any]], None]) -> None:
    """Add a function that writes buffered items at the end of the outermost service."""
    if flush not in _flushers:
        _flushers.append(flush)


def is_running() -> bool:
    """Whether a service runs in this thread."""
    return _unit.depth > 0


def remember(item: Any) -> None:
    """Buffer one item for the flushers.

    Raises:
        RuntimeError: outside a service; a fact without its change must be impossible.
    """
    if _unit.depth == 0 or _unit.buffer is None:
        raise RuntimeError("publish outside a service")
    _unit.buffer.append(item)


def service(body: Callable[P, R]) -> Callable[P, R]:
    """Make ``body`` a state change: atomic, recorded, flushed by the outermost call."""

    @wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _unit.depth:
            _unit.depth += 1
            try:
                return body(*args, **kwargs)
            finally:
                _unit.depth -= 1
        with transaction.atomic():
            _unit.depth, _unit.buffer = 1, []
            try:
                result = body(*args, **kwargs)
                while _unit.buffer:
                    items, _unit.buffer = _unit.buffer, []
                    for flush in _flushers:
                        flush(items)
                return result
            finally:
                _unit.depth, _unit.buffer = 0, None

    run.is_service = True  # type: ignore[attr-defined]  # read by the house-rules test
    return run
