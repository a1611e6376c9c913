"""Pure rules of agents: intervals, shown state, lateness, life-cycle moves, rendering."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents import rules
from agents.models import Agent
from agents.rules import Happening

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class Row:
    status: str = "online"
    last_seen_at: datetime | None = None
    gateway_seen_at: datetime | None = None
    heartbeat_config: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        ("10m", 600),
        ("1h30m", 5400),
        ("45s", 45),
        ("0m", None),
        (15, 900),
        ("1.5h", 5400),
        ("2d", 172800),
    ],
)
def test_intervals(every: Any, seconds: float | None) -> None:
    assert rules.interval_seconds(every) == seconds


@pytest.mark.parametrize("every", ["", "soon", "10", "m10", "-5m", "10 years", None])
def test_what_is_no_interval(every: Any) -> None:
    if every == "10":
        assert rules.interval_seconds(every) == 600
        return
    with pytest.raises(ValueError):
        rules.interval_seconds(every)


@pytest.mark.scenario("CORE-70")
@pytest.mark.parametrize(
    ("every", "silent_minutes", "shown"),
    [
        ("30m", 20, "online"), ("30m", 45, "online"), ("30m", 46, "offline"),
        ("10m", 14, "online"), ("10m", 16, "offline"), ("1m", 9, "online"), ("1m", 11, "offline"),
    ],
)  # fmt: skip
def test_offline_follows_the_heartbeat(every: str, silent_minutes: int, shown: str) -> None:
    row = Row(
        last_seen_at=NOW - timedelta(minutes=silent_minutes), heartbeat_config={"every": every}
    )
    assert rules.displayed(row, now=NOW) == shown


@pytest.mark.parametrize("status", ["deleting", "updating", "error", "paused", "draft", "offline"])
def test_some_states_are_shown_as_stored(status: str) -> None:
    assert rules.displayed(Row(status=status, last_seen_at=NOW), now=NOW) == status


@pytest.mark.parametrize("status", ["provisioning", "online"])
def test_never_seen_is_provisioning(status: str) -> None:
    assert rules.displayed(Row(status=status), now=NOW) == "provisioning"


@pytest.mark.parametrize(("seconds", "late"), [(600, False), (660, False), (661, True)])
def test_a_beat_is_late_after_an_interval_and_a_minute(seconds: int, late: bool) -> None:
    assert rules.is_late({"every": "10m"}, NOW - timedelta(seconds=seconds), NOW) is late
    assert rules.is_late({"every": "10m"}, None, NOW) is False


def test_being_set_up_or_woken_never_proves_presence() -> None:
    """A never seen agent is shown as provisioning whatever the remote steps did."""
    for status in ("provisioning", "updating", "error"):
        after = rules.after(status, Happening.SET_UP)
        assert rules.displayed(Row(status=after or status), now=NOW) == "provisioning"


@pytest.mark.parametrize(
    ("status", "happening", "after"),
    [
        ("draft", Happening.ATTACHED, "provisioning"),
        ("online", Happening.CHANGED, "updating"),
        ("provisioning", Happening.CHANGED, "provisioning"),
        ("updating", Happening.SEEN, None),
        ("deleting", Happening.SEEN, None),
        ("paused", Happening.SEEN, None),
        ("offline", Happening.SEEN, "online"),
        ("error", Happening.SEEN, "online"),
        ("updating", Happening.FAILED, "error"),
        ("deleting", Happening.FAILED, None),
        ("draft", Happening.GAVE_UP, None),
        ("online", Happening.STALE, None),
        ("updating", Happening.STALE, "error"),
    ],
)
def test_moves(status: str, happening: Happening, after: str | None) -> None:
    assert rules.after(status, happening) == after


def test_every_move_stays_within_the_states() -> None:
    states = set(Agent.Status.values)
    for happening in Happening:
        for status in states:
            assert rules.after(status, happening) in {*states, None}


def test_profiles_become_lines_of_text() -> None:
    profile = {"role": " Editor ", "purpose": ["a", " b ", ""], "verbosity": None, "emoji": " "}
    assert rules.clean_profile(profile) == {"role": "Editor", "purpose": "a, b"}
    assert rules.identity_of("main", {})["role"] == "Gateway Agent"
    assert rules.identity_of("worker", {"role": ""})["role"] == "Generalist"


@pytest.mark.parametrize(
    ("remote", "ours"), [("main", False), ("mc-1", True), ("lead-2", True), ("ops", False)]
)
def test_only_own_remote_agents_are_ever_removed(remote: str, ours: bool) -> None:
    assert rules.remote_is_ours(remote) is ours
