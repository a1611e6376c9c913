"""Buckets of the ranges: where they begin, in every time zone and across clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from missioncontrol.overview.periods import RANGES, periods, truncated

NOW = datetime(2026, 11, 18, 14, 37, 5, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("key", "first", "number", "last"),
    [
        ("24h", "2026-11-17T14:00", 25, "2026-11-18T14:00"),
        ("3d", "2026-11-15T00:00", 4, "2026-11-18T00:00"),
        ("7d", "2026-11-11T00:00", 8, "2026-11-18T00:00"),
        ("14d", "2026-11-04T00:00", 15, "2026-11-18T00:00"),
        ("1m", "2026-10-19T00:00", 31, "2026-11-18T00:00"),
        ("3m", "2026-08-17T00:00", 14, "2026-11-16T00:00"),
        ("6m", "2026-05-18T00:00", 27, "2026-11-16T00:00"),
        ("1y", "2025-11-01T00:00", 13, "2026-11-01T00:00"),
    ],
)
def test_buckets_of_each_range(key: str, first: str, number: int, last: str) -> None:
    laid = periods(RANGES[key], NOW, UTC).primary
    shown = [moment.strftime("%Y-%m-%dT%H:%M") for moment in laid.buckets]
    assert (shown[0], len(shown), shown[-1]) == (first, number, last)


def test_the_comparison_is_the_same_length_immediately_before() -> None:
    laid = periods(RANGES["7d"], NOW, UTC)
    assert laid.comparison.end == laid.primary.start == NOW - timedelta(days=7)
    assert laid.comparison.start == NOW - timedelta(days=14)
    # The day through which the border runs belongs to both, each with its own part.
    assert laid.comparison.buckets[-1] == laid.primary.buckets[0]
    assert laid.borders == sorted(laid.borders)


def test_a_range_that_begins_on_a_border_ends_on_one() -> None:
    midnight = datetime(2026, 11, 18, tzinfo=UTC)
    laid = periods(RANGES["3d"], midnight, UTC)
    assert laid.primary.buckets[0] == laid.primary.start
    assert laid.primary.buckets[-1] == midnight


@pytest.mark.parametrize(
    ("zone", "unit", "moment", "begins"),
    [
        ("Asia/Shanghai", "day", "2026-11-18T17:00", "2026-11-18T16:00"),
        ("Asia/Kolkata", "day", "2026-11-18T17:00", "2026-11-17T18:30"),
        ("Asia/Kolkata", "hour", "2026-11-18T17:10", "2026-11-18T16:30"),
        ("Asia/Kathmandu", "day", "2026-11-18T18:20", "2026-11-18T18:15"),
        ("America/New_York", "week", "2026-11-16T04:59", "2026-11-09T05:00"),
        ("America/New_York", "week", "2026-11-16T05:00", "2026-11-16T05:00"),
        ("Europe/Berlin", "month", "2026-11-15T12:00", "2026-10-31T23:00"),
        ("Europe/Berlin", "month", "2026-10-15T12:00", "2026-09-30T22:00"),
    ],
)
def test_days_begin_at_midnight_of_the_time_zone(
    zone: str, unit: str, moment: str, begins: str
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = truncated(at, unit, ZoneInfo(zone))  # type: ignore[arg-type]
    assert found.strftime("%Y-%m-%dT%H:%M") == begins


def test_the_days_on_which_the_clock_changes_have_23_and_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = periods(RANGES["3d"], datetime(2026, 3, 30, 12, tzinfo=UTC), berlin).primary.buckets
    autumn = periods(RANGES["3d"], datetime(2026, 10, 26, 12, tzinfo=UTC), berlin).primary.buckets
    assert timedelta(hours=23) in {b - a for a, b in pairwise(spring)}
    assert timedelta(hours=25) in {b - a for a, b in pairwise(autumn)}


def test_hours_are_counted_through_the_change_of_the_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    laid = periods(RANGES["24h"], datetime(2026, 10, 25, 12, 20, tzinfo=UTC), berlin).primary
    steps = {b - a for a, b in pairwise(laid.buckets)}
    assert (steps, len(laid.buckets)) == ({timedelta(hours=1)}, 25)
