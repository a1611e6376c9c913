"""Keeps the processes of one machine alive, and ends them all together."""

import contextlib
import os
import select
import signal
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

from missioncontrol.run.children import Child
from missioncontrol.run.embedded import LOG_LIMIT_BYTES, Embedded
from missioncontrol.run.errors import RunError
from missioncontrol.run.lifeline import Pipe, die_with

log = structlog.get_logger(__name__)

CRASHES_ALLOWED = 5
CRASH_WINDOW_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 8.0
LOG_COPIES = 3


@dataclass
class _Kept:
    """One child: its process while it runs, its crashes of the last minute."""

    child: Child
    pid: int | None = None
    due: float = 0.0
    crashes: deque[float] = field(default_factory=deque)


class CrashLoopError(RunError):
    """A process keeps ending; going on would only hide it."""


def count_crash(crashes: deque[float], now: float) -> float | None:
    """Note a crash; return the pause before the next start, None when it was one too many."""
    crashes.append(now)
    while now - crashes[0] > CRASH_WINDOW_SECONDS:
        crashes.popleft()
    if len(crashes) >= CRASHES_ALLOWED:
        return None
    return float(min(0.2 * 4 ** (len(crashes) - 1), LONGEST_PAUSE_SECONDS))


class Supervisor:
    """Forks the children from this preloaded process and watches them and the services."""

    def __init__(
        self,
        children: list[Child],
        *,
        embedded: Embedded | None,
        pipe: Pipe,
        log_folder: Path,
        in_child: Callable[[str], None],
    ) -> None:
        """Take the list; ``in_child`` prepares a forked process of the given name."""
        self._kept = [_Kept(child) for child in children]
        self._embedded, self._pipe, self._in_child = embedded, pipe, in_child
        self._log_folder = log_folder
        self._service_crashes: defaultdict[str, deque[float]] = defaultdict(deque)
        self._stop_asked = 0
        self._wake_reading, self._wake_writing = os.pipe()
        os.set_blocking(self._wake_reading, False)
        os.set_blocking(self._wake_writing, False)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop_asked > 0

    def watch_signals(self) -> None:
        """From now on a signal asks for an orderly stop; a second one hurries it."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self._stop_asked += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, ask)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_writing, warn_on_full_buffer=False)

    def start(self) -> None:
        """Start every child."""
        for kept in self._kept:
            self._fork(kept)

    def run(self) -> None:
        """Watch until asked to stop.

        Raises:
            CrashLoopError: a process or service ended too often within a minute.
        """
        next_trim = 0.0
        while not self.stopping:
            self.check()
            if time.monotonic() > next_trim:
                self._trim_logs()
                next_trim = time.monotonic() + 60
            self.wait(1.0)

    def wait(self, seconds: float) -> None:
        """Sleep until a signal or a child's end, ``seconds`` at most."""
        soonest = min((k.due for k in self._kept if k.pid is None), default=None)
        if soonest is not None:
            seconds = min(seconds, max(0.05, soonest - time.monotonic()))
        select.select([self._wake_reading], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_reading, 4096)

    def check(self) -> None:
        """Heal the services, notice ended children, start those that are due.

        Raises:
            CrashLoopError: a process or service ended too often within a minute.
        """
        self._heal_services()
        for kept in self._kept:
            if kept.pid is not None:
                self._reap(kept)
            if kept.pid is None and time.monotonic() >= kept.due and not self.stopping:
                self._fork(kept)

    def stop(self) -> None:
        """Ask every child to end, and end by force what does not."""
        asked = self._stop_asked
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._running() and time.monotonic() < deadline and self._stop_asked <= asked + 1:
            for kept in self._running():
                self._collect(kept)
            if self._running():
                self.wait(0.1)
        self._signal_all(signal.SIGKILL)
        for kept in self._running():
            os.waitpid(kept.pid or 0, 0)
            kept.pid = None

    def pids(self) -> dict[str, int]:
        """Process ids of the running children."""
        return {kept.child.name: kept.pid for kept in self._kept if kept.pid is not None}

    def _running(self) -> list[_Kept]:
        return [kept for kept in self._kept if kept.pid is not None]

    def _fork(self, kept: _Kept) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            kept.pid = pid
            return
        code = 1
        try:
            die_with(parent, signal.SIGKILL)()
            self._become(kept.child)
            kept.child.run()
            code = 0
        except BaseException:
            log.exception("process.failed", process=kept.child.name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _become(self, child: Child) -> None:
        """In the forked process: own session, own signals, nothing of the parent's."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        # A Ctrl-C on the terminal reaches the supervisor alone, which stops all in order.
        os.setsid()
        os.close(self._wake_reading)
        os.close(self._wake_writing)
        self._pipe.watch_in_child()
        self._in_child(child.name)

    def _collect(self, kept: _Kept) -> int | None:
        """Return the exit code of a child that has ended, None while it runs."""
        pid, status = os.waitpid(kept.pid or 0, os.WNOHANG)
        if pid == 0:
            return None
        kept.pid = None
        return os.waitstatus_to_exitcode(status)

    def _reap(self, kept: _Kept) -> None:
        code = self._collect(kept)
        if code is None or self.stopping:
            return
        pause = count_crash(kept.crashes, time.monotonic())
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        if pause is None:
            raise CrashLoopError(
                f"The process {kept.child.name} ended {CRASHES_ALLOWED} times within a minute, "
                f"last with {reason}. See {self._log_folder / (kept.child.name + '.log')}."
            )
        kept.due = time.monotonic() + pause
        log.error("process.ended", process=kept.child.name, reason=reason, restart_in_seconds=pause)

    def _heal_services(self) -> None:
        if self._embedded is None or self.stopping:
            return
        for name in self._embedded.heal():
            if count_crash(self._service_crashes[name], time.monotonic()) is None:
                raise CrashLoopError(
                    f"{name} ended {CRASHES_ALLOWED} times within a minute. "
                    f"See its log in {self._log_folder}."
                )
            log.error("service.restarted", service=name)

    def _signal_all(self, number: signal.Signals) -> None:
        for kept in self._running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(kept.pid or 0, number)

    def _trim_logs(self) -> None:
        if self._embedded is not None:
            self._embedded.trim_logs()
        for kept in self._kept:
            path = self._log_folder / f"{kept.child.name}.log"
            if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
                for number in range(LOG_COPIES, 1, -1):
                    older = path.with_suffix(f".log.{number - 1}")
                    if older.exists():
                        older.replace(path.with_suffix(f".log.{number}"))
                path.replace(path.with_suffix(".log.1"))
