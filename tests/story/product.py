"""Mission Control as a person starts it: an empty data folder, one command, a printed address."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from missioncontrol.settings import secret_files
from tests.ops.running import ROOT, Running, clean_environment, data_folder, started
from tests.story.waiting import until

SERVICES = {"postgres": "postgres", "valkey": "valkey-server"}
CHILDREN = ("web", "worker-short", "worker-long", "scheduler")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """A running installation, its token, and its processes by name."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.data = running.data

    @property
    def address(self) -> str:
        """Where pages and API answer."""
        return self.running.address

    @property
    def token(self) -> str:
        """The operator's token, from the file that the ready line names."""
        named = next(line for line in self.running.output.splitlines() if "Token" in line)
        path = Path(named.split(" in ", 1)[1].strip())
        assert path == secret_files.path_of(self.data, "local_auth_token")
        return path.read_text().strip()

    @property
    def sign_in_link(self) -> str:
        """The link that signs in once."""
        line = next(line for line in self.running.output.splitlines() if "Sign in" in line)
        return line.split()[2]

    def manage(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """``manage.py`` on this installation; ``given`` is its standard input."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=clean_environment(DATA_DIR=str(self.data)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            input=given,
        )

    def process(self, name: str) -> psutil.Process | None:
        """A process of the supervisor; None while it is being started again."""
        children = psutil.Process(self.running.process.pid).children()
        if name in SERVICES:
            named = [one for one in children if _name(one) == SERVICES[name]]
            return named[0] if named else None
        log = str(self.data / "log" / f"{name}.log")
        return next((one for one in children if log in _open_paths(one)), None)

    def kill(self, name: str) -> None:
        """End a process without warning, and wait until another one has its place."""
        victim = until(lambda: self.process(name), f"{name} runs", seconds=30)
        os.kill(victim.pid, signal.SIGKILL)

        def another() -> bool:
            found = self.process(name)
            return found is not None and found.pid != victim.pid

        until(another, f"{name} runs again", seconds=45)

    def logs(self) -> str:
        """What is worth reading after a failure: warnings and errors of every process."""
        lines = [_short(one) for one in self.running.output.splitlines()[:12]]
        for path in sorted((self.data / "log").glob("*.log")):
            text = path.read_text(errors="replace").splitlines()
            kept = [_short(one) for one in text if "level='info'" not in one]
            lines += [f"== {path.name}", *kept[-60:]]
        return "\n".join(lines)


def _short(line: str) -> str:
    """A line without the middle of its traceback."""
    return line if len(line) < 1500 else f"{line[:300]} … {line[-900:]}"


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _open_paths(process: psutil.Process) -> set[str]:
    try:
        return {file.path for file in process.open_files()}
    except psutil.NoSuchProcess:
        return set()


@contextlib.contextmanager
def installed(*arguments: str, **environment: str) -> Iterator[Product]:
    """A started product in an empty data folder, gone afterwards.

    With ``KEEP_STORY_DATA`` in the environment its logs are copied there before.
    """
    with data_folder() as data:
        settings = clean_environment(LOG_FORMAT="text", **environment)
        with started(data, "--port", str(free_port()), *arguments, environment=settings) as running:
            running.until_ready()
            try:
                yield Product(running)
            finally:
                keep = os.environ.get("KEEP_STORY_DATA")
                if keep:
                    shutil.copytree(data / "log", Path(keep) / data.parent.name)
