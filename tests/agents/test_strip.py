"""Which ticks a heartbeat strip shows."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.strip import LATE, MISSED, ON_TIME, strip

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
INTERVAL = 600


def at(*minutes_ago: float) -> list[tuple[datetime, bool]]:
    return [(NOW - timedelta(minutes=m), False) for m in minutes_ago]


@pytest.mark.parametrize(
    ("beats", "marks"),
    [
        pytest.param([], [], id="never seen"),
        pytest.param(at(20, 10, 0), [ON_TIME] * 3, id="regular"),
        pytest.param(at(10.5), [ON_TIME], id="next one still within the grace"),
        pytest.param(at(12), [ON_TIME, MISSED], id="one overdue now"),
        pytest.param(at(35, 5), [ON_TIME, MISSED, ON_TIME], id="two intervals of silence between"),
        pytest.param([(NOW, True)], [LATE], id="late"),
        pytest.param(at(*range(300, -1, -10)), [ON_TIME] * 16, id="never more than sixteen"),
        pytest.param(at(5_000), [MISSED] * 16, id="long gone"),
    ],
)
def test_strip(beats: list[tuple[datetime, bool]], marks: list[str]) -> None:
    assert strip(beats, interval_seconds=INTERVAL, now=NOW) == marks


def test_an_agent_without_an_interval_misses_nothing() -> None:
    assert strip(at(500, 100), interval_seconds=0, now=NOW) == [ON_TIME, ON_TIME]
