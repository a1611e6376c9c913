"""A board's socket in a test: connect as somebody, send frames, wait for one of a type."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from uuid import UUID

import orjson
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from missioncontrol.routing import websocket_urlpatterns

WAIT_SECONDS = 5.0


class BoardSocket:
    """One viewer."""

    def __init__(self, board_id: UUID, token: str) -> None:
        self.line = WebsocketCommunicator(
            URLRouter(websocket_urlpatterns), f"/ws/board/{board_id}/sync"
        )
        self.token = token

    async def open(self, *, subscribe: bool = True, since: int | None = None) -> dict[str, Any]:
        """Connect and sign in; with ``subscribe`` answers the state or replay."""
        connected, _protocol = await self.line.connect(timeout=WAIT_SECONDS)
        assert connected
        await self.send({"type": "auth", "token": self.token})
        await self.wait("auth_ok")
        if not subscribe:
            return {}
        frame: dict[str, Any] = {"type": "subscribe"}
        if since is not None:
            frame["since_seq"] = since
        await self.send(frame)
        return await self.wait("board.state", "replay")

    async def closed_with(self) -> int:
        """Connect and sign in where that ends in a close; its code."""
        await self.line.connect(timeout=WAIT_SECONDS)
        await self.send({"type": "auth", "token": self.token})
        return await self.close_code()

    async def close_code(self) -> int:
        """Wait for the close."""
        while True:
            output = await self.line.receive_output(timeout=WAIT_SECONDS)
            if output["type"] == "websocket.close":
                return int(output["code"])

    async def send(self, frame: dict[str, Any]) -> None:
        """Send one frame."""
        await self.line.send_to(text_data=orjson.dumps(frame).decode())

    async def next(self) -> dict[str, Any]:
        """The next frame."""
        text = await self.line.receive_from(timeout=WAIT_SECONDS)
        found: dict[str, Any] = orjson.loads(text)
        return found

    async def wait(self, *types: str, **facts: Any) -> dict[str, Any]:
        """The next frame of one of the types with these facts; others are passed over."""
        async with asyncio.timeout(WAIT_SECONDS * 2):
            while True:
                frame = await self.next()
                if frame["type"] in types and all(frame.get(k) == v for k, v in facts.items()):
                    return frame

    async def op(self, type_: str, *, op_id: str = "", **fields: Any) -> dict[str, Any]:
        """Send a change and wait for its answer."""
        key = op_id or str(uuid.uuid4())
        await self.send({"type": type_, "op_id": key, **fields})
        return await self.wait("op.ok", "op.error", op_id=key)

    async def close(self) -> None:
        """Leave."""
        await self.line.disconnect(timeout=WAIT_SECONDS)
