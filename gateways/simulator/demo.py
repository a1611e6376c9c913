"""The simulated gateway of ``make demo``: one long-running part of the demo process.

``SIMULATOR_PORT`` (default 18799), ``SIMULATOR_TOKEN`` and ``SIMULATOR_SPEED`` (default 1) are
read from the environment; the demo data store the same address and token.
"""

from __future__ import annotations

import asyncio
import os

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.worker import Worker

DEFAULT_PORT = 18799
#: Known token of a gateway that listens on the own host only and does nothing but pretend.
DEFAULT_TOKEN = "simulated-gateway"  # noqa: S105
_VISIBILITY_LAG_SECONDS = 0.3


async def run_forever() -> None:
    """Serve until cancelled."""
    worker = Worker(speed=float(os.environ.get("SIMULATOR_SPEED") or 1))
    try:
        async with SimulatedGateway(
            token=os.environ.get("SIMULATOR_TOKEN") or DEFAULT_TOKEN,
            port=int(os.environ.get("SIMULATOR_PORT") or DEFAULT_PORT),
            brain=worker,
            speed=worker.speed,
            faults=Faults(visibility_lag_seconds=_VISIBILITY_LAG_SECONDS),
        ):
            await asyncio.Event().wait()
    finally:
        await worker.close()
