"""The one clock: aware UTC. Tests and demonstration data travel with :func:`at`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.utils import timezone

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """Aware UTC time of this moment, or of the moment set by :func:`at`."""
    return _moment.get() or timezone.now()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let this context believe that it is ``moment``."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def iso(value: datetime | None) -> str | None:
    """RFC 3339 text in UTC ending in ``Z``, microseconds kept; ``None`` stays ``None``."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
