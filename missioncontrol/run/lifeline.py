"""Ends a process when the process that started it is gone.

Linux sends a signal by itself (``PR_SET_PDEATHSIG``). Elsewhere a pipe serves: only the parent
holds its writing end, so the reading end reports the parent's end as end-of-file.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
IS_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def die_with(parent_pid: int, signal_number: int) -> Callable[[], None]:
    """Return a function for the child, between fork and exec, that ties it to its parent.

    The tie is to the *thread* that forks: start long-lived children from the main thread.
    """

    def tie() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        # The parent may have ended before the line above.
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


class Pipe:
    """The pipe that stands in for the death signal outside Linux; does nothing on Linux."""

    def __init__(self) -> None:
        """Open the pipe where it is needed."""
        self._ends: tuple[int, int] | None = None if IS_LINUX else os.pipe()
        self._watchers: list[subprocess.Popen[bytes]] = []

    def watch_program(self, pid: int, signal_number: int) -> None:
        """Start a watcher that signals ``pid`` once this process is gone."""
        if self._ends is None:
            return
        code = (
            "import os,sys\nsys.stdin.buffer.read()\n"
            "try: os.kill(int(sys.argv[1]), int(sys.argv[2]))\nexcept ProcessLookupError: pass\n"
        )
        self._watchers = [one for one in self._watchers if one.poll() is None]
        watcher = subprocess.Popen(
            [sys.executable, "-c", code, str(pid), str(signal_number)],
            stdin=self._ends[0],
            start_new_session=True,
        )
        self._watchers.append(watcher)

    def watch_in_child(self) -> None:
        """Call in a forked child: ends it at once when the parent is gone."""
        if self._ends is None:
            return
        reading, writing = self._ends
        os.close(writing)

        def wait() -> None:
            os.read(reading, 1)
            os._exit(1)

        threading.Thread(target=wait, name="lifeline", daemon=True).start()

    def close(self) -> None:
        """Let the watchers go; what they watch must have ended before."""
        if self._ends is None:
            return
        for watcher in self._watchers:
            watcher.kill()
            watcher.wait()
        for end in self._ends:
            with contextlib.suppress(OSError):
                os.close(end)
        self._ends = None
