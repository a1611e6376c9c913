"""Jobs: thin entry points on rq. A job takes ids, re-reads, calls a service; twice run, once done.

rq only wakes. Work that must survive is a leased row (:mod:`missioncontrol.kernel.leases`), so a
queue that is away costs latency and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Literal, ParamSpec

import django_rq
import structlog
from django.conf import settings
from django.db import close_old_connections, transaction
from redis import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Retry

from .errors import DomainError, GatewayUnavailable

P = ParamSpec("P")
Queue = Literal["default", "gateway", "webhooks", "automation", "documents"]
log = structlog.get_logger(__name__)
#: A wish older than this is taken as lost with its queue.
WISH_SECONDS = 10
#: A queue that hangs holds a request no longer than this, and is then left alone for a while.
REACH_SECONDS = 1.0
REST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job runs: its queue, the longest run in seconds, the retry pauses in seconds."""

    queue: Queue
    timeout_seconds: int
    retry_seconds: tuple[int, ...]


class Job:
    """A function that may be enqueued."""

    def __init__(self, body: Callable[..., Any], options: JobOptions) -> None:
        self.body = body
        self.options = options
        self.path = f"{body.__module__}.{body.__qualname__}"
        wraps(body)(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run with clean connections; only an unavailable gateway is worth a retry."""
        close_old_connections()
        try:
            return self.body(*args, **kwargs)
        except GatewayUnavailable:
            raise
        except DomainError as refusal:
            log.info("job.refused", job=self.path, code=refusal.machine_code)
            return None
        finally:
            close_old_connections()


def job(
    queue: Queue, *, timeout_seconds: int = 60, retry_seconds: tuple[int, ...] = ()
) -> Callable[[Callable[..., Any]], Job]:
    """Declare a job with its queue, time limit and retries."""
    return lambda body: Job(body, JobOptions(queue, timeout_seconds, retry_seconds))


def run_by_path(path: str, args: list[Any]) -> Any:
    """Entry point of rq: import the job by its dotted path and run it."""
    from django.utils.module_loading import import_string

    return import_string(path)(*args)


def enqueue(target: Job, *args: Any) -> None:
    """Enqueue after commit. A queue that is away is logged; the sweep finds the work."""
    transaction.on_commit(lambda: enqueue_now(target, *args), robust=True)


@lru_cache(maxsize=16)
def _queue(name: str) -> Any:
    """One queue object, and so one connection pool, per process: the client minds forks itself."""
    connection = Redis.from_url(
        settings.RQ_REDIS_URL, socket_timeout=REACH_SECONDS, socket_connect_timeout=REACH_SECONDS
    )
    return django_rq.get_queue(name, connection=connection)


def client() -> Any:
    """This process's connection to the queue's Redis, for others that need one."""
    return _queue("default").connection


class _Rest:
    """Until when a queue that hung is not asked: the sweeps find the work meanwhile."""

    until = 0.0

    @classmethod
    def is_on(cls) -> bool:
        """Whether the queue is to be left alone."""
        return time.monotonic() < cls.until

    @classmethod
    def after(cls, error: RedisError, job: Job) -> None:
        """Note a failure; only one that took its time calls for rest."""
        if isinstance(error, RedisTimeoutError):
            cls.until = time.monotonic() + REST_SECONDS
        log.warning("job.queue_unavailable", job=job.path, error=type(error).__name__)


def enqueue_soon(target: Job, key: str, *, wish_seconds: int = WISH_SECONDS) -> bool:
    """Enqueue ``target(key)`` unless that wish already waits in the queue (coalesced wake-ups).

    The job calls :func:`taken` first, so what happens later makes a new wish. A wish whose job was
    lost with its worker is forgotten after ``wish_seconds``.
    """
    if _Rest.is_on():
        return False
    try:
        if not client().set(_wish(target, key), 1, nx=True, ex=wish_seconds):
            return True
    except RedisError as error:
        _Rest.after(error, target)
        return False
    return enqueue_now(target, key)


def enqueue_soon_at_commit(target: Job, key: str) -> None:
    """The same, once the running transaction has committed."""
    transaction.on_commit(lambda: enqueue_soon(target, key), robust=True)


def taken(target: Job, key: str) -> None:
    """The wish is being fulfilled: the next one counts again."""
    try:
        client().delete(_wish(target, key))
    except RedisError as error:
        log.warning("job.queue_unavailable", job=target.path, error=type(error).__name__)


def _wish(target: Job, key: str) -> str:
    return f"wish:{target.path}:{key}"


def enqueue_now(target: Job, *args: Any) -> bool:
    """Enqueue at once; ``False`` when the queue is away."""
    if _Rest.is_on():
        return False
    options = target.options
    pauses = list(options.retry_seconds)
    try:
        _queue(options.queue).enqueue_call(
            run_by_path,
            args=(
                target.path,
                [str(a) if not isinstance(a, int | str | bool) else a for a in args],
            ),
            timeout=options.timeout_seconds,
            result_ttl=0,
            failure_ttl=86_400,
            retry=Retry(max=len(pauses), interval=pauses) if pauses else None,
            description=target.path,
        )
    except RedisError as error:
        _Rest.after(error, target)
        return False
    return True
