"""Streams of memories and agents: what comes, what is filtered, when they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from agents.models import Agent
from agents.services import crud, orders
from boards import services as boards
from boards.models import Board, BoardGroup
from missioncontrol import streams
from tests import factories
from tests.world import World, build_world

from .test_streams import reading

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world() -> World:
    """The world, committed, so that the stream's own connection sees it."""
    return build_world()


@pytest.fixture
def group(world: World) -> BoardGroup:
    """A group of board A1."""
    made = factories.make_group(world.org, "Platform")
    Board.objects.filter(pk=world.board.pk).update(board_group=made)
    return made


@sync_to_async
def note(world: World, content: str, *tags: str, board: Board | None = None) -> Any:
    who = world.actor(world.ann)
    place = board or world.board
    return boards.add_board_memory(who, place.pk, content=content, tags=tags)


@sync_to_async
def group_note(world: World, group: BoardGroup, content: str, *tags: str) -> Any:
    return boards.add_group_memory(world.actor(world.ann), group.pk, content=content, tags=tags)


async def contents(reader: Any, count: int) -> list[str]:
    return [(await reader.next())[2]["memory"]["content"] for _ in range(count)]


@pytest.mark.parametrize("who", ["bob_token", "worker_token"])
async def test_notes_and_messages_of_a_board_arrive(world: World, who: str) -> None:
    path = f"/api/v1/boards/{world.board.id}/memory/stream"
    async with reading(getattr(world, who), path) as reader:
        await note(world, "elsewhere", board=world.second_board)
        written = await note(world, "kept", "decision")
        await note(world, "said", "chat")
        assert await contents(reader, 2) == ["kept", "said"]
    _id, name, payload = reader.seen[0]
    assert name == "memory"
    assert payload["memory"]["id"] == str(written.pk)
    assert payload["memory"]["tags"] == ["decision"]


@pytest.mark.parametrize(("wanted", "found"), [("true", "said"), ("false", "kept")])
async def test_messages_alone_or_notes_alone(world: World, wanted: str, found: str) -> None:
    path = f"/api/v1/boards/{world.board.id}/memory/stream"
    async with reading(world.ann_token, path, f"is_chat={wanted}") as reader:
        await note(world, "kept")
        await note(world, "said", "chat")
        assert await contents(reader, 1) == [found]


async def test_a_nonsense_filter_is_refused(world: World) -> None:
    path = f"/api/v1/boards/{world.board.id}/memory/stream"
    async with reading(world.ann_token, path, "is_chat=perhaps") as reader:
        assert reader.status == 422


@pytest.mark.scenario("CORE-88")
async def test_a_reader_of_the_memory_that_comes_back_misses_nothing(world: World) -> None:
    path = f"/api/v1/boards/{world.board.id}/memory/stream"
    async with reading(world.ann_token, path) as reader:
        await note(world, "first")
        await contents(reader, 1)
    for number in range(3):
        await note(world, f"missed {number}")
    async with reading(world.ann_token, path, last_event_id=reader.seen[-1][0]) as again:
        await note(world, "live")
        assert await contents(again, 4) == ["missed 0", "missed 1", "missed 2", "live"]


@pytest.mark.parametrize("by_board", [True, False])
async def test_what_is_written_for_a_group_arrives(
    world: World, group: BoardGroup, by_board: bool
) -> None:
    other = await sync_to_async(factories.make_group)(world.org, "Other")
    place = (
        f"boards/{world.board.id}/group-memory" if by_board else f"board-groups/{group.id}/memory"
    )
    async with reading(world.bob_token, f"/api/v1/{place}/stream") as reader:
        await group_note(world, other, "elsewhere")
        await note(world, "of the board")
        await group_note(world, group, "plan")
        await group_note(world, group, "hello", "chat")
        assert await contents(reader, 2) == ["plan", "hello"]
    assert reader.seen[0][2]["memory"]["board_group_id"] == str(group.id)


async def test_an_agent_reads_its_group_through_its_board(world: World, group: BoardGroup) -> None:
    async with reading(world.worker_token, f"/api/v1/board-groups/{group.id}/memory/stream") as no:
        assert no.status == 403
    path = f"/api/v1/boards/{world.board.id}/group-memory/stream"
    async with reading(world.worker_token, path) as reader:
        await group_note(world, group, "plan")
        assert await contents(reader, 1) == ["plan"]


@pytest.mark.scenario("CORE-23")
async def test_a_group_stream_ends_when_the_last_readable_board_leaves(
    world: World, group: BoardGroup
) -> None:
    def leave() -> None:
        who = world.actor(world.ann)
        boards.update_board(who, world.board.pk, changes={"board_group_id": None})

    async with reading(world.bob_token, f"/api/v1/board-groups/{group.id}/memory/stream") as reader:
        await sync_to_async(leave)()
        await group_note(world, group, "secret")
        with pytest.raises(EOFError):
            await reader.next()


async def test_a_board_stream_follows_its_board_into_another_group(
    world: World, group: BoardGroup
) -> None:
    other = await sync_to_async(factories.make_group)(world.org, "Other")

    def change() -> None:
        who = world.actor(world.ann)
        boards.update_board(who, world.board.pk, changes={"board_group_id": other.pk})

    path = f"/api/v1/boards/{world.board.id}/group-memory/stream"
    async with reading(world.bob_token, path) as reader:
        await sync_to_async(change)()
        await group_note(world, group, "of the old one")
        await group_note(world, other, "of the new one")
        assert await contents(reader, 1) == ["of the new one"]


@pytest.mark.scenario("CORE-27")
@pytest.mark.parametrize(
    "path",
    [
        "boards/{board}/memory/stream",
        "boards/{board}/group-memory/stream",
        "board-groups/{group}/memory/stream",
        "boards/{board}/tasks/stream",
        "boards/{board}/approvals/stream",
        "agents/stream?board_id={board}",
    ],
)
async def test_a_stranger_finds_no_stream(world: World, group: BoardGroup, path: str) -> None:
    address, _, query = path.format(board=world.board.id, group=group.id).partition("?")
    async with reading(world.eve_token, f"/api/v1/{address}", query) as reader:
        assert reader.status == 404


# --- agents -----------------------------------------------------------------------------


@sync_to_async
def rename(world: World, agent: Agent, name: str) -> None:
    crud.update_agent(world.actor(world.ann), agent.pk, changes={"name": name})


async def names(reader: Any, count: int) -> list[str]:
    return [(await reader.next())[2]["agent"]["name"] for _ in range(count)]


async def test_agents_arrive_as_they_stand_to_those_who_may_see_them(world: World) -> None:
    pool = await sync_to_async(factories.make_agent)(world.org, "Pool")
    await sync_to_async(world.as_worker.get)("/agent/healthz")  # its first sign of life is told too
    async with (
        reading(world.ann_token, "/api/v1/agents/stream") as ann,
        reading(world.bob_token, "/api/v1/agents/stream") as bob,
        reading(world.worker_token, "/api/v1/agents/stream") as worker,
        reading(world.eve_token, "/api/v1/agents/stream") as eve,
    ):
        await rename(world, pool, "Reserve")
        await rename(world, world.worker, "Walter")
        assert await names(ann, 2) == ["Reserve", "Walter"]
        assert await names(bob, 1) == ["Walter"]
        assert await names(worker, 1) == ["Walter"]
        assert b"data" not in eve.raw
        assert eve.outbound.empty()


async def test_a_deleted_agent_is_told_by_its_id(world: World) -> None:
    def delete() -> None:
        orders.delete_agent(world.actor(world.ann), world.worker.pk)

    path = "/api/v1/agents/stream"
    async with reading(world.ann_token, path, f"board_id={world.board.id}") as reader:
        await sync_to_async(delete)()
        _id, name, payload = await reader.next()
    assert name == "agent"
    assert payload == {"agent": {"id": str(world.worker.pk), "status": "deleted"}}


async def test_silence_is_told_by_the_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.2)
    agents = Agent.objects.filter(pk=world.worker.pk)
    await agents.aupdate(last_seen_at=timezone.now())
    async with reading(world.ann_token, "/api/v1/agents/stream") as reader:
        await agents.aupdate(last_seen_at=timezone.now() - timedelta(hours=2))
        while b"offline" not in reader.raw:
            await reader._more()
        assert reader.raw.count(b"offline") == 1
        assert b"id:" not in reader.raw.partition(b"offline")[0].rpartition(b"\n\n")[2]


# --- without an event loop --------------------------------------------------------------


def test_a_plain_server_answers_what_happened_and_where_to_go_on(world: World) -> None:
    def body(**headers: str) -> str:
        answer = world.as_bob.get(path, headers=headers)
        answer.expect(200)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        return answer.response.content.decode()

    def fields(text: str, name: str) -> list[str]:
        prefix = f"{name}: "
        return [line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)]

    def write(text: str) -> None:
        boards.add_board_memory(world.actor(world.ann), world.board.pk, content=text)

    path = f"/boards/{world.board.id}/memory/stream"
    write("before")
    begun = body()
    assert "before" not in begun
    [place] = fields(begun, "id")
    write("after")
    later = body(**{"Last-Event-ID": place})
    assert fields(later, "event") == ["memory"]
    assert "after" in later
    [place] = fields(later, "id")
    assert fields(body(**{"Last-Event-ID": place}), "event") == []
