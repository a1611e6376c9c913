"""One server program: start, wait until it answers, look after leftovers, stop."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from missioncontrol.run.binaries import ServiceUser
from missioncontrol.run.errors import RunError
from missioncontrol.run.lifeline import Pipe, die_with

START_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 20.0


class Server:
    """A bundled server program that lives and dies with this process."""

    def __init__(
        self, name: str, *, user: ServiceUser, log: Path, pipe: Pipe, ready: Callable[[], bool]
    ) -> None:
        """Describe the server; ``ready`` tells whether it answers."""
        self.name = name
        self._user, self._log, self._pipe, self._ready = user, log, pipe, ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str | Path]) -> None:
        """Start and wait until the server answers.

        Raises:
            RunError: it ended before it answered; the text holds the end of its log.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=die_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - main thread only
                **self._user.popen,  # type: ignore[call-overload]  # user, group, extra_groups
            )
        self._pipe.watch_program(self._process.pid, signal.SIGINT)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._ready():
            if self._process.poll() is not None:
                raise RunError(f"{self.name} did not start. {self.last_words()}")
            if time.monotonic() > deadline:
                raise RunError(f"{self.name} did not answer for {START_TIMEOUT_SECONDS:.0f} s.")
            time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def ask_to_stop(self) -> None:
        """Begin an orderly stop without waiting for it."""
        if self.pid is not None and self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Stop in good order; by force when that takes too long."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def last_words(self) -> str:
        """Return the last lines of the log, for an error text."""
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()[-5:]
            return f"The end of {self._log}:\n" + "\n".join(lines)
        return f"See {self._log}."


def stop_leftover(pid: int, program: str, folder: Path) -> None:
    """Stop a server of an earlier, killed start, when ``pid`` really is one of ``folder``."""
    try:
        process = psutil.Process(pid)
        mine = process.name() == program and Path(process.cwd()) == folder.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    if not mine:
        return
    for signal_number, seconds in ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal_number)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                return
