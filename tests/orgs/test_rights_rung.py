"""What was taken away ends open sockets and streams at once, and within half a minute at worst."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone

from agents.services import orders
from boards import consumers
from boards import services as boards
from missioncontrol import streams
from missioncontrol.kernel import hub, rights, sockets
from missioncontrol.kernel.actors import SystemActor
from orgs.models import ApiToken, Membership
from orgs.services import members, tokens, users
from tests import factories
from tests.activity.test_streams import reading
from tests.boards.sockets import BoardSocket
from tests.orgs.test_signin_sockets import Line
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 2.0
LONGEST = 30.0
PASSWORD = "a long enough password"


@pytest.fixture
async def ground() -> AsyncGenerator[World]:
    """Both tenants, made and left in the thread in which sockets touch the database."""
    world = await sync_to_async(build_world)()
    yield world
    await sync_to_async(connections.close_all)()


def revoke(ground: World) -> None:
    row = ApiToken.objects.get(user=ground.bob)
    tokens.revoke_token(SystemActor("repair"), row.id)


def deactivate(ground: World) -> None:
    users.set_account_state(SystemActor("repair"), ground.bob.pk, is_active=False)


def withdraw(ground: World) -> None:
    ann = ground.actor(ground.ann)
    boards.grant_board(ann, ground.board.pk, ground.bob.pk, can_read=False, can_write=False)


def remove(ground: World) -> None:
    row = Membership.objects.get(user=ground.bob, organization=ground.org)
    members.remove_member(ground.actor(ground.ann), row.id)


LOSSES = [revoke, deactivate, withdraw, remove]


async def closing(socket: BoardSocket) -> int:
    async with asyncio.timeout(AT_ONCE):
        return await socket.close_code()


@pytest.mark.scenario("CORE-23")
@pytest.mark.parametrize("lose", LOSSES)
async def test_a_board_socket_closes_at_once(ground: World, lose: Callable[[World], None]) -> None:
    socket = BoardSocket(ground.board.pk, ground.bob_token)
    await socket.open()
    await sync_to_async(lose)(ground)
    assert await closing(socket) in (4001, 4003, 4004)


async def test_so_it_does_while_the_channel_layer_is_away(
    ground: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "get_channel_layer", lambda: None)
    socket = BoardSocket(ground.board.pk, ground.bob_token)
    await socket.open()
    await sync_to_async(withdraw)(ground)
    assert await closing(socket) in (4003, 4004)


async def test_somebody_elses_loss_closes_nothing(ground: World) -> None:
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    await sync_to_async(withdraw)(ground)
    assert (await socket.op("task.create", title="Still here"))["type"] == "op.ok"
    await socket.close()


async def test_signing_out_closes_the_updates_at_once(ground: World) -> None:
    def signed_in() -> Browser:
        kim = factories.make_user("kim", password=PASSWORD)
        factories.make_member(ground.org, kim)
        browser = Browser()
        given = {"mode": "password", "username": "kim", "password": PASSWORD}
        assert browser.post("/sign-in", given).status_code == 302
        return browser

    browser = await sync_to_async(signed_in)()
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    line = Line("/ws/updates", cookie=f"{settings.SESSION_COOKIE_NAME}={cookie}")
    await line.line.connect(timeout=5)
    await line.send({"type": "subscribe", "payload": {}})
    assert await line.result() == "subscribed"
    await sync_to_async(browser.post)("/sign-out")
    async with asyncio.timeout(AT_ONCE):
        assert await line.result() == 4001


async def test_a_token_that_ends_closes_its_socket_on_time(ground: World) -> None:
    soon = timezone.now() + timedelta(seconds=1)
    token = await sync_to_async(factories.make_token)(ground.ann, expires_at=soon)
    line = Line("/ws/updates")
    assert await line.auth(token) == "auth_ok"
    async with asyncio.timeout(1 + AT_ONCE):
        assert await line.result() == 4001


# --- streams --------------------------------------------------------------------------------


async def ending(reader: Any) -> list[Any]:
    async with asyncio.timeout(AT_ONCE):
        found: list[Any] = await reader.rest()
        return found


@pytest.mark.scenario("CORE-23")
@pytest.mark.parametrize("lose", LOSSES)
async def test_a_boards_stream_ends_at_once(ground: World, lose: Callable[[World], None]) -> None:
    path = f"/api/v1/boards/{ground.board.pk}/tasks/stream"
    async with reading(ground.bob_token, path) as reader:
        assert reader.status == 200
        await sync_to_async(lose)(ground)
        assert await ending(reader) == []


async def test_a_stream_ends_with_its_token(ground: World) -> None:
    soon = timezone.now() + timedelta(seconds=1)
    token = await sync_to_async(factories.make_token)(ground.ann, expires_at=soon)
    async with reading(token) as reader:
        async with asyncio.timeout(1 + AT_ONCE):
            assert await reader.rest() == []


async def test_a_deleted_agents_stream_ends_at_once(ground: World) -> None:
    path = f"/api/v1/boards/{ground.board.pk}/memory/stream"
    async with reading(ground.worker_token, path) as reader:
        assert reader.status == 200
        ann = await sync_to_async(ground.actor)(ground.ann)
        await sync_to_async(orders.delete_agent)(ann, ground.worker.pk)
        assert await ending(reader) == []


# --- the net below --------------------------------------------------------------------------


@pytest.fixture
def unrung(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ring is lost."""
    monkeypatch.setattr(rights, "_ring", lambda _keys: None)


def test_the_clock_asks_again_in_time() -> None:
    assert sockets.RECHECK_SECONDS + consumers.EPOCH_SECONDS < LONGEST
    assert streams.RECHECK_SECONDS < LONGEST


async def test_a_lost_ring_only_delays(
    ground: World, unrung: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "RECHECK_SECONDS", 0.3)
    monkeypatch.setattr(consumers, "EPOCH_SECONDS", 0.1)
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.3)
    socket = BoardSocket(ground.board.pk, ground.bob_token)
    await socket.open()
    path = f"/api/v1/boards/{ground.board.pk}/tasks/stream"
    async with reading(ground.bob_token, path) as reader:
        await sync_to_async(deactivate)(ground)
        assert await closing(socket) == 4001
        assert await ending(reader) == []
