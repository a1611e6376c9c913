"""Gateways on which a story is told: the simulated one, and the real one from the rig."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from gateways.simulator.thread import SimulatedGatewayThread
from gateways.simulator.worker import Worker


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
