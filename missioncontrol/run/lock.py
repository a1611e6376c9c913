"""One supervisor per data folder."""

import fcntl
import json
import os
from pathlib import Path

from missioncontrol.run.errors import RunError


class DataLock:
    """An exclusive lock on a data folder that the system releases when its holder ends."""

    def __init__(self, data: Path) -> None:
        """Describe the lock; nothing is taken yet."""
        self._path = data / "lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            RunError: another process holds it; the text says which, and what to do.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 4096).decode(errors="replace")
            os.close(descriptor)
            raise RunError(_taken(self._path.parent, text)) from None
        self._descriptor = descriptor
        self.describe(pid=os.getpid())

    def describe(self, **facts: object) -> None:
        """Write down who holds the lock, for the message that others get."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(facts).encode(), 0)

    def forget_in_child(self) -> None:
        """Call in a forked child, so that it does not hold the lock beyond its parent's end."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _taken(data: Path, text: str) -> str:
    try:
        facts = json.loads(text)
    except ValueError:
        facts = {}
    who = f" (process {facts['pid']})" if "pid" in facts else ""
    where = f" at {facts['address']}" if "address" in facts else ""
    return (
        f"Mission Control already runs with the data folder {data}{who}{where}. "
        "Stop it first, or name another folder with --data."
    )
