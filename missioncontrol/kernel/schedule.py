"""Periodic work: rq's own cron over the table in :mod:`missioncontrol.schedule`.

The scheduler only enqueues; a queue that is away pauses it, and it goes on by itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import django_rq
import structlog
from redis.exceptions import RedisError
from rq.cron import CronScheduler

from . import clock
from .jobs import Job, run_by_path

log = structlog.get_logger(__name__)
PAUSE_SECONDS = 1.0
#: Key under which the last round is noted, as seconds since 1970.
LAST_RUN = "schedule:last_run"
LAST_RUN_KEPT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job that runs every so many seconds."""

    name: str
    every_seconds: int
    job: Job


def table() -> tuple[Periodic, ...]:
    """Every periodic job of the product."""
    from missioncontrol.schedule import PERIODIC

    return PERIODIC


def _scheduler() -> CronScheduler:
    cron = CronScheduler(connection=django_rq.get_connection("default"))
    for entry in table():
        options = entry.job.options
        cron.register(
            run_by_path,
            queue_name=options.queue,
            args=(entry.job.path, []),
            interval=entry.every_seconds,
            job_timeout=options.timeout_seconds,
            result_ttl=0,
            ttl=max(entry.every_seconds, 10),  # what no worker took in time is not piled up
            failure_ttl=3600,
        )
    return cron


def run_forever(stop: threading.Event) -> None:
    """Enqueue what is due until ``stop`` is set."""
    cron: CronScheduler | None = None
    while not stop.is_set():
        try:
            if cron is None:
                cron = _scheduler()
            cron.enqueue_jobs()
            now = str(clock.now().timestamp())
            cron.connection.set(LAST_RUN, now, ex=LAST_RUN_KEPT_SECONDS)
            pause = min(float(cron.calculate_sleep_interval()), PAUSE_SECONDS)
        except RedisError as error:
            log.warning("schedule.queue_unavailable", error=type(error).__name__)
            pause = PAUSE_SECONDS
        stop.wait(max(pause, 0.05))
