"""The one clock: aware UTC. Tests travel in time by patching Django's timezone module."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone


def now() -> datetime:
    """Aware UTC time of this moment."""
    return timezone.now()


def iso(value: datetime | None) -> str | None:
    """RFC 3339 text in UTC ending in ``Z``, microseconds kept; ``None`` stays ``None``."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
