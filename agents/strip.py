"""Heartbeats of an agent as the sixteen ticks of its strip. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

SHOWN = 16
GRACE_SECONDS = 60
ON_TIME, LATE, MISSED = "on_time", "late", "missed"


def strip(
    beats: Sequence[tuple[datetime, bool]], *, interval_seconds: int, now: datetime
) -> list[str]:
    """The last beats, oldest first, with those that never came.

    Args:
        beats: time and whether it came after its due time, oldest first.
        interval_seconds: how often the agent means to call.
        now: time of the reader.
    """
    marks: list[str] = []
    previous: datetime | None = None
    for at, is_late in beats:
        if previous is not None:
            # The beat itself ends the last interval of the gap, on time or late.
            overdue = _overdue((at - previous).total_seconds(), interval_seconds)
            marks += [MISSED] * (overdue - 1)
        marks.append(LATE if is_late else ON_TIME)
        previous = at
    if previous is not None:
        marks += [MISSED] * _overdue((now - previous).total_seconds(), interval_seconds)
    return marks[-SHOWN:]


def _overdue(seconds: float, interval: int) -> int:
    """Due times that have passed by more than the grace, at most a strip full."""
    if interval <= 0:
        return 0
    return max(0, min(SHOWN + 1, int((seconds - GRACE_SECONDS) // interval)))
