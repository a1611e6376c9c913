"""The board's socket: snapshot, replay, changes, refusals, presence."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from activity.models import ActivityEvent
from boards import consumers, presence, services
from boards.models import Task
from missioncontrol.kernel import sockets
from tests import factories
from tests.boards.sockets import BoardSocket
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def ground() -> AsyncGenerator[World]:
    """Both tenants, made and left in the thread in which sockets touch the database."""
    world = await sync_to_async(build_world)()
    yield world
    await sync_to_async(connections.close_all)()


def _task(world: World, title: str, **fields: Any) -> Task:
    return services.create_task(world.actor(world.ann), world.board.pk, title=title, **fields)


@pytest.mark.scenario("M9-1")
async def test_a_move_reaches_the_other_browser_with_the_movers_name(ground: World) -> None:
    task = await sync_to_async(_task)(ground, "Card")
    ann, bob = (
        BoardSocket(ground.board.pk, ground.ann_token),
        BoardSocket(ground.board.pk, ground.bob_token),
    )
    await ann.open()
    await bob.open()
    done = await ann.op("task.move", task_id=str(task.pk), status="in_progress", base_version=1)
    seen = await bob.wait("task.updated", event="task.moved")
    assert (done["type"], done["version"], done["task_id"]) == ("op.ok", 2, str(task.pk))
    assert (seen["to"], seen["actor"]["name"], seen["seq"]) == ("in_progress", "Ann", done["seq"])
    assert seen["op_id"] == done["op_id"]
    await ann.close()
    await bob.close()


@pytest.mark.scenario("M9-2")
async def test_a_returning_client_gets_exactly_what_it_missed(ground: World) -> None:
    def change() -> None:
        for number in range(120):
            _task(ground, f"Missed {number}")

    first = BoardSocket(ground.board.pk, ground.ann_token)
    state = await first.open()
    await first.close()
    await sync_to_async(change)()
    again = BoardSocket(ground.board.pk, ground.ann_token)
    replay = await again.open(since=state["seq"])
    titles = [event["task"]["title"] for event in replay["events"]]
    assert titles == [f"Missed {number}" for number in range(120)]
    assert [event["seq"] for event in replay["events"]] == list(
        range(state["seq"] + 1, state["seq"] + 121)
    )
    await again.close()


async def test_a_returning_client_learns_who_is_here(ground: World) -> None:
    ann, bob = (
        BoardSocket(ground.board.pk, ground.ann_token),
        BoardSocket(ground.board.pk, ground.bob_token),
    )
    state = await bob.open()
    await ann.open(since=state["seq"])
    assert [v["name"] for v in (await ann.wait("presence.state"))["presence"]] == ["Bob"]
    await ann.close()
    await bob.close()


async def test_a_crowd_is_told_of_editors_only(ground: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(presence, "CROWD", 1)
    ann, bob = (
        BoardSocket(ground.board.pk, ground.ann_token),
        BoardSocket(ground.board.pk, ground.bob_token),
    )
    await ann.open()
    await bob.open()
    await bob.send({"type": "presence", "viewing_task_id": str(uuid.uuid4())})
    await bob.send({"type": "presence", "editing_field": "title"})
    told = [frame async for frame in _until_leave(ann, bob)]
    assert [(f["type"], f["editing_field"]) for f in told if f.get("name") == "Bob"] == [
        ("presence.update", "title"),
        ("presence.leave", "title"),
    ]
    await ann.close()


async def _until_leave(ann: BoardSocket, bob: BoardSocket) -> AsyncGenerator[dict[str, Any]]:
    while (frame := await ann.next())["type"] != "presence.leave":
        yield frame
        if frame["type"] == "presence.update":
            await bob.close()
    yield frame


async def test_too_far_behind_or_ahead_means_a_fresh_state(ground: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(consumers, "REPLAY", 3)
    for number in range(5):
        await sync_to_async(_task)(ground, f"T{number}")
    for since in (0, 999):
        socket = BoardSocket(ground.board.pk, ground.ann_token)
        answer = await socket.open(since=since)
        assert (answer["type"], answer["seq"], len(answer["tasks"])) == ("board.state", 5, 5)
        await socket.close()


@pytest.mark.scenario("M9-3")
async def test_a_change_while_the_snapshot_is_read_is_not_lost(
    ground: World, monkeypatch: Any
) -> None:
    original = consumers.sync.state

    def slow(actor: Any, board_id: Any) -> dict[str, Any]:
        found = original(actor, board_id)
        _task(ground, "In between")
        return found

    monkeypatch.setattr(consumers.sync, "state", slow)
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    state = await socket.open()
    assert state["tasks"] == []
    assert (await socket.wait("task.created"))["task"]["title"] == "In between"
    await socket.close()


@pytest.mark.scenario("M9-4")
async def test_different_fields_of_one_version_merge(ground: World) -> None:
    task = await sync_to_async(_task)(ground, "Old")
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    facts = {"task_id": str(task.pk), "base_version": 1}
    one = await socket.op("task.patch", changes={"title": "New"}, **facts)
    two = await socket.op("task.patch", changes={"priority": "high"}, **facts)
    assert [one["version"], two["version"]] == [2, 3]
    stored = await Task.objects.aget(pk=task.pk)
    assert (stored.title, stored.priority) == ("New", "high")
    await socket.close()


@pytest.mark.scenario("M9-5")
async def test_the_same_field_of_one_version_conflicts(ground: World) -> None:
    task = await sync_to_async(_task)(ground, "Old")
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    facts = {"task_id": str(task.pk), "base_version": 1}
    await socket.op("task.patch", changes={"title": "First"}, **facts)
    refused = await socket.op("task.patch", changes={"title": "Second"}, **facts)
    assert (refused["type"], refused["code"], refused["fields"]) == (
        "op.error",
        "VERSION_CONFLICT",
        ["title"],
    )
    assert (refused["current"]["title"], refused["changed_by"]) == ("First", "Ann")
    await socket.close()


@pytest.mark.scenario("M9-6")
async def test_an_approval_gate_holds_on_the_socket(ground: World) -> None:
    def prepare() -> Task:
        changes = {"approval_gate_scope": "everyone"}
        services.update_board(ground.actor(ground.ann), ground.board.pk, changes=changes)
        return _task(ground, "Gated")

    task = await sync_to_async(prepare)()
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    state = await socket.open()
    refused = await socket.op("task.move", task_id=str(task.pk), status="done", base_version=1)
    assert (refused["code"], refused["current"]["status"]) == ("APPROVAL_REQUIRED", "todo")
    after = ActivityEvent.objects.filter(board_id=ground.board.pk, board_seq__gt=state["seq"])
    assert await after.acount() == 0
    await socket.close()


@pytest.mark.scenario("M9-7")
async def test_rights_on_the_socket(ground: World) -> None:
    task = await sync_to_async(_task)(ground, "Mine")
    reader = BoardSocket(ground.board.pk, ground.bob_token)
    state = await reader.open()
    refused = await reader.op("task.move", task_id=str(task.pk), status="done", base_version=1)
    assert (state["me"]["can_write"], refused["code"]) == (False, "FORBIDDEN")
    await reader.close()
    assert await BoardSocket(ground.board.pk, ground.eve_token).closed_with() == 4004
    assert await BoardSocket(ground.second_board.pk, ground.bob_token).closed_with() == 4004
    assert await BoardSocket(ground.board.pk, ground.worker_token).closed_with() == 4003


@pytest.mark.scenario("M9-8")
async def test_a_made_up_token_is_refused(ground: World) -> None:
    assert await BoardSocket(ground.board.pk, "a.b.c").closed_with() == 4001


@pytest.mark.scenario("M9-9")
async def test_one_operation_sent_three_times_makes_one_task(ground: World) -> None:
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    key = str(uuid.uuid4())
    answers = [await socket.op("task.create", op_id=key, title="Once") for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert await Task.objects.filter(board_id=ground.board.pk).acount() == 1
    await socket.close()


@pytest.mark.scenario("M9-10")
async def test_an_agents_change_is_seen_as_the_agents(ground: World) -> None:
    def work(task: Task) -> None:
        path = f"/agent/boards/{ground.board.pk}/tasks/{task.pk}"
        ground.as_worker.patch(path, {"status": "in_progress"}).expect(200)

    task = await sync_to_async(_task)(ground, "Work")
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    await sync_to_async(work)(task)
    seen = await socket.wait("task.updated", event="task.moved")
    assert (seen["actor"]["kind"], seen["actor"]["name"]) == ("agent", "WA")
    assert seen["changes"]["assignee"] == "WA"
    await socket.close()


@pytest.mark.scenario("M9-11")
async def test_viewers_come_look_and_go(ground: World) -> None:
    ann, bob = (
        BoardSocket(ground.board.pk, ground.ann_token),
        BoardSocket(ground.board.pk, ground.bob_token),
    )
    await ann.open()
    state = await bob.open()
    assert [viewer["name"] for viewer in state["presence"]] == ["Ann"]
    assert (await ann.wait("presence.join", name="Bob"))["viewing_task_id"] is None
    key = str(uuid.uuid4())
    await bob.send({"type": "presence", "viewing_task_id": key, "editing_field": "title"})
    assert (await ann.wait("presence.update", name="Bob"))["viewing_task_id"] == key
    await bob.close()
    assert (await ann.wait("presence.leave"))["name"] == "Bob"
    await ann.close()


@pytest.mark.scenario("M9-12")
async def test_withdrawn_access_ends_the_socket(ground: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(sockets, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "EPOCH_SECONDS", 0.01)
    withdraw = sync_to_async(services.grant_board)
    socket = BoardSocket(ground.board.pk, ground.bob_token)
    await socket.open()
    actor = await sync_to_async(ground.actor)(ground.ann)
    await withdraw(actor, ground.board.pk, ground.bob.pk, can_read=False, can_write=False)
    assert await socket.close_code() in (4003, 4004)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "task.move", "status": "done"}, "VALIDATION"),
        ({"type": "task.create", "title": "  "}, "VALIDATION"),
        ({"type": "task.create", "title": "x", "status": "nowhere"}, "VALIDATION"),
        (
            {"type": "task.patch", "task_id": str(uuid.uuid4()), "changes": {"title": "x"}},
            "NOT_FOUND",
        ),
        (
            {"type": "task.patch", "task_id": str(uuid.uuid4()), "changes": {"status": "x"}},
            "VALIDATION",
        ),
    ],
)
async def test_bad_changes_are_refused(ground: World, frame: dict[str, Any], code: str) -> None:
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    fields = {k: v for k, v in frame.items() if k != "type"}
    assert (await socket.op(frame["type"], **fields))["code"] == code
    await socket.close()


async def test_blocked_moves_name_what_blocks(ground: World) -> None:
    first = await sync_to_async(_task)(ground, "First")
    second = await sync_to_async(_task)(ground, "Second", depends_on_task_ids=[first.pk])
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    refused = await socket.op("task.move", task_id=str(second.pk), status="in_progress")
    assert (refused["code"], refused["reason"]) == (
        "TRANSITION_BLOCKED",
        "task_blocked_cannot_transition",
    )
    assert refused["blocked_by"] == [str(first.pk)]
    await socket.close()


async def test_a_read_token_may_look_only(ground: World) -> None:
    token = await sync_to_async(factories.make_token)(ground.ann, scope="read")
    socket = BoardSocket(ground.board.pk, token)
    state = await socket.open()
    refused = await socket.op("task.create", title="No")
    assert (state["me"]["can_write"], refused["code"]) == (False, "FORBIDDEN")
    await socket.close()


async def test_heartbeats_name_the_last_number(ground: World) -> None:
    await sync_to_async(_task)(ground, "One")
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    state = await socket.open()
    await socket.send({"type": "heartbeat", "id": "h1"})
    answer = await socket.wait("heartbeat_ack")
    assert (answer["id"], answer["seq"]) == ("h1", state["seq"])
    await asyncio.sleep(0)
    await socket.close()
