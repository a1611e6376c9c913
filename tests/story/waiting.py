"""Waiting for a state, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.5


def until(probe: Callable[[], T | None], what: str, *, seconds: float = 60) -> T:
    """The first result of ``probe`` that is something; else what it was last, in the failure.

    ``probe`` returns a false value, or raises ``NotYet``, while the state is not there.
    """
    deadline, pause = time.monotonic() + seconds, SHORTEST_PAUSE
    last = ""
    while True:
        try:
            found = probe()
        except NotYet as reason:
            found, last = None, str(reason)
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s. {last}")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


class NotYet(Exception):
    """The state is not there yet; the text says what there is instead."""
