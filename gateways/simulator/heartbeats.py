"""Heartbeat turns of simulated agents.

Source: OpenClaw gateway protocol 4, heartbeat block ``agents.entries.<id>.heartbeat``.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

from gateways.simulator.runs import Run
from gateways.simulator.world import duration_seconds

if TYPE_CHECKING:
    from gateways.simulator.server import SimulatedGateway

_LOOK_SECONDS = 0.25
DEFAULT_PROMPT = (
    "Follow the heartbeat monitor scratch context when provided. If nothing needs attention, "
    "reply NO_REPLY."
)


class HeartbeatClock:
    """Wakes every agent that has a heartbeat block at its interval."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway
        self._due: dict[str, float] = {}

    async def run(self) -> None:
        """Look for due agents until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for agent in self._gateway.world.visible_agents():
                if self._is_due(agent.id):
                    beat(self._gateway, agent.id)

    def _is_due(self, agent_id: str) -> bool:
        gateway = self._gateway
        every = duration_seconds(str(gateway.world.heartbeat_of(agent_id).get("every") or ""))
        if every <= 0:
            self._due.pop(agent_id, None)
            return False
        now = time.monotonic()
        interval = every / gateway.speed
        due = self._due.setdefault(agent_id, now + interval)
        if now < due:
            return False
        self._due[agent_id] = now + interval
        return True


def beat(gateway: SimulatedGateway, agent_id: str, *, text: str = "", key: str = "") -> Run | None:
    """Start a heartbeat turn, unless the session is busy with one already.

    ``text`` is a system event that the turn shows before its prompt, ``key`` the session (default
    the agent's main session).

    """
    world = gateway.world
    session = world.session(key or f"agent:{agent_id}:main")
    if not text and gateway.runs.active(session.key) is not None:
        return None
    prompt = str(world.heartbeat_of(agent_id).get("prompt") or DEFAULT_PROMPT)
    message = f"System: {text}\n\n{prompt}" if text else prompt
    run = Run(str(uuid.uuid4()), session, message, is_heartbeat=True)
    gateway.runs.start(run)
    return run
