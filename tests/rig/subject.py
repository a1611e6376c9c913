"""The gateway under test, real or simulated, and a recorder of its events."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateways.wire import provisioning, sessions
from gateways.wire.client import REVIEWER_CAPS, GatewayClient
from gateways.wire.frames import ALL_SCOPES, Event
from gateways.wire.identity import DeviceIdentity
from gateways.wire.target import Target

FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


@dataclass
class Seen:
    """Events of a connection, in order."""

    events: list[Event] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def wait_for(
        self, name: str, matches: Callable[[dict[str, Any]], bool], *, seconds: float = 60
    ) -> dict[str, Any]:
        """The first event of a name, past or future, whose payload matches."""
        async with asyncio.timeout(seconds):
            position = 0
            while True:
                self._news.clear()
                for event in self.events[position:]:
                    position += 1
                    if event.name == name and matches(event.payload):
                        return event.payload
                await self._news.wait()

    async def end_of(self, run_id: str) -> dict[str, Any]:
        """The last event of a run."""
        return await self.wait_for(
            "chat",
            lambda p: p.get("runId") == run_id and p.get("state") in {"final", "error", "aborted"},
        )


@dataclass(frozen=True)
class Subject:
    """Where the gateway under test listens; it must honour ``X-Forwarded-For`` from here."""

    url: str
    token: str

    def target(self, **changes: Any) -> Target:
        """A target for it."""
        return Target(**{"url": self.url, "token": self.token, **changes})

    @asynccontextmanager
    async def connected(
        self,
        *,
        caps: Sequence[str] = REVIEWER_CAPS,
        scopes: Sequence[str] = ALL_SCOPES,
        **changes: Any,
    ) -> AsyncIterator[tuple[GatewayClient, Seen]]:
        """An open client with its recorded events."""
        seen = Seen()
        async with GatewayClient.connect(
            self.target(**changes), caps=caps, scopes=scopes, on_event=seen
        ) as client:
            yield client, seen

    @asynccontextmanager
    async def agent(self, client: GatewayClient) -> AsyncIterator[str]:
        """A fresh, visible agent, deleted at the end."""
        agent_id = f"mc-{uuid.uuid4().hex[:10]}"
        await provisioning.ensure_agent(client, agent_id=agent_id)
        try:
            yield agent_id
        finally:
            await provisioning.delete_agent(client, agent_id)


def new_identity() -> DeviceIdentity:
    """A device that no gateway knows."""
    return DeviceIdentity.create()


def text_of(payload: dict[str, Any]) -> str:
    """Text of a chat event."""
    content = (payload.get("message") or {}).get("content") or []
    return "".join(part.get("text", "") for part in content)


async def say(
    client: GatewayClient, seen: Seen, agent_id: str, message: str, *, approve: str | None = None
) -> dict[str, Any]:
    """Send a message to an agent and wait for the end of its run.

    ``approve`` is the decision for the exec approval that the run is expected to raise.
    """
    run_id = str(uuid.uuid4())
    key = f"agent:{agent_id}:main"
    await sessions.send_chat(client, key, message, idempotency_key=run_id)
    if approve:
        asked = await seen.wait_for(
            "exec.approval.requested", lambda p: p["request"]["runId"] == run_id
        )
        await client.call("exec.approval.resolve", {"id": asked["id"], "decision": approve})
    return await seen.end_of(run_id)
