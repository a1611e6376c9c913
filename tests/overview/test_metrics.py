"""The figures of the dashboard against data that was laid out by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity import tally
from activity.models import ActivityEvent, EventStream, EventTally
from boards.models import Board, Task
from missioncontrol.kernel import clock
from orgs.models import User
from tests import factories as f
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 14, 37, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def event(board: Board, task: Task | None, moment: datetime, kind: str = "task.moved") -> None:
    """A row of the log with its number, as a service writes it."""
    stream, _new = EventStream.objects.get_or_create(pk=board.organization_id, kind="org")
    stream.last_seq += 1
    stream.save()
    ActivityEvent.objects.create(
        organization_id=board.organization_id, seq=stream.last_seq, board_id=board.id,
        board_seq=stream.last_seq, task_id=task.id if task else None, actor_kind="user",
        actor_name="x", target_kind="task", target_title="t", type=kind, at=moment,
    )  # fmt: skip


def finished(board: Board, done: datetime, *, hours: float | None = None) -> Task:
    began = None if hours is None else done - timedelta(hours=hours)
    return f.make_task(board, status="done", done_at=done, first_in_progress_at=began)


def placed(board: Board, status: str, **moments: datetime) -> Task:
    created = moments.pop("created_at", None)
    task = f.make_task(board, status=status, **moments)
    if created:
        Task.objects.filter(pk=task.pk).update(created_at=created)
    return task


def ask(client: Client, **query: Any) -> dict[str, Any]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    answer: dict[str, Any] = client.get(f"/metrics/dashboard?{words}").expect(200).json
    return answer


def values(series: dict[str, Any]) -> dict[str, float]:
    """Buckets that hold something."""
    return {p["period"]: p["value"] for p in series["points"] if p["value"]}


def test_an_empty_organization_is_all_zero(world: World) -> None:
    nobody = f.make_user("nobody")
    for user in (world.eve, nobody):
        found = ask(Client(bearer=f.make_token(user)), range_key="7d")
        assert set(found["kpis"].values()) == {0, None}
        assert found["kpis"]["median_cycle_time_hours"] is None
        for name in ("throughput", "cycle_time", "error_rate"):
            assert len(found[name]["primary"]["points"]) == 8
            assert values(found[name]["primary"]) == values(found[name]["comparison"]) == {}
        assert found["pending_approvals"] == {"total": 0, "items": []}
        assert "usage" not in found


def test_throughput_counts_by_the_day_of_completion(world: World) -> None:
    start = NOW - timedelta(days=7)
    for moment in (
        at("2026-11-18T00:00"), at("2026-11-18T14:37:05"),  # first moment of today, and now
        at("2026-11-17T23:59:59.999999"), start, start - timedelta(microseconds=1),
        start - timedelta(days=7), start - timedelta(days=7, microseconds=1),
    ):  # fmt: skip
        finished(world.board, moment)
    found = ask(world.as_ann, range_key="7d")["throughput"]
    assert values(found["primary"]) == {
        "2026-11-11T00:00:00Z": 1.0, "2026-11-17T00:00:00Z": 1.0, "2026-11-18T00:00:00Z": 2.0,
    }  # fmt: skip
    assert values(found["comparison"]) == {
        "2026-11-04T00:00:00Z": 1.0, "2026-11-11T00:00:00Z": 1.0,
    }  # fmt: skip
    assert (found["primary"]["range"], found["primary"]["bucket"]) == ("7d", "day")


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", "2026-11-16T00:00:00Z"), ("Asia/Shanghai", "2026-11-16T16:00:00Z"),
     ("Asia/Kolkata", "2026-11-16T18:30:00Z"), ("America/New_York", "2026-11-16T05:00:00Z")],
)  # fmt: skip
def test_days_are_those_of_the_time_zone(world: World, zone: str, day: str) -> None:
    task = finished(world.board, at("2026-11-16T19:00"))
    event(world.board, task, at("2026-11-16T19:00"), "task.notify_failed")
    tally.advance_all()
    found = ask(world.as_ann, range_key="7d", time_zone=zone)
    assert values(found["throughput"]["primary"]) == {day: 1.0}
    assert values(found["error_rate"]["primary"]) == {day: 100.0}


def test_cycle_time_is_a_median_and_a_mean_per_bucket(world: World) -> None:
    finished(world.board, at("2026-11-17T10:00"), hours=1)
    finished(world.board, at("2026-11-17T12:00"), hours=4)
    finished(world.board, at("2026-11-18T10:00"), hours=10)
    finished(world.board, at("2026-11-18T11:00"))  # never in progress: counted, not measured
    finished(world.board, at("2026-11-08T11:00"), hours=100)  # before the range
    found = ask(world.as_ann, range_key="7d")
    assert found["kpis"]["median_cycle_time_hours"] == 4.0
    assert found["kpis"]["median_cycle_time_hours_7d"] == 4.0
    assert values(found["cycle_time"]["primary"]) == {
        "2026-11-17T00:00:00Z": 2.5, "2026-11-18T00:00:00Z": 10.0,
    }  # fmt: skip
    assert values(found["cycle_time"]["comparison"]) == {"2026-11-08T00:00:00Z": 100.0}


def test_a_median_of_two_lies_between_them(world: World) -> None:
    finished(world.board, at("2026-11-17T10:00"), hours=1)
    finished(world.board, at("2026-11-17T12:00"), hours=4)
    assert ask(world.as_ann, range_key="3d")["kpis"]["median_cycle_time_hours"] == 2.5


def spread_of_events(board: Board) -> None:
    """Events on both sides of every border, some failed, some of no task, some of other boards."""
    task = f.make_task(board)
    start = NOW - timedelta(days=7)
    event(board, task, start - timedelta(seconds=1), "execution.failed")
    event(board, task, start)
    event(board, task, start + timedelta(minutes=1), "task.notify_failed")
    event(board, task, at("2026-11-17T23:59:59"))
    event(board, task, at("2026-11-18T00:00"))
    event(board, task, at("2026-11-18T00:14:59"), "task.wake_failed")
    event(board, task, at("2026-11-18T00:15"))
    event(board, None, at("2026-11-18T01:00"), "agent.provision_failed")


@pytest.mark.parametrize("counted", ["none", "all", "half"])
def test_error_rate_is_the_same_from_events_and_from_tallies(world: World, counted: str) -> None:
    if counted == "half":
        spread_of_events(world.board)
        tally.advance_all()
        spread_of_events(world.board)
    else:
        spread_of_events(world.board)
    if counted == "all":
        tally.advance_all()
        assert EventTally.objects.count() > 0
    found = ask(world.as_ann, range_key="7d")
    assert found["kpis"]["error_rate_pct"] == round(100 * 2 / 6, 4)
    assert values(found["error_rate"]["primary"]) == {
        "2026-11-11T00:00:00Z": 50.0, "2026-11-18T00:00:00Z": round(100 / 3, 4),
    }  # fmt: skip
    assert values(found["error_rate"]["comparison"]) == {"2026-11-11T00:00:00Z": 100.0}


def test_tallies_are_advanced_once_per_event(world: World) -> None:
    spread_of_events(world.board)
    assert tally.advance_all() == 1
    before = list(EventTally.objects.order_by("slot").values_list("slot", "events", "failed"))
    assert tally.advance_all() == 0
    event(world.board, f.make_task(world.board), at("2026-11-18T00:05"))
    tally.advance_all()
    after = dict(EventTally.objects.values_list("slot", "events"))
    midnight = at("2026-11-18T00:00")
    assert after[midnight] == {slot: n for slot, n, _failed in before}[midnight] + 1
    assert sum(after.values()) == sum(n for _slot, n, _failed in before) + 1


def test_work_is_placed_where_it_came_into_its_present_status(world: World) -> None:
    placed(world.board, "todo", created_at=at("2026-11-17T10:00"))
    placed(world.board, "todo", created_at=at("2026-11-01T10:00"))  # before both: only counted
    placed(world.board, "in_progress", in_progress_at=at("2026-11-18T09:00"))
    placed(world.board, "review", review_at=at("2026-11-12T09:00"))
    finished(world.board, at("2026-11-06T09:00"))
    found = ask(world.as_ann, range_key="7d")
    kpis = found["kpis"]
    assert (kpis["inbox_tasks"], kpis["todo_tasks"]) == (2, 2)
    assert (kpis["in_progress_tasks"], kpis["tasks_in_progress"]) == (1, 1)
    assert (kpis["review_tasks"], kpis["done_tasks"]) == (1, 1)
    primary = {p["period"]: p for p in found["wip"]["primary"]["points"]}
    assert primary["2026-11-17T00:00:00Z"]["todo"] == 1
    assert primary["2026-11-17T00:00:00Z"]["inbox"] == 1
    assert primary["2026-11-18T00:00:00Z"]["in_progress"] == 1
    assert primary["2026-11-12T00:00:00Z"]["review"] == 1
    assert sum(p["done"] for p in primary.values()) == 0
    before = {p["period"]: p for p in found["wip"]["comparison"]["points"]}
    assert before["2026-11-06T00:00:00Z"]["done"] == 1


def test_active_agents_are_those_seen_inside_the_range(world: World) -> None:
    for agent, age in ((world.lead, 1), (world.worker, 6)):
        type(agent).objects.filter(pk=agent.pk).update(last_seen_at=NOW - timedelta(days=age))
    f.make_agent(world.org, "Pool", last_seen_at=NOW)  # on no board
    assert ask(world.as_ann, range_key="3d")["kpis"]["active_agents"] == 1
    assert ask(world.as_ann, range_key="7d")["kpis"]["active_agents"] == 2


def test_only_readable_boards_are_counted(world: World) -> None:
    for board in (world.board, world.second_board, world.other_board):
        task = finished(board, NOW - timedelta(hours=2), hours=1)
        event(board, task, NOW - timedelta(hours=2))
        f.make_approval(board.organization, board)
    tally.advance_all()
    assert ask(world.as_ann)["kpis"]["done_tasks"] == 2
    mine = ask(world.as_bob)
    assert mine["kpis"]["done_tasks"] == 1
    assert mine["pending_approvals"]["total"] == 1
    assert mine["pending_approvals"]["items"][0]["board_name"] == "A1"
    assert ask(world.as_ann, board_id=world.second_board.id)["kpis"]["done_tasks"] == 1


@pytest.mark.scenario("CORE-33")
def test_figures_of_a_foreign_board_or_group_do_not_exist(world: World) -> None:
    group = f.make_group(world.org)
    Board.objects.filter(pk=world.second_board.pk).update(board_group=group)
    for client, query in (
        (world.as_eve, f"board_id={world.board.id}"),
        (world.as_bob, f"board_id={world.second_board.id}"),
        (world.as_bob, f"group_id={group.id}"),
        (world.as_ann, f"board_id={uuid.uuid4()}"),
    ):
        client.get(f"/metrics/dashboard?{query}").expect(404)
    finished(world.second_board, NOW)
    finished(world.board, NOW)
    assert ask(world.as_ann, group_id=group.id)["kpis"]["done_tasks"] == 1


@pytest.mark.parametrize(
    "query", ["range_key=2d", "time_zone=Mars/Base", "board_id=x", "rangekey=7d"]
)
def test_a_question_that_cannot_be_answered_is_refused(world: World, query: str) -> None:
    assert world.as_ann.get(f"/metrics/dashboard?{query}").expect(422).json["errors"]


def test_pending_approvals_are_the_ten_newest(world: World) -> None:
    task = f.make_task(world.board, "Ship it")
    made = [f.make_approval(world.org, world.board, confidence=n) for n in range(12)]
    for n, approval in enumerate(made):
        moment = NOW - timedelta(minutes=20 - n)
        type(approval).objects.filter(pk=approval.pk).update(created_at=moment)
    made[-1].task_links.create(task_id=task.id, title="Ship it")
    f.make_approval(world.org, world.board, status="approved")
    found = ask(world.as_ann)["pending_approvals"]
    assert found["total"] == 12
    assert [item["confidence"] for item in found["items"]] == list(range(11, 1, -1))
    assert found["items"][0]["task_title"] == "Ship it"
    assert found["items"][0]["approval_id"] == str(made[-1].pk)


def test_more_rows_cost_no_further_query(world: World) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            ask(world.as_ann, range_key="1y")
        return len(queries)

    cost()  # the token notes its first use
    few = cost()
    for _ in range(8):
        board = f.make_board(world.org)
        spread_of_events(board)
        finished(board, NOW, hours=1)
        f.make_approval(world.org, board)
    assert cost() == few <= 8


def test_a_session_reads_the_same_as_a_token(world: World) -> None:
    from tests.pages.conftest import browser

    person: User = world.ann
    found = browser(person).get("/api/metrics/dashboard?range_key=3d")
    assert found.status_code == 200
    assert found.json()["range"] == "3d"
