"""Quiet hours: pure, with the moment passed in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> tzinfo:
    """Time zone of a person; UTC without one, and for a name that is known no more."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def quiet_until(
    now: datetime, *, begin: time | None, end: time | None, zone: tzinfo
) -> datetime | None:
    """End of the quiet hours in which ``now`` lies, ``None`` outside of them.

    They may pass midnight (22:00 to 07:00). Equal or missing times mean that there are none.
    """
    if begin is None or end is None or begin == end:
        return None
    local = now.astimezone(zone)
    at = local.time().replace(tzinfo=None)
    inside = begin <= at < end if begin < end else (at >= begin or at < end)
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if begin > end and at >= begin else 0)
    return datetime.combine(day, end, tzinfo=zone).astimezone(UTC)
