"""Workers wait for Redis, come back by themselves, and end when asked to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from missioncontrol.run import state as states
from missioncontrol.run.embedded import Embedded
from tests.ops.running import ROOT, all_gone, clean_environment, data_folder

CODE = """
import django, sys
django.setup(set_prefix=False)
from missioncontrol.run import workers
workers.work(workers.SHORT_QUEUES if sys.argv[1] == "short" else workers.LONG_QUEUES,
             forking=sys.argv[1] == "long")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder whose Valkey is described but not running."""
    with data_folder() as path:
        embedded = Embedded(path, postgres=False)
        embedded.start()
        embedded.stop()
        yield path


@pytest.fixture(params=["short", "long"])
def worker(request: pytest.FixtureRequest, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that starts while there is no Redis."""
    state = states.read(folder)
    assert state is not None
    environment = clean_environment(
        DJANGO_SETTINGS_MODULE="missioncontrol.settings.test", REDIS_URL=state.redis_url
    )
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, request.param], cwd=ROOT, env=environment
    )
    process.kind = request.param  # type: ignore[attr-defined]
    yield process
    process.kill()
    process.wait()


def _done(redis: Redis, key: str, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if redis.exists(key):
                return True
        except RedisError:
            pass
        time.sleep(0.05)
    return False


def test_worker_outlasts_a_missing_redis(worker: subprocess.Popen[bytes], folder: Path) -> None:
    name = {"short": "automation", "long": "gateway"}[worker.kind]  # type: ignore[attr-defined]
    time.sleep(3)
    assert worker.poll() is None
    valkey = Embedded(folder, postgres=False)
    try:
        redis = Redis.from_url(valkey.start().redis_url)
        queue = Queue(name, connection=redis)
        queue.enqueue("tests.ops.jobs.note", "one")
        assert _done(redis, "one")
        os.kill(valkey.pids()["valkey"], signal.SIGKILL)
        time.sleep(2)
        assert worker.poll() is None
        valkey.heal()
        redis.ping()
        queue.enqueue("tests.ops.jobs.note", "two")
        assert _done(redis, "two")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    finally:
        valkey.stop()


@pytest.mark.parametrize("worker", ["long"], indirect=True)
def test_killed_worker_takes_its_running_job_with_it(
    worker: subprocess.Popen[bytes], folder: Path
) -> None:
    valkey = Embedded(folder, postgres=False)
    try:
        redis = Redis.from_url(valkey.start().redis_url)
        Queue("gateway", connection=redis).enqueue("time.sleep", 60)
        deadline = time.monotonic() + 20
        while not (family := psutil.Process(worker.pid).children()):
            assert time.monotonic() < deadline, "the job was not started"
            time.sleep(0.05)
        worker.kill()
        worker.wait()
        assert all_gone(family, 5) == []
    finally:
        valkey.stop()
