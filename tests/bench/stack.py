"""A throw-away installation to measure: the product as users start it, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

TOKEN = "bench-" + "x" * 58
START_SECONDS = 90


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """A running installation; ``web`` is the process that answers HTTP and sockets."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mc-bench-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.web: psutil.Process
        self.ready_seconds = 0.0

    def __enter__(self) -> Self:
        started = time.monotonic()
        self.log = (self.folder / "run.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "missioncontrol.run", "--stop-with-parent",
             "--data", str(self.folder / "data"), "--port", str(self.port)],
            env={**os.environ, "LOCAL_AUTH_TOKEN": TOKEN, "AGENT_RATE_LIMIT": "10000000",
                 "LOG_LEVEL": "WARNING", "BASE_URL": self.base},
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._await_ready()
        self.ready_seconds = time.monotonic() - started
        self.web = self._listener()
        return self

    def _await_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.base}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        raise SystemExit((self.folder / "run.log").read_text()[-3000:])

    def _listener(self) -> psutil.Process:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                names = " ".join(child.cmdline()) + child.name()
            except psutil.Error:  # ended meanwhile
                continue
            if "web" in names.split():
                return child
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if any(c.laddr and c.laddr.port == self.port for c in child.net_connections("tcp")):
                return child
        raise SystemExit("no web process found")

    def memory_mb(self) -> float:
        """Proportional memory of every process of the installation."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        return sum(p.memory_full_info().pss for p in family) / 1e6

    def use_database(self) -> None:
        """Point this process's Django at the installation's database."""
        from missioncontrol.run import state

        services = state.read(self.folder / "data")
        assert services is not None
        os.environ.update(
            DATABASE_URL=services.database_url,
            REDIS_URL=services.redis_url,
            LOCAL_AUTH_TOKEN=TOKEN,
            DATA_DIR=str(self.folder / "data"),
            BASE_URL=self.base,
        )
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "missioncontrol.settings.dev")
        django.setup()

    def sign_in(self) -> str:
        """Sign in as a browser does; returns its cookies as one header."""
        with httpx.Client(base_url=self.base) as browser:
            browser.get("/sign-in").raise_for_status()
            form = {
                "mode": "local",
                "token": TOKEN,
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            }
            answer = browser.post("/sign-in", data=form)
            assert answer.status_code == 302, answer.text[-500:]
            return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
