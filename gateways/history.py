"""The last day of gateways, from the stored results of their checks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from missioncontrol.kernel import clock

from .models import Gateway

HOURS = 24
SLOTS = 48
SLOT = timedelta(hours=HOURS) / SLOTS
GOOD = (Gateway.Status.ONLINE.value,)
FAIR = (
    Gateway.Status.DEGRADED.value,
    Gateway.Status.CHECKING.value,
    Gateway.Status.UNVERIFIED.value,
    Gateway.Status.RESTARTING.value,
)
#: By how bad it is; a slot shows the worst that was seen in it.
MARKS = ("is-good", "is-fair", "is-bad")


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours of one gateway.

    Attributes:
        marks: 48 half hours, oldest first: ``is-good``, ``is-fair``, ``is-bad``, or empty where
            nothing was checked.
        checks: Number of checks.
        good: Number of those that found it online.
        latency_ms: Mean round trip of the checks that measured one.
    """

    marks: tuple[str, ...] = ("",) * SLOTS
    checks: int = 0
    good: int = 0
    latency_ms: float | None = None

    @property
    def uptime_pct(self) -> float | None:
        """Share of checks that found it online, none without a check."""
        return round(100 * self.good / self.checks, 2) if self.checks else None


@dataclass(slots=True)
class _Tally:
    """A day while it is read."""

    marks: list[str] = field(default_factory=lambda: [""] * SLOTS)
    checks: int = 0
    good: int = 0
    latency_sum: float = 0.0
    measured: int = 0


_READ = """
SELECT gateway_id, floor(extract(epoch FROM created_at - %(since)s) / %(slot)s)::int,
       max(CASE WHEN status = ANY(%(good)s) THEN 0 WHEN status = ANY(%(fair)s) THEN 1 ELSE 2 END),
       count(*), count(*) FILTER (WHERE status = ANY(%(good)s)),
       sum(latency_ms), count(latency_ms)
FROM gateways_gatewaycheck
WHERE gateway_id = ANY(%(ids)s) AND created_at > %(since)s AND created_at <= %(now)s
GROUP BY 1, 2
"""


def days_of(ids: Collection[UUID], now: datetime | None = None) -> dict[UUID, Day]:
    """The last day of each gateway; one query, whatever their number."""
    until = now or clock.now()
    found: dict[UUID, _Tally] = {pk: _Tally() for pk in ids}
    with connection.cursor() as cursor:
        cursor.execute(
            _READ,
            {
                "ids": list(ids),
                "since": until - timedelta(hours=HOURS),
                "now": until,
                "slot": SLOT.total_seconds(),
                "good": list(GOOD),
                "fair": list(FAIR),
            },
        )
        for gateway_id, place, worst, checks, good, latency, measured in cursor.fetchall():
            tally = found[gateway_id]
            tally.marks[min(place, SLOTS - 1)] = MARKS[worst]
            tally.checks += checks
            tally.good += good
            tally.latency_sum += latency or 0.0
            tally.measured += measured
    return {pk: _day(tally) for pk, tally in found.items()}


def _day(tally: _Tally) -> Day:
    mean = round(tally.latency_sum / tally.measured, 1) if tally.measured else None
    return Day(tuple(tally.marks), tally.checks, tally.good, mean)
