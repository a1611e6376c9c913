"""``/ws/updates``: what is said in a group reaches those who may read it, and nobody else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db import connections

from boards import services as boards
from boards.models import Board
from missioncontrol.routing import websocket_urlpatterns
from tests import factories
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db(transaction=True)]
WAIT = 5.0


class Updates:
    """One person's socket."""

    def __init__(self, token: str) -> None:
        self.line = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/updates")
        self.token = token

    async def __aenter__(self) -> Updates:
        await self.line.connect(timeout=WAIT)
        await self.send({"type": "auth", "token": self.token})
        await self.wait("auth_ok")
        await self.send({"type": "subscribe", "payload": {}})
        await self.wait("subscribed")
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.line.disconnect(timeout=WAIT)

    async def send(self, frame: dict[str, Any]) -> None:
        await self.line.send_to(text_data=orjson.dumps(frame).decode())

    async def wait(self, kind: str) -> dict[str, Any]:
        while True:
            frame: dict[str, Any] = orjson.loads(await self.line.receive_from(timeout=WAIT))
            if frame["type"] == kind:
                return frame

    async def next(self) -> tuple[str, str]:
        payload = (await self.wait("event"))["payload"]
        return payload["type"], payload["target_title"]


async def test_a_group_is_heard_by_its_readers() -> None:
    world: World = await sync_to_async(build_world)()

    def act() -> None:
        ann = world.actor(world.ann)
        boards.update_group(ann, seen.pk, changes={"description": "for admins"})
        boards.add_group_memory(ann, hidden.pk, content="secret", tags=["chat"])
        boards.add_group_memory(ann, seen.pk, content="hello", tags=["chat"])
        boards.add_board_memory(ann, world.board.pk, content="hello", tags=["chat"])

    seen = await sync_to_async(factories.make_group)(world.org, "Seen")
    hidden = await sync_to_async(factories.make_group)(world.org, "Hidden")
    await Board.objects.filter(pk=world.board.pk).aupdate(board_group=seen)
    await Board.objects.filter(pk=world.second_board.pk).aupdate(board_group=hidden)
    async with Updates(world.bob_token) as bob, Updates(world.ann_token) as ann:
        await sync_to_async(act)()
        heard = [await bob.next() for _ in range(2)]
        assert heard == [("board_group.chatted", "Seen"), ("board.chatted", "A1")]
        assert [await ann.next() for _ in range(4)] == [
            ("board_group.updated", "Seen"),
            ("board_group.chatted", "Hidden"),
            *heard,
        ]
    await sync_to_async(connections.close_all)()
