"""The simulated gateway of ``make demo``: one port and token per data folder, paced agents."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.worker import Worker

#: Slower than life, so that a newcomer can watch each step.
SPEED = 0.6
_FILE = "demo-gateway.json"
_VISIBILITY_LAG_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class DemoGateway:
    """Where the demonstration's gateway listens and what opens it."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """WebSocket address."""
        return f"ws://127.0.0.1:{self.port}"


def facts(data: Path) -> DemoGateway:
    """Port and token of a data folder, made at first use (file mode 0600)."""
    path = data / _FILE
    if path.exists():
        stored = json.loads(path.read_text())
        return DemoGateway(stored["port"], stored["token"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = DemoGateway(probe.getsockname()[1], secrets.token_urlsafe(24))
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump({"port": made.port, "token": made.token}, file)
    return made


async def run_forever() -> None:
    """Serve until cancelled."""
    demo = facts(Path(os.environ["DATA_DIR"]))
    worker = Worker(speed=SPEED)
    try:
        async with SimulatedGateway(
            token=demo.token,
            port=demo.port,
            brain=worker,
            speed=worker.speed,
            faults=Faults(visibility_lag_seconds=_VISIBILITY_LAG_SECONDS),
        ):
            await asyncio.Event().wait()
    finally:
        await worker.close()
