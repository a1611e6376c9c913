"""Gateways on which a story is told: the simulated one, and the real one from the rig."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from gateways.simulator.thread import SimulatedGatewayThread
from gateways.simulator.worker import Worker
from gateways.wire import provisioning
from gateways.wire.client import GatewayClient
from gateways.wire.frames import ALL_SCOPES
from gateways.wire.target import Target

EVERY_AGENT = "*"
CURL = "/usr/bin/curl"


@dataclass(frozen=True)
class Place:
    """Where a gateway listens and its shared secret."""

    url: str
    token: str


@contextlib.contextmanager
def simulated(*, speed: float = 40.0) -> Iterator[Place]:
    """A simulated gateway whose agents act on the agent API; commands need a decision."""
    token = secrets.token_hex(16)
    brain = Worker(speed=speed)
    with SimulatedGatewayThread(token=token, brain=brain, exec_mode="ask") as simulator:
        try:
            yield Place(simulator.url, token)
        finally:
            simulator.run(brain.close())


def allow_calls(place: Place) -> None:
    """Let every agent of a real gateway use ``curl`` unasked, as its operator may choose."""

    async def allow() -> None:
        target = Target(place.url, token=place.token)
        async with GatewayClient.connect(target, scopes=ALL_SCOPES) as client:
            await provisioning.allow_command(client, EVERY_AGENT, CURL)

    asyncio.run(allow())
