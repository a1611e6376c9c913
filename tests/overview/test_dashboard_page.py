"""The dashboard page: its cards, panels and ranges, from the same figures as the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gateways.models import Gateway
from missioncontrol.kernel import clock
from missioncontrol.overview import fleet, reads
from tests import factories as f
from tests.pages.conftest import browser
from tests.world import World

NOW = datetime(2026, 11, 18, 14, 37, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def gateways(*states: str) -> list[Gateway]:
    return [Gateway(name=state, status=state) for state in states]


@pytest.mark.parametrize(
    ("states", "word", "counts"),
    [
        ([], "Not configured", (0, 0, 0, 0)),
        (["online", "online"], "All connected", (2, 2, 0, 0)),
        (["online", "degraded"], "All connected", (2, 2, 0, 1)),
        (["online", "offline"], "Partially connected", (2, 1, 1, 0)),
        (["unverified", "offline"], "Checking", (2, 0, 1, 0)),
        (["offline", "restarting"], "Unavailable", (2, 0, 2, 0)),
        (["unauthorized", "offline"], "Disconnected", (2, 0, 1, 1)),
        (["pairing_required"], "Disconnected", (1, 0, 0, 1)),
    ],
)
def test_gateways_together_are_one_word(
    states: list[str], word: str, counts: tuple[int, int, int, int]
) -> None:
    found = fleet.health_of(gateways(*states))
    assert str(found.word) == word
    assert (found.configured, found.connected, found.unavailable, found.troubled) == counts


def test_sessions_are_counted_by_the_larger_number_and_listed_by_time() -> None:
    first, second = gateways("online", "online")
    first.sessions_total, first.latest_sessions = 1, [
        {"key": "agent:a:main", "updatedAt": 1_763_000_000_000, "hasActiveRun": True},
        {"key": "agent:b:main", "displayName": "Bee", "updatedAt": "soon"},
    ]  # fmt: skip
    second.sessions_total = 7
    second.latest_sessions = [{"key": "agent:c:main", "updatedAt": 1_763_000_001_000}, "broken"]
    assert fleet.health_of([first, second]).sessions == 9
    rows = fleet.latest_sessions([first, second])
    assert [row.key for row in rows] == ["agent:c:main", "agent:a:main", "agent:b:main"]
    assert [row.is_running for row in rows] == [False, True, False]
    assert (rows[2].name, rows[2].at) == ("Bee", None)


@pytest.mark.parametrize(
    ("review", "progress", "shown", "state"),
    [(0, 0, "0", ""), (1, 2, "0.5", ""), (2, 2, "1.0", ""), (3, 2, "1.5", "is-warn"),
     (2, 0, "∞", "is-warn")],
)  # fmt: skip
def test_the_review_backlog_is_amber_above_one(
    review: int, progress: int, shown: str, state: str
) -> None:
    fact = reads._backlog(review, progress)
    assert (fact.value, fact.state) == (shown, state)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.django_db
def test_the_page_shows_cards_panels_and_the_chosen_range(world: World) -> None:
    for hours in (1, 30, 200):
        done = NOW - timedelta(hours=hours)
        f.make_task(
            world.board, status="done", done_at=done, first_in_progress_at=done - timedelta(hours=2)
        )
    f.make_task(world.board, status="in_progress", in_progress_at=NOW)
    f.make_task(world.board, status="review", review_at=NOW)
    Gateway.objects.filter(pk=world.gateway.pk).update(
        status="online", sessions_total=3, latest_sessions=[{"key": "agent:x:main"}]
    )
    ann = browser(world.ann)
    week = words(ann.get("/dashboard").content.decode())
    assert "In progress 1 of 5 1 in review" in week
    assert "1 completed today" in week
    assert "Completion speed 0.3 per day 2 completed" in week
    assert "Cycle time 2 h median" in week
    assert "Active days 2 of 7" in week
    assert "All connected" in week
    assert "agent:x:main" in week
    month = words(ann.get("/dashboard?range=1m").content.decode())
    assert "Completion speed 0.1 per day 3 completed" in month
    assert "Tasks completed per day" in month
    assert "Tasks completed per month" in words(ann.get("/dashboard?range=1y").content.decode())
    assert "2 completed" in words(ann.get("/dashboard?range=nonsense").content.decode())


@pytest.mark.django_db
def test_a_member_sees_his_boards_and_no_sessions(world: World) -> None:
    f.make_task(world.board)
    f.make_task(world.second_board)
    Gateway.objects.filter(pk=world.gateway.pk).update(latest_sessions=[{"key": "agent:x:main"}])
    shown = words(browser(world.bob).get("/dashboard").content.decode())
    assert "In progress 0 of 1" in shown
    assert "agent:x:main" not in shown
