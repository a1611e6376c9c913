"""Ranges of the metrics and their buckets. Pure: the clock and the time zone are passed in.

A bucket begins where the hour, day, week (Monday) or month begins in that time zone. The first one
begins before the range does and counts only what lies inside the range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

Unit = Literal["hour", "day", "week", "month"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Range:
    """A length of time that people choose, and how it is cut."""

    key: str
    length: timedelta
    unit: Unit

    @property
    def days(self) -> int:
        """Length in days."""
        return self.length.days


RANGES: dict[str, Range] = {
    found.key: found
    for found in (
        Range("24h", DAY, "hour"),
        Range("3d", 3 * DAY, "day"),
        Range("7d", 7 * DAY, "day"),
        Range("14d", 14 * DAY, "day"),
        Range("1m", 30 * DAY, "day"),
        Range("3m", 90 * DAY, "week"),
        Range("6m", 180 * DAY, "week"),
        Range("1y", 365 * DAY, "month"),
    )
}


@dataclass(frozen=True, slots=True)
class Period:
    """A range as it lies now: ``start`` is inside, ``buckets`` begin at its truncated start."""

    start: datetime
    end: datetime
    buckets: tuple[datetime, ...]

    @property
    def borders(self) -> tuple[datetime, ...]:
        """Where counting of each bucket begins: the first not before the range."""
        return (self.start, *self.buckets[1:])


@dataclass(frozen=True, slots=True)
class Periods:
    """A range and the same length of time immediately before it."""

    range: Range
    primary: Period
    comparison: Period

    @property
    def borders(self) -> list[datetime]:
        """Borders of both, ascending: those of the comparison first."""
        return [*self.comparison.borders, *self.primary.borders]


def periods(chosen: Range, now: datetime, zone: tzinfo) -> Periods:
    """Lay a range so that it ends now."""
    start = now - chosen.length
    before = start - chosen.length
    return Periods(
        chosen,
        Period(start, now, tuple(buckets(start, now, chosen.unit, zone))),
        Period(before, start, tuple(buckets(before, start, chosen.unit, zone))),
    )


def buckets(start: datetime, end: datetime, unit: Unit, zone: tzinfo) -> Iterator[datetime]:
    """Beginnings of the buckets from the truncated start to the end, which is included."""
    moment = truncated(start, unit, zone)
    while moment <= end:
        yield moment
        moment = _next(moment, unit, zone)


def truncated(moment: datetime, unit: Unit, zone: tzinfo) -> datetime:
    """Beginning of the hour, day, week or month that holds a moment, in UTC."""
    local = moment.astimezone(zone)
    if unit == "hour":
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return _midnight(_first_day(local.date(), unit), zone)


def _first_day(day: date, unit: Unit) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _next(moment: datetime, unit: Unit, zone: tzinfo) -> datetime:
    if unit == "hour":
        return moment + HOUR
    day = moment.astimezone(zone).date()
    if unit == "month":
        return _midnight((day.replace(day=28) + 4 * DAY).replace(day=1), zone)
    return _midnight(day + (7 * DAY if unit == "week" else DAY), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
