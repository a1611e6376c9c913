"""Starts the product the way a person does, and looks at its processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from missioncontrol.run import state as states

ROOT = Path(__file__).resolve().parents[2]
OWN_NAMES = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "TEST_DATA_DIR", "DJANGO_SETTINGS_MODULE")


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment of a person who has set nothing."""
    kept = {
        k: v for k, v in os.environ.items() if k not in OWN_NAMES and not k.startswith("PYTEST")
    }
    return {**kept, **extra}


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that the service user can reach, removed at the end."""
    parent = Path(tempfile.mkdtemp(prefix="mc-ops-", dir="/tmp"))
    parent.chmod(0o755)
    try:
        yield parent / "data"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def interpreter_for(uid: int) -> tuple[str, dict[str, str]]:
    """A Python that ``uid`` may run with our packages; skips the test when there is none."""
    packages = sysconfig.get_path("purelib")
    system = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    for program, extra in ((sys.executable, {}), (system, {"PYTHONPATH": packages})):
        try:
            done = subprocess.run(
                [program, "-c", "import django, redis.asyncio, missioncontrol"],
                cwd=ROOT,
                env={**clean_environment(), **extra},
                capture_output=True,
                check=False,
                user=uid,
                group=uid,
                extra_groups=[],
            )
        except OSError:
            continue
        if done.returncode == 0:
            return program, extra
    pytest.skip("no Python here that an ordinary user may run")


class Running:
    """One started supervisor."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        program: str = sys.executable,
    ) -> None:
        self.data = data
        self._started = time.monotonic()
        self._last_output = ""
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        command = [program, "-m", "missioncontrol.run", "--data", str(data), *arguments]
        switch = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment or clean_environment()),
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **switch,
        )

    @property
    def output(self) -> str:
        if self._out.closed:
            return self._last_output
        self._out.seek(0)
        return self._out.read()

    def until_ready(self, seconds: float = 90) -> float:
        """Wait for the ready line; return the seconds since the start."""
        while "Mission Control is ready" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() - self._started < seconds, self.output
            time.sleep(0.02)
        return time.monotonic() - self._started

    @property
    def address(self) -> str:
        return next(line.split()[1] for line in self.output.splitlines() if "Address" in line)

    def get(self, path: str) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.address + path, timeout=10) as answer:
            return int(answer.status)

    def services(self) -> states.ServiceState:
        found = states.read(self.data)
        assert found is not None
        return found

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def named(self, name: str) -> psutil.Process:
        """The child of the supervisor whose program is ``name``."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if child.name() == name)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def kill_everything(self) -> None:
        """For the end of a test that failed half-way."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = self.family()
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family[1:], timeout=10)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._last_output = self.output
        self._out.close()


@contextlib.contextmanager
def started(
    data: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
    program: str = sys.executable,
) -> Iterator[Running]:
    """A supervisor that is certainly gone afterwards."""
    running = Running(data, *arguments, environment=environment, user=user, program=program)
    try:
        yield running
    finally:
        running.kill_everything()


def all_gone(family: list[psutil.Process], seconds: float = 10) -> list[psutil.Process]:
    """Wait for processes to end; return those that have not."""
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def lock_facts(data: Path) -> dict[str, object]:
    """What the lock file says."""
    facts: dict[str, object] = json.loads((data / "lock").read_text())
    return facts
