"""The simulated gateway in a thread of its own, for synchronous tests and commands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from gateways.simulator.server import SimulatedGateway

T = TypeVar("T")
_PATIENCE_SECONDS = 10.0


class SimulatedGatewayThread:
    """``with SimulatedGatewayThread(token="secret") as simulator: simulator.gateway.url``.

    Takes the arguments of ``SimulatedGateway``. ``gateway.faults``, ``gateway.calls`` and
    ``gateway.world`` may be read and changed from any thread; everything else through ``run``.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulated-gateway", daemon=True
        )
        self.gateway: SimulatedGateway

    @property
    def url(self) -> str:
        """WebSocket address."""
        return self.gateway.url

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float = _PATIENCE_SECONDS) -> T:
        """Run a coroutine in the gateway's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def restart(self) -> None:
        """Restart the gateway."""
        self.run(self.gateway.restart())

    def drop_connections(self) -> None:
        """Cut every connection."""
        self._loop.call_soon_threadsafe(self.gateway.drop_connections)

    def __enter__(self) -> Self:
        self._thread.start()
        self.gateway = self.run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self.gateway.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()

    async def _start(self) -> SimulatedGateway:
        gateway = SimulatedGateway(**self._options)
        await gateway.start()
        return gateway
