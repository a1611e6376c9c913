"""Inputs and outputs of the API of what is read from everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field, field_validator

from missioncontrol.kernel.schemas import Input, Output


def _blank_is_absent(raw: Any) -> Any:
    return None if raw == "" else raw


MaybeId = Annotated[UUID | None, BeforeValidator(_blank_is_absent)]
RangeKey = Literal["24h", "3d", "7d", "14d", "1m", "3m", "6m", "1y"]


class DashboardQuery(Input):
    """Which figures: the range, and the boards."""

    range_key: RangeKey = "24h"
    board_id: MaybeId = None
    group_id: MaybeId = None
    time_zone: str = Field(default="UTC", max_length=64)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(_("This is no time zone, such as Europe/Berlin.")) from error
        return value


class Point(Output):
    """One bucket: where it begins, and its value."""

    period: datetime
    value: float


class SeriesOut(Output):
    """Values of one stretch of time."""

    range: str
    bucket: Literal["hour", "day", "week", "month"]
    points: list[Point]


class SeriesPair(Output):
    """A range and the same length of time before it."""

    primary: SeriesOut
    comparison: SeriesOut


class WipPoint(Output):
    """Tasks by their present status, placed where they came into it."""

    period: datetime
    inbox: int
    todo: int
    in_progress: int
    review: int
    done: int


class WipSeries(Output):
    """The same over a stretch of time."""

    range: str
    bucket: Literal["hour", "day", "week", "month"]
    points: list[WipPoint]


class WipPair(Output):
    """Work in progress of a range and of the time before it."""

    primary: WipSeries
    comparison: WipSeries


class Kpis(Output):
    """Single figures. Old and new names hold the same value."""

    active_agents: int
    tasks_in_progress: int
    inbox_tasks: int
    todo_tasks: int
    in_progress_tasks: int
    review_tasks: int
    done_tasks: int
    error_rate_pct: float
    median_cycle_time_hours: float | None
    median_cycle_time_hours_7d: float | None


class PendingItem(Output):
    """An approval that waits."""

    approval_id: UUID
    board_id: UUID
    board_name: str
    action_type: str
    confidence: float | None
    created_at: datetime
    task_title: str | None


class PendingOut(Output):
    """Approvals that wait: how many, and the ten newest."""

    total: int
    items: list[PendingItem]


class DashboardOut(Output):
    """Everything that the dashboard counts."""

    range: str
    generated_at: datetime
    kpis: Kpis
    throughput: SeriesPair
    cycle_time: SeriesPair
    error_rate: SeriesPair
    wip: WipPair
    pending_approvals: PendingOut


class QueueOut(Output):
    """One queue of jobs."""

    name: str
    waiting: int
    running: int
    scheduled: int
    failed: int
    oldest_seconds: float | None


class WorkerOut(Output):
    """One worker that lives."""

    name: str
    queues: list[str]
    state: str
    seen_at: datetime | None
    current: str


class SchedulerOut(Output):
    """The scheduler of periodic work."""

    last_run_at: datetime | None
    is_running: bool


class ListenerOut(Output):
    """How far a listener has read the organization's events."""

    name: str
    seq: int
    lag: int


class FailedJobOut(Output):
    """A job that failed."""

    id: str
    queue: str
    job: str
    error: str
    enqueued_at: datetime | None
    failed_at: datetime | None


class WorkOut(Output):
    """Background work as it is now; ``is_available`` is false when the queue gives no answer."""

    is_available: bool
    queues: list[QueueOut]
    workers: list[WorkerOut]
    scheduler: SchedulerOut
    listeners: list[ListenerOut]
    failed_jobs: list[FailedJobOut] | None


class ParkedOut(Output):
    """An event that a listener could not take."""

    id: int
    listener: str
    status: Literal["waiting", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    last_error: str
    created_at: datetime
    event_id: UUID
    event_type: str
    seq: int
    organization_id: UUID


class RetriedOut(Output):
    """Whether the listener took the event."""

    is_taken: bool
