"""The state of background work: queues, workers, scheduler, listeners, events that were parked.

Queues belong to the installation, parked events and cursors to an organization. When the queue is
away, that is part of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_rq
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from activity.models import EventStream, ListenerCursor
from activity.publish import Target, publish
from activity.subscribe import listener_names
from missioncontrol.kernel import clock, jobs, schedule
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, NotFound
from missioncontrol.kernel.unit import service

FAILED_SHOWN = 50
LATE_SECONDS = 30
#: What rq calls the state of a worker.
WORKER_STATES: dict[str, str | Promise] = {
    "idle": gettext_lazy("waiting for work"),
    "busy": gettext_lazy("at work"),
    "started": gettext_lazy("starting"),
    "suspended": gettext_lazy("suspended"),
    "?": gettext_lazy("not known"),
}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue: how much waits, runs, is put off, has failed; age of the oldest that waits."""

    name: str
    waiting: int
    running: int
    scheduled: int
    failed: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker that lives."""

    name: str
    queues: list[str]
    state: str
    seen_at: datetime | None
    current: str

    @property
    def state_word(self) -> str:
        """What it does, in the reader's language; an unknown word is shown as it is."""
        return str(WORKER_STATES.get(self.state, self.state))


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed: what it was, and the last line of its error."""

    id: str
    queue: str
    job: str
    error: str
    enqueued_at: datetime | None
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """How far a named listener has read the organization's stream."""

    name: str
    seq: int
    lag: int


@dataclass(frozen=True, slots=True)
class Work:
    """Everything about queues; empty with ``is_available`` false when Redis gives no answer."""

    is_available: bool
    queues: list[QueueRow]
    workers: list[WorkerRow]
    scheduler_at: datetime | None
    now: datetime

    @property
    def is_scheduled(self) -> bool:
        """Whether the scheduler ran of late."""
        return (
            self.scheduler_at is not None
            and (self.now - self.scheduler_at).total_seconds() < LATE_SECONDS
        )


def work() -> Work:
    """Queues, workers and scheduler as they are now."""
    now = clock.now()
    try:
        return Work(
            is_available=True,
            queues=list(_queues(now)),
            workers=_workers(),
            scheduler_at=_scheduler_at(),
            now=now,
        )
    except RedisError:
        return Work(is_available=False, queues=[], workers=[], scheduler_at=None, now=now)


def _queue(name: str) -> Queue:
    found: Queue = django_rq.get_queue(name, connection=jobs.client())
    return found


def _queues(now: datetime) -> Iterator[QueueRow]:
    for name in settings.QUEUES:
        queue = _queue(name)
        first = queue.get_job_ids(0, 1)
        oldest = Job.fetch_many(first, connection=queue.connection)
        since = _aware(oldest[0].enqueued_at) if oldest and oldest[0] else None
        yield QueueRow(
            name,
            waiting=queue.count,
            running=StartedJobRegistry(queue=queue).count,
            scheduled=ScheduledJobRegistry(queue=queue).count,  # type: ignore[no-untyped-call]  # rq
            failed=FailedJobRegistry(queue=queue).count,
            oldest_seconds=(now - since).total_seconds() if since else None,
        )


def _workers() -> list[WorkerRow]:
    return [
        WorkerRow(
            name=str(worker.name),
            queues=[str(name) for name in worker.queue_names()],
            state=str(worker.get_state()),
            seen_at=_aware(worker.last_heartbeat),
            current=str(worker.get_current_job_id() or ""),
        )
        for worker in sorted(Worker.all(connection=jobs.client()), key=lambda w: str(w.name))
    ]


def _scheduler_at() -> datetime | None:
    raw = jobs.client().get(schedule.LAST_RUN)
    return datetime.fromtimestamp(float(raw), UTC) if raw else None


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def failed_jobs() -> list[FailedJob]:
    """Failed jobs of every queue, newest first; none when the queue is away."""
    try:
        rows = [row for name in settings.QUEUES for row in _failed(name)]
    except RedisError:
        return []
    early = datetime.min.replace(tzinfo=UTC)
    return sorted(rows, key=lambda row: row.failed_at or early, reverse=True)[:FAILED_SHOWN]


def _failed(name: str) -> Iterator[FailedJob]:
    queue = _queue(name)
    ids = FailedJobRegistry(queue=queue).get_job_ids(0, FAILED_SHOWN - 1, desc=True)
    for job in Job.fetch_many(ids, connection=queue.connection):
        if job is not None:
            yield FailedJob(
                id=str(job.id),
                queue=name,
                job=str(job.description or "")[:200],
                error=_error(job),
                enqueued_at=_aware(job.enqueued_at),
                failed_at=_aware(job.ended_at),
            )


def _error(job: Job) -> str:
    """The last line of a traceback: class and message, without the code before it."""
    result = job.latest_result()
    text = str(getattr(result, "exc_string", "") or "").strip()
    return text.splitlines()[-1][:500] if text else ""


def listeners(organization_id: UUID | None) -> list[ListenerRow]:
    """How far each listener is behind the organization's stream, the furthest first."""
    if organization_id is None:
        return []
    last = EventStream.objects.filter(pk=organization_id).values_list("last_seq", flat=True)
    head = last.first() or 0
    known = dict(
        ListenerCursor.objects.filter(organization_id=organization_id).values_list(
            "listener", "seq"
        )
    )
    rows = [
        ListenerRow(name, known.get(name, 0), max(0, head - known.get(name, 0)))
        for name in listener_names()
    ]
    return sorted(rows, key=lambda row: (-row.lag, row.name))


def require_super_admin(actor: UserActor) -> None:
    """Jobs belong to the installation, not to one organization.

    Raises:
        Forbidden: no super admin, or a token that may only read.
    """
    if not actor.is_super_admin:
        raise Forbidden(_("Jobs of the installation are kept by its super admins."))
    if actor.scope == "read":
        raise Forbidden(_("This token may only read."))


def retry_job(actor: UserActor, job_id: str) -> None:
    """Put a failed job back into its queue.

    Raises:
        Forbidden: no super admin.
        NotFound: no such failed job.
        Conflict: ``queue_unavailable``.
    """
    require_super_admin(actor)
    try:
        job, registry = _failed_job(job_id)
        registry.requeue(job)
    except InvalidJobOperation as error:
        raise NotFound from error
    except RedisError as error:
        raise _away() from error
    _note(actor, "job.retried", str(job.description or job_id))


def delete_job(actor: UserActor, job_id: str) -> None:
    """Forget a failed job.

    Raises:
        As :func:`retry_job`.
    """
    require_super_admin(actor)
    try:
        job, registry = _failed_job(job_id)
        registry.remove(job, delete_job=True)
    except RedisError as error:
        raise _away() from error
    _note(actor, "job.deleted", str(job.description or job_id))


def _failed_job(job_id: str) -> tuple[Job, FailedJobRegistry]:
    try:
        job = Job.fetch(job_id, connection=jobs.client())
    except (NoSuchJobError, ValueError) as error:  # the latter: no id that a job could have
        raise NotFound from error
    registry = FailedJobRegistry(queue=_queue(str(job.origin)))
    if job_id not in registry.get_job_ids():
        raise NotFound
    return job, registry


def _away() -> Conflict:
    return Conflict(_("The job queue gives no answer."), code="queue_unavailable")


@service
def _note(actor: UserActor, event: str, title: str) -> None:
    """Write it down in the person's organization; without one there is no log to write to."""
    if actor.organization_id is not None:
        publish(
            event,
            actor=actor,
            target=Target("job", None, title),
            organization_id=actor.organization_id,
        )


def as_json(found: Work, failed: list[FailedJob] | None, behind: list[ListenerRow]) -> Any:
    """The state as JSON-ready values; ``failed_jobs`` is null for those who may not see them."""
    return {
        "is_available": found.is_available,
        "queues": [_plain(row) for row in found.queues],
        "workers": [_plain(row) for row in found.workers],
        "scheduler": {
            "last_run_at": clock.iso(found.scheduler_at),
            "is_running": found.is_scheduled,
        },
        "listeners": [_plain(row) for row in behind],
        "failed_jobs": None if failed is None else [_plain(row) for row in failed],
    }


def _plain(row: Any) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in row.__slots__)
    return {n: clock.iso(v) if isinstance(v, datetime) else v for n, v in values}
