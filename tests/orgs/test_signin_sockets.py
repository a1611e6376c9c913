"""Sockets: failed credentials are limited, ended ones close what they opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone

from boards import consumers
from missioncontrol.kernel import sockets
from missioncontrol.routing import websocket_urlpatterns
from orgs.models import ApiToken
from orgs.services import tokens
from tests import factories
from tests.boards.sockets import BoardSocket
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough password"


@pytest.fixture
async def ground() -> AsyncGenerator[World]:
    """Both tenants, made and left in the thread in which sockets touch the database."""
    world = await sync_to_async(build_world)()
    yield world
    await sync_to_async(connections.close_all)()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are asked again at once."""
    monkeypatch.setattr(sockets, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "EPOCH_SECONDS", 0.01)


class Line:
    """A socket at an address of our choice, perhaps with a browser's cookie."""

    def __init__(self, path: str, *, client: str = "192.0.2.1", **headers: str) -> None:
        self.line = WebsocketCommunicator(
            URLRouter(websocket_urlpatterns),
            path,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        )
        self.line.scope["client"] = [client, 50_000]

    async def auth(self, token: str) -> int | str:
        """``auth_ok``, or the code of the close."""
        await self.line.connect(timeout=5)
        await self.send({"type": "auth", "token": token})
        return await self.result()

    async def send(self, frame: dict[str, Any]) -> None:
        await self.line.send_to(text_data=orjson.dumps(frame).decode())

    async def result(self) -> int | str:
        output = await self.line.receive_output(timeout=5)
        if output["type"] == "websocket.close":
            return int(output["code"])
        return str(orjson.loads(output["text"])["type"])


async def test_failures_of_an_address_are_limited(ground: World) -> None:
    for _number in range(30):
        assert await Line("/ws/updates").auth("mct_" + "x" * 43) == 4001
    assert await Line("/ws/updates").auth("mct_" + "x" * 43) == 4029
    assert await Line("/ws/updates", client="192.0.2.2").auth("nonsense") == 4001
    # A right credential is not the failure of its address.
    good = Line("/ws/updates")
    assert await good.auth(ground.ann_token) == "auth_ok"
    await good.line.disconnect()


async def test_requests_and_sockets_count_together(ground: World) -> None:
    def call() -> int:
        headers = {"authorization": "Bearer nonsense"}
        return Browser(REMOTE_ADDR="192.0.2.1").get("/api/v1/boards", headers=headers).status_code

    for _number in range(30):
        assert await sync_to_async(call)() == 401
    assert await Line("/ws/updates").auth("nonsense") == 4029


async def test_agents_count_as_agents(ground: World) -> None:
    for _number in range(20):
        assert await Line("/ws/updates").auth("mca_" + "x" * 43) == 4001
    assert await Line("/ws/updates").auth("mca_" + "x" * 43) == 4029
    assert await Line("/ws/updates").auth("nonsense") == 4001


async def test_the_client_behind_a_proxy_is_counted(ground: World, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ("192.0.2.0/24",)
    for _number in range(31):
        await Line("/ws/updates", **{"x-forwarded-for": "198.51.100.1"}).auth("nonsense")
    other = Line("/ws/updates", **{"x-forwarded-for": "198.51.100.1, 198.51.100.2"})
    assert await other.auth("nonsense") == 4001


async def test_a_revoked_token_closes_its_socket(ground: World, quick: None) -> None:
    socket = BoardSocket(ground.board.pk, ground.ann_token)
    await socket.open()
    row = await ApiToken.objects.aget(user=ground.ann)
    actor = await sync_to_async(ground.actor)(ground.ann)
    await sync_to_async(tokens.revoke_token)(actor, row.id)
    assert await socket.close_code() == 4001


async def test_another_token_of_the_same_person_goes_on(ground: World, quick: None) -> None:
    second = await sync_to_async(factories.make_token)(ground.ann)
    socket = BoardSocket(ground.board.pk, second)
    await socket.open()
    row = await ApiToken.objects.filter(user=ground.ann).aearliest("created_at")
    actor = await sync_to_async(ground.actor)(ground.ann)
    await sync_to_async(tokens.revoke_token)(actor, row.id)
    answer = await socket.op("task.create", title="Still here")
    assert answer["type"] == "op.ok"
    await socket.close()


@pytest.mark.parametrize("path", ["board", "updates"])
async def test_a_token_that_runs_out_closes_its_socket(
    ground: World, quick: None, path: str
) -> None:
    soon = timezone.now() + timedelta(seconds=1.5)
    token = await sync_to_async(factories.make_token)(ground.ann, expires_at=soon)
    address = f"/ws/board/{ground.board.pk}/sync" if path == "board" else "/ws/updates"
    line = Line(address)
    assert await line.auth(token) == "auth_ok"
    assert await line.result() == 4001


async def test_no_change_passes_after_the_end(
    ground: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also between two looks at the rights."""
    later = timezone.now() + timedelta(hours=1)
    token = await sync_to_async(factories.make_token)(ground.ann, expires_at=later)
    socket = BoardSocket(ground.board.pk, token)
    await socket.open()
    monkeypatch.setattr(sockets.clock, "now", lambda: later)
    await socket.send({"type": "task.create", "op_id": "x", "title": "Too late"})
    assert await socket.close_code() == 4001


async def test_a_fresh_token_prolongs_the_socket(ground: World, quick: None) -> None:
    soon = timezone.now() + timedelta(seconds=2)
    short = await sync_to_async(factories.make_token)(ground.ann, expires_at=soon)
    line = Line("/ws/updates")
    assert await line.auth(short) == "auth_ok"
    await line.send({"type": "auth", "token": ground.ann_token})
    assert await line.result() == "auth_ok"
    assert await line.line.receive_nothing(timeout=2.5)
    await line.send({"type": "auth", "token": ground.bob_token})
    assert await line.result() == 4001


@pytest.mark.parametrize("way", ["one", "sign-out", "password"])
async def test_an_ended_browser_session_closes_its_sockets(
    ground: World, quick: None, way: str
) -> None:
    def signed_in() -> Browser:
        browser = Browser()
        given = {"mode": "password", "username": "kim", "password": PASSWORD}
        assert browser.post("/sign-in", given).status_code == 302
        return browser

    def begin() -> tuple[Browser, Browser]:
        kim = factories.make_user("kim", password=PASSWORD)
        factories.make_member(ground.org, kim)
        return signed_in(), signed_in()

    def end(browser: Browser, other: Browser) -> None:
        match way:
            case "one":
                other.post("/settings/security/sessions/end")
            case "sign-out":
                browser.post("/sign-out")
            case _:
                given = {"current": PASSWORD, "new": "another long password"}
                other.post("/settings/password", given)

    browser, other = await sync_to_async(begin)()
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    line = Line("/ws/updates", cookie=f"{settings.SESSION_COOKIE_NAME}={cookie}")
    await line.line.connect(timeout=5)
    await line.send({"type": "subscribe", "payload": {}})
    assert await line.result() == "subscribed"
    await sync_to_async(end)(browser, other)
    assert await line.result() == 4001


@pytest.mark.parametrize(("scope", "kind"), [("read", "op.error"), ("write", "op.ok")])
async def test_a_tokens_scope_holds_at_the_socket(ground: World, scope: str, kind: str) -> None:
    token = await sync_to_async(factories.make_token)(ground.ann, scope=scope)
    socket = BoardSocket(ground.board.pk, token)
    await socket.open()
    assert (await socket.op("task.create", title="By token"))["type"] == kind
    await socket.close()
