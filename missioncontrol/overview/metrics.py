"""The figures of the dashboard, by the definitions of the core specification, section 20.

Everything is counted by the database over the borders of :mod:`missioncontrol.overview.periods`,
in a number of queries that does not depend on how much there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Window

from activity import tally
from agents.models import Agent
from boards.models import Board, BoardGroup
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import UserActor
from missioncontrol.overview.periods import RANGES, Period, Periods, periods

SHOWN = 10
HOURS = 3600
_STATUSES = ("todo", "in_progress", "review", "done")

_WORK = """
SELECT status, width_bucket(at, %(borders)s::timestamptz[]), count(*)
FROM (
  SELECT status, CASE status WHEN 'todo' THEN created_at
                             WHEN 'in_progress' THEN coalesce(in_progress_at, created_at)
                             WHEN 'review' THEN coalesce(review_at, created_at)
                             ELSE coalesce(done_at, created_at) END AS at
  FROM boards_task WHERE board_id = ANY(%(boards)s)
) AS placed
GROUP BY 1, 2
"""
_DONE = """
SELECT place, is_now, count(*), avg(seconds),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
       count(DISTINCT day)
FROM (
  SELECT width_bucket(done_at, %(borders)s::timestamptz[]) AS place, done_at >= %(start)s AS is_now,
         extract(epoch FROM done_at - first_in_progress_at)::float8 AS seconds,
         floor(extract(epoch FROM %(end)s - done_at) / 86400) AS day
  FROM boards_task
  WHERE board_id = ANY(%(boards)s) AND done_at >= %(first)s AND done_at <= %(end)s
) AS finished
GROUP BY GROUPING SETS ((place), (is_now))
"""


@dataclass(frozen=True, slots=True)
class Boards:
    """Whose figures: the boards by id with their names, all of one organization."""

    organization_id: UUID | None
    names: Mapping[UUID, str]

    @property
    def ids(self) -> list[UUID]:
        """Their ids."""
        return list(self.names)


class Done(NamedTuple):
    """Tasks that were finished in a stretch of time."""

    number: int = 0
    mean_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """One value per bucket, for the range and for the time before it."""

    primary: list[float]
    comparison: list[float]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Everything that the dashboard counts."""

    periods: Periods
    generated_at: datetime
    active_agents: int
    status: dict[str, int]
    events: tally.Count
    completed: int
    completed_before: int
    active_days: int
    median_hours: float | None
    throughput: Series
    cycle_time: Series
    error_rate: Series
    wip: dict[str, Series] = field(default_factory=dict)

    @property
    def error_rate_pct(self) -> float:
        """Share of failures among the events about tasks, in percent."""
        return share(self.events)

    @property
    def total(self) -> int:
        """Tasks of the boards."""
        return sum(self.status.values())


def share(counted: tally.Count) -> float:
    """Failures in percent of the events; 0 when there are none."""
    return 100 * counted.failed / counted.events if counted.events else 0.0


def boards_of(who: UserActor, *, board_id: UUID | None, group_id: UUID | None) -> Boards:
    """Readable boards: one, those of a group, or those of the active organization.

    Raises:
        NotFound: a board or group that the person may not read, or none at all.
    """
    organization_id = who.organization_id
    readable: QuerySet[Board] = Board.objects.visible_to(who)
    if group_id is not None:
        organization_id = BoardGroup.objects.seen_by(who, group_id).organization_id
        readable = readable.filter(board_group_id=group_id)
    if board_id is not None:
        organization_id = Board.objects.seen_by(who, board_id).organization_id
        readable = readable.filter(pk=board_id)
    if organization_id is None:
        return Boards(None, {})
    names = readable.filter(organization_id=organization_id).values_list("pk", "name")
    return Boards(organization_id, dict(names))


def metrics(boards: Boards, range_key: str, zone: tzinfo) -> Metrics:
    """Count everything for a range that ends now; five queries."""
    laid = periods(RANGES[range_key], clock.now(), zone)
    facts = {
        "boards": boards.ids,
        "borders": laid.borders,
        "first": laid.comparison.start,
        "start": laid.primary.start,
        "end": laid.primary.end,
    }
    status, wip = _work(laid, facts)
    done, before, median, active_days, by_place = _done(facts)
    events = _events(boards, laid)
    fail = [share(counted) for counted in events]
    first = len(laid.comparison.buckets)
    seen = Agent.objects.filter(
        board_id__in=boards.ids, last_seen_at__gte=laid.primary.start
    ).count()
    return Metrics(
        periods=laid,
        generated_at=laid.primary.end,
        active_agents=seen,
        status=status,
        events=tally.Count(
            sum(c.events for c in events[first:]), sum(c.failed for c in events[first:])
        ),
        completed=done.number,
        completed_before=before.number,
        active_days=active_days,
        median_hours=median,
        throughput=_series(laid, [float(found.number) for found in by_place]),
        cycle_time=_series(laid, [found.mean_hours for found in by_place]),
        error_rate=_series(laid, fail),
        wip=wip,
    )


def _series(laid: Periods, values: list[float]) -> Series:
    first = len(laid.comparison.buckets)
    return Series(primary=values[first:], comparison=values[:first])


def _work(laid: Periods, facts: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, Series]]:
    """Present counts by status, and by the bucket of the last change of status."""
    status = dict.fromkeys(_STATUSES, 0)
    placed = {name: [0.0] * len(laid.borders) for name in _STATUSES}
    with connection.cursor() as cursor:
        cursor.execute(_WORK, facts)
        for name, place, count in cursor.fetchall():
            status[name] += count
            if place > 0:
                placed[name][place - 1] += count
    return status, {name: _series(laid, values) for name, values in placed.items()}


def _done(facts: Mapping[str, Any]) -> tuple[Done, Done, float | None, int, list[Done]]:
    """Tasks finished now and before, median of now in hours, days with one, and per bucket."""
    totals = {True: Done(), False: Done()}
    by_place = [Done()] * len(facts["borders"])
    median: float | None = None
    active_days = 0
    with connection.cursor() as cursor:
        cursor.execute(_DONE, facts)
        for place, is_now, count, mean, middle, days in cursor.fetchall():
            found = Done(count, (mean or 0.0) / HOURS)
            if is_now is None:
                by_place[place - 1] = found
            else:
                totals[is_now] = found
            if is_now:
                median = None if middle is None else middle / HOURS
                active_days = days
    return totals[True], totals[False], median, active_days, by_place


def _events(boards: Boards, laid: Periods) -> list[tally.Count]:
    if boards.organization_id is None or not boards.names:
        return [tally.Count(0, 0)] * len(laid.borders)
    return tally.counts(boards.organization_id, boards.ids, laid.borders)


@dataclass(frozen=True, slots=True)
class Pending:
    """Approvals of the boards that wait, the newest of them as rows."""

    total: int
    items: list[dict[str, Any]]


def pending_approvals(boards: Boards) -> Pending:
    """How many wait and the ten newest; one query."""
    first = ApprovalTask.objects.filter(approval_id=OuterRef("pk")).order_by("pk").values("title")
    waiting = Approval.objects.filter(
        status=Approval.Status.PENDING, board_id__in=boards.ids
    ).annotate(task_title=Subquery(first[:1]), waiting=Window(Count("pk")))
    rows = list(
        waiting.order_by("-created_at", "-pk").values(
            "board_id", "action_type", "confidence", "created_at", "task_title", "waiting",
            approval_id=F("pk"),
        )[:SHOWN]
    )  # fmt: skip
    total = rows[0]["waiting"] if rows else 0
    items = [
        {
            **{name: value for name, value in row.items() if name != "waiting"},
            "board_name": boards.names[row["board_id"]],
        }
        for row in rows
    ]
    return Pending(total, items)


def points(period: Period, values: list[float]) -> list[tuple[datetime, float]]:
    """Buckets with their values."""
    return list(zip(period.buckets, values, strict=True))
