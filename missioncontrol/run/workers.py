"""Job workers that outlast a missing Redis and never outlive their parent."""

import os
import signal
import time
from types import FrameType
from typing import Any, Protocol

import django_rq
import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.logutils import setup_loghandlers
from rq.scheduler import RQScheduler
from rq.worker import BaseWorker

from missioncontrol.run.lifeline import die_with

log = structlog.get_logger(__name__)
SHORT_QUEUES = ("default", "automation")
LONG_QUEUES = ("webhooks", "gateway", "documents")
LONGEST_WAIT_SECONDS = 5.0
LOCK_REFRESH_SECONDS = 20.0
#: An idle worker shows itself 15 seconds before this has passed; a dead one is forgotten a minute
#: after it.
WORKER_SECONDS = 60


class Stop(Protocol):
    """What a part of a process asks whether it has to end."""

    def wait(self, timeout: float) -> bool:
        """Wait; True means end."""

    def is_set(self) -> bool:
        """Tell whether to end."""


class _Stoppable(BaseWorker):
    """Tells a stop that was asked for from a loop that ended by a fault."""

    max_connection_wait_time = LONGEST_WAIT_SECONDS
    stop_was_asked = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job at hand and end."""
        self.stop_was_asked = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # rq has no types here


class ShortWorker(_Stoppable, SimpleWorker):
    """Runs short jobs in its own process: no fork, so hundreds a second."""


class LongWorker(_Stoppable, Worker):
    """Forks for each job, so that a job that hangs or bursts takes nothing with it."""

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Remember who forks, for the tie of the child."""
        self._forking_pid = os.getpid()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the child: end with the worker, whatever ends it."""
        die_with(self._forking_pid, signal.SIGKILL)()
        super().main_work_horse(job, queue)


def work(queues: tuple[str, ...], *, forking: bool) -> None:
    """Work on ``queues`` until asked to stop; wait and reconnect while Redis is away."""
    worker_class: type[_Stoppable] = LongWorker if forking else ShortWorker
    pause = 0.5
    while True:
        started = time.monotonic()
        try:
            connection = django_rq.get_connection(queues[0])
            connection.ping()
            worker = worker_class(
                [django_rq.get_queue(name) for name in queues],
                connection=connection,
                worker_ttl=WORKER_SECONDS,
            )
            worker.work(logging_level="WARNING")
            if worker.stop_was_asked:
                return
        except RedisError as error:
            log.warning("worker.waits_for_redis", queues=queues, error=type(error).__name__)
        pause = 0.5 if time.monotonic() - started > 30 else min(pause * 2, LONGEST_WAIT_SECONDS)
        time.sleep(pause)


def move_due_jobs(stop: Stop) -> None:
    """Put jobs whose time has come (retries, delays) into their queues, until ``stop``."""
    names = (*SHORT_QUEUES, *LONG_QUEUES)
    # A name that stays the same takes its own lock back at once after a crash.
    name = f"mission-control-{os.uname().nodename}"
    scheduler: Any = None
    refreshed = 0.0
    setup_loghandlers("WARNING", name="rq.scheduler")
    while not stop.wait(1.0):
        try:
            if scheduler is None:
                connection = django_rq.get_connection("default")
                scheduler = RQScheduler(names, connection, logging_level="WARNING", name=name)
            if time.monotonic() - refreshed > LOCK_REFRESH_SECONDS:
                scheduler.acquire_locks()
                refreshed = time.monotonic()
            scheduler.enqueue_scheduled_jobs()
        except RedisError as error:
            log.warning("scheduler.waits_for_redis", error=type(error).__name__)
            scheduler, refreshed = None, 0.0
            stop.wait(2.0)
