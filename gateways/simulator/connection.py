"""One client connection of the simulated gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gateways.simulator.registry import ADMIN, APPROVALS, PAIRING, READ, WRITE

if TYPE_CHECKING:
    from gateways.simulator.server import SimulatedGateway

REVIEW_CAPS = frozenset({"approvals", "exec-approvals"})


@dataclass(eq=False)
class Connection:
    """State of a connection; everything to send passes its queue, so that order is kept.

    Attributes:
        is_remote: not from the gateway's own host, so that a device is needed.
        scopes: granted scopes, empty until the handshake is done.
        display_name: how the client calls itself; names who decided an approval.

    """

    gateway: SimulatedGateway
    websocket: ServerConnection
    is_remote: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_ready: bool = False
    scopes: frozenset[str] = frozenset()
    caps: frozenset[str] = frozenset()
    client_id: str = ""
    display_name: str = ""
    device_id: str = ""
    watches_sessions: bool = False
    watched_messages: set[str] = field(default_factory=set)
    _sent: int = 0
    _outbox: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def holds(self, scope: str) -> bool:
        """Whether a scope was granted, directly or by implication."""
        return (
            scope in self.scopes
            or (scope == READ and WRITE in self.scopes)
            or (ADMIN in self.scopes and scope.startswith("operator."))
        )

    @property
    def is_reviewer(self) -> bool:
        """Whether exec approvals are shown to this connection."""
        return bool(self.caps & REVIEW_CAPS) and APPROVALS in self.scopes and ADMIN in self.scopes

    def wants(self, event: str, payload: Mapping[str, Any]) -> bool:  # noqa: PLR0911 (one answer per case)
        """Whether an event is delivered on this connection."""
        if not self.is_ready:
            return False
        match event.partition(".")[0]:
            case "exec":
                return self.is_reviewer
            case "device" | "node":
                return self.holds(PAIRING)
        match event:
            case "session.message":
                is_watched = payload.get("sessionKey") in self.watched_messages
                return self.watches_sessions or is_watched
            case "sessions.changed":
                return self.watches_sessions
            case "agent":
                is_tool = payload.get("stream") == "tool"
                return self.holds(READ) and (not is_tool or "tool-events" in self.caps)
            case "tick" | "shutdown":
                return True
        return self.holds(READ)

    def post(self, frame: Mapping[str, Any]) -> None:
        """Queue a frame."""
        self._outbox.put_nowait(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    def post_event(self, event: str, payload: Mapping[str, Any]) -> None:
        """Queue an event with this connection's own sequence number."""
        self._sent += 1
        self.post({"type": "event", "event": event, "payload": payload, "seq": self._sent})

    async def write(self) -> None:
        """Send what is queued until the connection ends; a half-open one swallows it."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                text = await self._outbox.get()
                if not self.gateway.faults.is_half_open:
                    await self.websocket.send(text)

    async def refuse(self, request_id: str, error: Mapping[str, Any], *, close_code: int) -> None:
        """Answer with an error and close."""
        frame = {"type": "res", "id": request_id, "ok": False, "error": error}
        with contextlib.suppress(ConnectionClosed):
            await self.websocket.send(json.dumps(frame, ensure_ascii=False))
            await self.websocket.close(close_code, str(error.get("message") or "")[:120])
