"""A socket of one caller: signed in by a token or a cookie, one frame, and all that came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings

from missioncontrol.asgi import OriginCheck
from missioncontrol.routing import websocket_urlpatterns

WAIT_SECONDS = 10.0
END = "the end"


@dataclass
class Outcome:
    """Frames that came, and the code with which the server closed."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    closed: int | None = None

    @property
    def types(self) -> list[str]:
        """Types of the frames before the last answer."""
        return [frame["type"] for frame in self.frames]

    @property
    def is_refused(self) -> bool:
        """Closed, or told that it does not go."""
        return self.closed is not None or bool({"error", "op.error"} & set(self.types))


class Line:
    """One socket."""

    def __init__(self, path: str, *, cookie: str = "", origin: str = "") -> None:
        headers = [(b"host", b"testserver")]
        if cookie:
            name = settings.SESSION_COOKIE_NAME
            headers.append((b"cookie", f"{name}={cookie}".encode()))
        if origin:
            headers.append((b"origin", origin.encode()))
        app = OriginCheck(URLRouter(websocket_urlpatterns))
        self.line = WebsocketCommunicator(app, f"/{path}", headers=headers)
        self.line.scope["client"] = ["192.0.2.1", 50_000]

    async def open(self, token: str | None) -> bool:
        """Connect and sign in; ``None`` sends no credential."""
        connected, _protocol = await self.line.connect(timeout=WAIT_SECONDS)
        if connected and token is not None:
            await self.send({"type": "auth", "token": token})
        return bool(connected)

    async def send(self, frame: dict[str, Any]) -> None:
        """Send a frame, whether the server still listens or not."""
        await self.line.send_to(text_data=orjson.dumps(frame).decode())

    async def gather(self) -> Outcome:
        """Ask for a last answer, and gather everything up to it or to the close."""
        await self.send({"type": "ping", "id": END})
        found = Outcome()
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                output = await self.line.receive_output(timeout=WAIT_SECONDS)
                if output["type"] == "websocket.close":
                    found.closed = int(output["code"])
                    break
                frame = orjson.loads(output["text"])
                if frame.get("id") == END:
                    break
                found.frames.append(frame)
        return found

    async def leave(self) -> None:
        """Go."""
        await self.line.disconnect(timeout=WAIT_SECONDS)
