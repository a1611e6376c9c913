"""A link manager in a thread, against the simulated gateway."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateways import leases
from gateways.link import Manager
from gateways.models import Gateway
from gateways.simulator.approvals import ExecApproval, ExecRequest
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel.secrets import seal
from orgs.models import Organization
from tests import factories

TOKEN = "S3CRET-gateway-token-0123456789"


def until(ask: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """Wait for a true answer and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {ask}")


def make_real(
    organization: Organization, url: str, *, token: str = TOKEN, **fields: Any
) -> Gateway:
    """A gateway that can be dialled."""
    return factories.make_gateway(
        organization, url=url, token_sealed=seal(token), token_hint=token[-4:], **fields
    )


class Holder:
    """A running manager."""

    def __init__(self, name: str = "") -> None:
        self.owner = name or leases.owner_name()
        self.manager: Manager | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.owner, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.error: BaseException | None = None

    def _run(self) -> None:
        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self.manager = Manager(self.owner)
            await self.manager.run(self._stop)

        try:
            asyncio.run(run())
        except BaseException as error:
            self.error = error

    def start(self) -> Holder:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End in good order."""
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def is_online(self, gateway: Gateway) -> bool:
        """Whether this manager's connection to the gateway is up."""
        link = self.manager.links.get(gateway.pk) if self.manager else None
        return link is not None and link.is_online


@contextmanager
def holding(name: str = "") -> Iterator[Holder]:
    """A manager for the length of a block."""
    holder = Holder(name).start()
    try:
        yield holder
    finally:
        holder.stop()


def open_command(
    simulator: SimulatedGatewayThread, command: str = "ls -la", **fields: Any
) -> ExecApproval:
    """Let the gateway ask about a command."""
    life = fields.pop("life_seconds", None)
    request = ExecRequest(command=command, cwd=fields.pop("cwd", "/work"), **fields)

    async def open_now() -> ExecApproval:
        return simulator.gateway.approvals.open(request, life_seconds=life)

    return simulator.run(open_now())


def decide_there(simulator: SimulatedGatewayThread, approval: ExecApproval, decision: str) -> None:
    """Decide a command at the gateway, as somebody else would."""

    async def decide() -> None:
        simulator.gateway.approvals.resolve(approval, decision, by="somebody-else")

    simulator.run(decide())
