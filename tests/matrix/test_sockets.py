"""Who may open, send and hear what: both sockets times every kind of caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels import db
from django.db import connections, transaction

from activity import types
from activity.models import ActivityEvent
from activity.publish import PendingEvent, Target, flush
from boards import presence
from boards.models import Task
from missioncontrol.kernel import hub, ratelimit
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.routing import websocket_urlpatterns
from tests.matrix.browsers import Browsers, open_browsers
from tests.matrix.calls import address
from tests.matrix.lines import Line, Outcome
from tests.matrix.socket_rows import ADDRESSES, ANSWERS, OF_TARGET, SUBSCRIBED, frames, places
from tests.matrix.stage import build
from tests.matrix.table import Row, names
from tests.world import build_world

pytestmark = pytest.mark.django_db(transaction=True)
OF_THE_BASE = {"connect"}


def _consumers() -> dict[str, Any]:
    """Consumers by the addresses of the routing."""
    return {names(str(e.pattern)): e.callback.consumer_class for e in websocket_urlpatterns}


def test_every_frame_of_every_socket_has_a_row() -> None:
    found = _consumers()
    assert set(found) == set(ADDRESSES.values())
    for name, place in ADDRESSES.items():
        taken = set(found[place].frames) | set(found[place].heartbeat_types) | OF_THE_BASE
        assert {row.path for row in frames() if row.method == name} == taken
        # A consumer that reads frames by itself would not be seen here.
        assert "received" not in vars(found[place])


# --- one frame of one caller ------------------------------------------------------------------


@dataclass
class Caller:
    """How somebody comes to a socket."""

    name: str
    token: str | None = None
    cookie: str = ""
    origin: str = ""


def _callers(browsers: Browsers) -> list[Caller]:
    by_token = [Caller(name, token) for name, token in browsers.stage.tokens.items()]
    cookies = {name: b.cookie for name, b in browsers.by_caller.items() if b.cookie}
    by_cookie = [Caller(name, cookie=cookie) for name, cookie in cookies.items()]
    return [
        Caller("anonymous"),
        Caller("blank", ""),
        *by_token,
        *by_cookie,
        Caller("cross_site", cookie=cookies["owner"], origin="https://evil.example"),
    ]


@pytest.fixture
async def browsers(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Browsers]:
    """Everybody on the stage, in one transaction of the thread in which sockets ask."""
    # Channels would drop a connection that it finds inside a transaction.
    monkeypatch.setattr(db, "close_old_connections", lambda **_facts: None)
    block = transaction.atomic()

    def begin() -> Browsers:
        block.__enter__()
        return open_browsers(build(build_world()))

    def end() -> None:
        transaction.set_rollback(True)
        block.__exit__(None, None, None)
        connections.close_all()

    yield await sync_to_async(begin)()
    await sync_to_async(end)()


def _frame(row: Row, ids: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "replay": {"since_seq": 0},
        "presence": {"editing_field": "title"},
        "task.move": {"task_id": ids["task"], "status": "in_progress"},
        "task.create": {"title": "Over the socket"},
        "task.patch": {"task_id": ids["task"], "changes": {"priority": "high"}},
    }
    return {"type": row.path, "op_id": str(uuid4()), **facts.get(row.path, {})}


async def _visit(row: Row, caller: Caller, ids: dict[str, str]) -> tuple[Outcome, bool]:
    """Send the row's frame; what came, and whether anybody else could have noticed."""
    ratelimit.memory.clear()
    before = await _facts(ids)
    line = Line(address(ADDRESSES[row.method], ids), cookie=caller.cookie, origin=caller.origin)
    if not await line.open(caller.token):
        return Outcome(closed=4003), False
    if row.path == "presence":
        await line.send({"type": "subscribe"})
    if row.path != "connect":
        await line.send(_frame(row, ids))
    done = await line.gather()
    has_changed = await _settled(done, before, ids)
    await line.leave()
    return done, has_changed


async def _facts(ids: dict[str, str]) -> tuple[Any, ...]:
    """What a frame can change: events, the task, and who is said to look at the board."""

    def stored() -> tuple[Any, ...]:
        task = Task.objects.filter(pk=ids["task"]).values_list("status", "priority", "version")
        events = ActivityEvent.objects.exclude(type="agent.checked_in")  # it signed in
        return events.count(), Task.objects.count(), task.first()

    shown = await presence.present(UUID(ids["board"]))
    return *await sync_to_async(stored)(), [entry["user_id"] for entry in shown]


async def _settled(done: Outcome, before: tuple[Any, ...], ids: dict[str, str]) -> bool:
    """Whether anything has changed once all that was sent has been read."""
    for _look in range(5 if done.closed else 1):
        if await _facts(ids) != before:
            return True
        await asyncio.sleep(0.002)
    return False


def _is_answered(row: Row, done: Outcome) -> bool:
    if done.is_refused:
        return False
    wanted = SUBSCRIBED[row.method] if row.path == "subscribe" else ANSWERS.get(row.path)
    if row.path == "presence":
        wanted = SUBSCRIBED[row.method]
    return wanted is None or wanted in done.types


async def _tried(row: Row, caller: Caller, ids: dict[str, str]) -> tuple[Outcome, bool]:
    """A visit whose changes are taken back."""
    savepoint = await sync_to_async(transaction.savepoint)()
    try:
        return await _visit(row, caller, ids)
    finally:
        await sync_to_async(transaction.savepoint_rollback)(savepoint)


@pytest.mark.parametrize("socket", list(ADDRESSES))
async def test_only_these_callers_are_answered(socket: str, browsers: Browsers) -> None:
    wrong: dict[tuple[str, str, str], Any] = {}
    ids = browsers.stage.ids
    for row in (row for row in frames() if row.method == socket):
        for caller in _callers(browsers):
            done, has_changed = await _tried(row, caller, ids)
            may = caller.name in row.callers
            way = "token" if caller.token is not None else "cookie"
            if _is_answered(row, done) != may or (has_changed and not may):
                wrong[(row.path, caller.name, way)] = (done.closed, done.types, has_changed)
    assert wrong == {}


@pytest.mark.parametrize(
    ("caller", "code"),
    [("stranger", 4004), ("outsider", 4004), ("worker", 4003), ("gateway", 4001), ("", 4001)],
)
async def test_a_refused_socket_says_why(caller: str, code: int, browsers: Browsers) -> None:
    row = Row("board", "subscribe", frozenset())
    token = browsers.stage.tokens[caller] if caller else None
    done, has_changed = await _tried(row, Caller(caller, token), browsers.stage.ids)
    assert (done.closed, has_changed) == (code, False)


# --- who hears what ---------------------------------------------------------------------------


@pytest.fixture
async def committed() -> AsyncGenerator[Browsers]:
    """Everybody on a stage that other connections see."""
    yield await sync_to_async(lambda: open_browsers(build(build_world())))()
    await sync_to_async(connections.close_all)()


def test_the_events_of_a_target_are_these() -> None:
    assert {name for name, entry in types.TYPES.items() if entry.is_of_target} == OF_TARGET


def _happening(ids: dict[str, str]) -> list[PendingEvent]:
    """Every type of event on board A1, on A2, and about the group on no board; named by both."""
    boards = {"board": UUID(ids["board"]), "other_board": UUID(ids["other_board"]), "": None}
    return [
        PendingEvent(
            type=name, actor=SystemActor("matrix"), at=datetime.now(UTC),
            target=Target("board_group", UUID(ids["group"]), f"{name}@{place}"),
            organization_id=UUID(ids["organization"]), board_id=board_id, task_id=None,
            agent_id=None, data={},
        )
        for place, board_id in boards.items()
        for name in types.TYPES
    ]  # fmt: skip


def _hears(caller: str, event: PendingEvent) -> bool:
    name, _at, place = event.target.title.partition("@")
    heard_by = places()
    if not place:
        place = "group" if name in OF_TARGET else "organization"
    return caller in heard_by[place]


async def _follow(browsers: Browsers, ids: dict[str, str]) -> dict[str, Line]:
    found = {}
    for caller in frames()[0].callers:
        found[caller] = Line(ADDRESSES["updates"])
        assert await found[caller].open(browsers.stage.tokens[caller])
        await found[caller].send({"type": "subscribe", "payload": {}})
        output = await found[caller].line.receive_output(timeout=10)
        assert "auth_ok" in output["text"]
        output = await found[caller].line.receive_output(timeout=10)
        assert "subscribed" in output["text"]
    return found


def _told(events: list[PendingEvent]) -> Callable[[], None]:
    def tell() -> None:
        with transaction.atomic():
            flush(events)

    return tell


async def test_the_organizations_socket_tells_only_these(committed: Browsers) -> None:
    ids = committed.stage.ids
    lines = await _follow(committed, ids)
    events = _happening(ids)
    await sync_to_async(_told(events))()
    topic = hub.local_hub().topics[f"org.{ids['organization']}"]
    await hub.local_hub()._poll_once()
    assert topic.last_seq == max(event.seq for event in events)
    for caller, line in lines.items():
        heard = {f["payload"]["target_title"] for f in (await line.gather()).frames}
        meant = {event.target.title for event in events if _hears(caller, event)}
        assert heard == meant, caller
        await line.leave()
