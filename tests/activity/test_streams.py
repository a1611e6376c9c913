"""Server-sent streams against the real log: resume, rights, limits."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from activity.models import ActivityEvent
from activity.publish import Target, publish
from missioncontrol import streams
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.unit import service
from orgs.models import ApiToken, Membership
from orgs.services import members, tokens
from tests import factories
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db(transaction=True)]
WAIT = 5.0


@pytest.fixture
def world() -> World:
    """The world, committed, so that the stream's own connection sees it."""
    return build_world()


@service
def record_many(world: World, titles: list[str]) -> None:
    for title in titles:
        record(world, title)


@service
def record(world: World, title: str, *, board: Any = None, kind: str = "agent.updated") -> None:
    publish(
        kind,
        actor=SystemActor("test"),
        target=Target("agent", uuid.uuid4(), title),
        organization_id=world.org.id,
        board_id=board.id if board else None,
    )


class Reader:
    """One connection to a stream."""

    def __init__(self) -> None:
        self.inbound: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbound: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.seen: list[tuple[str, str, Any]] = []
        self.ended = False

    async def start(self) -> None:
        message = await asyncio.wait_for(self.outbound.get(), WAIT)
        self.status = message["status"]
        self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        await self._more()

    async def next(self) -> tuple[str, str, Any]:
        """The next record as id, name, payload."""
        while True:
            block, found, rest = self.raw.partition(b"\n\n")
            if found:
                self.raw = rest
                fields = dict(
                    line.split(": ", 1) for line in block.decode().splitlines() if line[0] != ":"
                )
                if "data" in fields:
                    record = (fields["id"], fields["event"], orjson.loads(fields["data"]))
                    self.seen.append(record)
                    return record
                continue
            await self._more()

    async def _more(self) -> None:
        message = await asyncio.wait_for(self.outbound.get(), WAIT)
        self.raw += message.get("body", b"")
        if not message.get("more_body") and not message.get("body"):
            self.ended = True
            raise EOFError

    async def titles(self, count: int) -> list[str]:
        return [(await self.next())[2]["resource_name"] for _ in range(count)]

    async def rest(self) -> list[str]:
        """Titles until the server ends the stream."""
        found = []
        try:
            while True:
                found.append((await self.next())[2]["resource_name"])
        except EOFError:
            return found


@asynccontextmanager
async def reading(
    token: str, path: str = "/api/v1/activity/stream", query: str = "", **headers: str
) -> AsyncGenerator[Reader]:
    reader = Reader()
    sent = {"authorization": f"Bearer {token}", **headers} if token else headers
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    await reader.inbound.put({"type": "http.request", "body": b"", "more_body": False})
    task = asyncio.create_task(streams.app(scope, reader.inbound.get, reader.outbound.put))
    try:
        await reader.start()
        yield reader
    finally:
        await reader.inbound.put({"type": "http.disconnect"})
        await asyncio.wait_for(task, WAIT)
        await sync_to_async(connections.close_all)()


def problem(reader: Reader) -> Any:
    return orjson.loads(reader.raw)


async def test_what_happens_is_shown_at_once_and_in_order(world: World) -> None:
    await sync_to_async(record)(world, "before")
    async with reading(world.ann_token) as reader:
        assert reader.status == 200
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert reader.headers["x-accel-buffering"] == "no"
        for title in ("one", "two", "three"):
            await sync_to_async(record)(world, title)
        assert await reader.titles(3) == ["one", "two", "three"]
    first = reader.seen[0]
    event = await ActivityEvent.objects.aget(target_title="one")
    assert first[:2] == (str(event.id), "activity")
    assert first[2]["event_type"] == "agent.updated"


@pytest.mark.scenario("CORE-88")
async def test_a_client_that_comes_back_misses_nothing_and_sees_nothing_twice(
    world: World,
) -> None:
    async with reading(world.ann_token) as reader:
        await sync_to_async(record)(world, "seen")
        await reader.titles(1)
    last = reader.seen[-1][0]
    missed = [f"missed {number}" for number in range(250)]  # more than one batch
    await sync_to_async(record_many)(world, missed)

    async with reading(world.ann_token, last_event_id=last) as again:
        await sync_to_async(record)(world, "live")
        assert await again.titles(251) == [*missed, "live"]
    assert len({r[0] for r in again.seen}) == 251


@pytest.mark.parametrize("given", ["nonsense", "0d9d1c5e-6a53-4d63-9d0a-2a0c0c5f3f11", ""])
async def test_an_unknown_last_id_goes_on_from_now(world: World, given: str) -> None:
    await sync_to_async(record)(world, "before")
    async with reading(world.ann_token, last_event_id=given) as reader:
        await sync_to_async(record)(world, "after")
        assert await reader.titles(1) == ["after"]


@pytest.mark.parametrize(
    ("moment", "titles"),
    [
        ("0262-12-22T17:33:23-20:41", ["before", "after"]),
        ("0001-01-01T00:00:00%2B23:00", ["before", "after"]),
        ("9999-12-31T23:59:59-23:00", ["after"]),
    ],
)
async def test_a_moment_may_have_any_offset_and_age(
    world: World, moment: str, titles: list[str]
) -> None:
    await sync_to_async(record)(world, "before")
    async with reading(world.ann_token, query=f"since={moment}") as reader:
        assert reader.status == 200
        await sync_to_async(record)(world, "after")
        assert await reader.titles(len(titles)) == titles


async def test_since_replays_from_a_moment_and_nonsense_is_now(world: World) -> None:
    await sync_to_async(record)(world, "old")
    moment = timezone.now().isoformat().replace("+00:00", "Z")
    await sync_to_async(record)(world, "newer")
    async with reading(world.ann_token, query=f"since={moment}") as reader:
        assert await reader.titles(1) == ["newer"]
    async with reading(world.ann_token, query="since=yesterday") as reader:
        await sync_to_async(record)(world, "now")
        assert await reader.titles(1) == ["now"]


@pytest.mark.parametrize(
    ("who", "titles"),
    [("ann", ["on A1", "on A2", "organization"]), ("bob", ["on A1"]), ("eve", [])],
)
async def test_everybody_sees_his_own(world: World, who: str, titles: list[str]) -> None:
    token = getattr(world, f"{who}_token")
    async with reading(token) as reader:
        await sync_to_async(record)(world, "on A1", board=world.board)
        await sync_to_async(record)(world, "on A2", board=world.second_board)
        await sync_to_async(record)(world, "organization")
        assert await reader.titles(len(titles)) == titles
        await asyncio.sleep(0.2)
        assert b"data" not in reader.raw
        assert reader.outbound.empty()


@pytest.mark.scenario("CORE-23")
async def test_who_loses_access_sees_nothing_further(world: World) -> None:
    ann = await sync_to_async(world.actor)(world.ann)
    row = await Membership.objects.aget(user=world.bob)
    async with reading(world.bob_token) as reader:
        await sync_to_async(record)(world, "still", board=world.board)
        assert await reader.titles(1) == ["still"]
        await sync_to_async(members.remove_member)(ann, row.id)
        await sync_to_async(record)(world, "secret", board=world.board)
        assert await reader.rest() == []
    assert reader.ended


@pytest.mark.scenario("CORE-23")
async def test_a_board_stream_ends_with_the_grant(world: World) -> None:
    ann = await sync_to_async(world.actor)(world.ann)
    row = await Membership.objects.aget(user=world.bob)
    path = f"/api/v1/boards/{world.board.id}/approvals/stream"
    async with reading(world.bob_token, path) as reader:
        await sync_to_async(members.change_access)(
            ann, row.id, all_boards_read=False, all_boards_write=False
        )
        await sync_to_async(record)(world, "x", board=world.board, kind="approval.requested")
        with pytest.raises(EOFError):
            await reader.next()


async def test_a_revoked_token_ends_its_stream(world: World) -> None:
    ann = await sync_to_async(world.actor)(world.ann)
    row = await ApiToken.objects.aget(user=world.ann)
    async with reading(world.ann_token) as reader:
        await sync_to_async(tokens.revoke_token)(ann, row.id)
        assert await reader.rest() == []


async def test_rights_are_asked_again_by_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.2)
    async with reading(world.ann_token) as reader:
        await ApiToken.objects.filter(user=world.ann).aupdate(revoked_at=timezone.now())
        assert await reader.rest() == []


async def test_a_quiet_stream_says_that_it_lives(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 0.1)
    async with reading(world.ann_token) as reader:
        while b": ping" not in reader.raw:
            await reader._more()
        assert reader.raw.startswith(b"retry: 3000\n\n")


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("", "/api/v1/activity/stream", 401),
        ("eve", "/api/v1/boards/{board}/tasks/stream", 404),
        ("bob", "/api/v1/boards/{second}/tasks/stream", 404),
        ("ann", "/api/v1/nothing/stream", 404),
        ("ann", "/api/v1/boards/7/tasks/stream", 404),
        ("ann", "/api/v1/activity/stream?since=%00", 422),
        ("ann", "/api/boards/{board}/tasks/stream", 200),
        ("worker", "/api/v1/boards/{board}/tasks/stream", 200),
        ("worker", "/api/v1/activity/task-comments/stream", 403),
    ],
)
async def test_doors(world: World, who: str, path: str, status: int) -> None:
    token = getattr(world, f"{who}_token") if who else ""
    path = path.format(board=world.board.id, second=world.second_board.id)
    path, _sign, query = path.partition("?")
    async with reading(token, path, query) as reader:
        assert reader.status == status
        if status != 200:
            assert reader.headers["content-type"] == "application/problem+json"
            body = problem(reader)
            assert body["request_id"] == reader.headers["x-request-id"]


async def test_a_reader_has_so_many_places(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_PER_USER", 1)
    async with reading(world.ann_token) as first:
        async with reading(world.ann_token) as second:
            assert (first.status, second.status) == (200, 429)
            assert second.headers["retry-after"] == "30"
        async with reading(world.bob_token) as other:
            assert other.status == 200
    async with reading(world.ann_token) as later:
        assert later.status == 200


async def test_comments_arrive_with_task_and_board(world: World) -> None:
    task = await sync_to_async(factories.make_task)(world.board, "Write it")
    comment = await sync_to_async(factories.make_comment)(task, "Done so far")
    async with reading(world.bob_token, "/api/v1/activity/task-comments/stream") as reader:
        await sync_to_async(_commented)(world, task, comment)
        _id, name, payload = await reader.next()
    assert name == "comment"
    assert (payload["message"], payload["task_title"], payload["board_name"]) == (
        "Done so far",
        "Write it",
        "A1",
    )


async def test_tasks_arrive_as_they_stand(world: World) -> None:
    task = await sync_to_async(factories.make_task)(world.board, "Write it")
    comment = await sync_to_async(factories.make_comment)(task, "Done so far")
    path = f"/api/v1/boards/{world.board.id}/tasks/stream"
    async with reading(world.worker_token, path) as reader:
        await sync_to_async(_commented)(world, task, comment)
        _id, name, said = await reader.next()
        await sync_to_async(_commented)(world, task, comment, kind="task.updated")
        _id, _name, changed = await reader.next()
    assert (name, said["type"], said["comment"]["message"]) == (
        "task",
        "task.comment",
        "Done so far",
    )
    assert (changed["type"], changed["task"]["title"]) == ("task.updated", "Write it")


@service
def _commented(world: World, task: Any, comment: Any, kind: str = "task.commented") -> None:
    publish(
        kind,
        actor=SystemActor("test"),
        target=task,
        organization_id=world.org.id,
        board_id=world.board.id,
        task_id=task.id,
        data={"comment_id": str(comment.id)},
    )


async def test_approvals_arrive_as_they_stand(world: World) -> None:
    approval = await sync_to_async(factories.make_approval)(world.org, world.board)
    path = f"/api/v1/boards/{world.board.id}/approvals/stream"

    @service
    def ask() -> None:
        publish(
            "approval.requested",
            actor=SystemActor("test"),
            target=approval,
            organization_id=world.org.id,
            board_id=world.board.id,
        )

    async with reading(world.bob_token, path) as reader:
        await sync_to_async(ask)()
        _id, name, payload = await reader.next()
    assert (name, payload["type"], payload["approval"]["id"], payload["approval"]["status"]) == (
        "approval",
        "approval.created",
        str(approval.id),
        "pending",
    )
