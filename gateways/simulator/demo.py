"""The simulated gateway of ``make demo``: one port and token per data folder, paced agents."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from gateways.simulator.server import SimulatedGateway
from gateways.simulator.thread import SimulatedGatewayThread
from gateways.simulator.worker import Worker

#: Slower than life, so that a newcomer can watch each step.
SPEED = 0.6
_FILE = "demo-gateway.json"


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


def run_forever(stop: threading.Event) -> None:
    """Serve until ``stop`` is set."""
    demo = facts(Path(os.environ["DATA_DIR"]))
    with SimulatedGatewayThread(
        token=demo.token,
        port=demo.port,
        brain=Worker(speed=SPEED),
        exec_mode="ask",
        speed=SPEED,
    ) as running:
        _announce(running.gateway)
        stop.wait()


def _announce(gateway: SimulatedGateway) -> None:
    """One line in the log of the process."""
    import structlog

    structlog.get_logger(__name__).info("demo.gateway_ready", url=gateway.url)
