"""Keeps one permanent connection to a gateway: reconnects, reports its state, stops on demand.

Source: OpenClaw gateway protocol 4, client outline and retry policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from gateways.wire.backoff import Backoff, may_retry
from gateways.wire.client import REVIEWER_CAPS, SILENT_CLOSE_CODE, Closed, GatewayClient
from gateways.wire.errors import Cause, GatewayError
from gateways.wire.frames import ALL_SCOPES, Event
from gateways.wire.target import Target
from gateways.wire.version import DEFAULT_MINIMUM, judge_version

T = TypeVar("T")

#: How often a gateway that waits for a person (pairing, token, upgrade) is tried again.
PERSON_RETRY_SECONDS = 60.0


class LinkState(StrEnum):
    """State of a permanent connection."""

    CONNECTING = "connecting"
    ONLINE = "online"
    RESTARTING = "restarting"
    STARTING = "starting"
    UNREACHABLE = "unreachable"
    PAIRING_REQUIRED = "pairing_required"
    UNAUTHORIZED = "unauthorized"
    INCOMPATIBLE = "incompatible"
    REFUSED = "refused"
    STOPPED = "stopped"


_STATE_OF_CAUSE = {
    Cause.UNREACHABLE: LinkState.UNREACHABLE,
    Cause.TIMEOUT: LinkState.UNREACHABLE,
    Cause.STARTING: LinkState.STARTING,
    Cause.RESTARTING: LinkState.RESTARTING,
    Cause.PAIRING: LinkState.PAIRING_REQUIRED,
    Cause.TOKEN: LinkState.UNAUTHORIZED,
    Cause.DEVICE: LinkState.UNAUTHORIZED,
    Cause.SCOPE: LinkState.UNAUTHORIZED,
    Cause.RATE_LIMITED: LinkState.UNAUTHORIZED,
    Cause.VERSION: LinkState.INCOMPATIBLE,
    Cause.PROTOCOL: LinkState.INCOMPATIBLE,
}


@dataclass(frozen=True, slots=True)
class Report:
    """A change of state, with what is known about its reason.

    Attributes:
        error: why, for every state but connecting, online and stopped.
        retry_in_seconds: when the next attempt follows, None when there is none.
        boot_id: of the gateway that was reached last.
        version: of the gateway that was reached last.
        device_token: token that the gateway issued at this connection, empty otherwise. Secret.

    """

    state: LinkState
    error: GatewayError | None = None
    retry_in_seconds: float | None = None
    boot_id: str = ""
    version: str = ""
    device_token: str = ""

    def __repr__(self) -> str:
        return f"Report({self.state.value}, {self.error!r}, retry in {self.retry_in_seconds})"


TargetFactory = Callable[[], Target | Awaitable[Target]]
OnReady = Callable[[GatewayClient], Awaitable[None] | None]
OnEvent = Callable[[Event], Awaitable[None] | None]
OnState = Callable[[Report], Awaitable[None] | None]


async def hold(
    target_factory: TargetFactory,
    *,
    on_ready: OnReady,
    on_event: OnEvent,
    on_state: OnState,
    stop: asyncio.Event,
    caps: Sequence[str] = REVIEWER_CAPS,
    scopes: Sequence[str] = ALL_SCOPES,
    minimum_version: str = DEFAULT_MINIMUM,
    connect_timeout: float = 10.0,
    person_retry_seconds: float | None = PERSON_RETRY_SECONDS,
    backoff: Backoff | None = None,
) -> None:
    """Keep a gateway connected until ``stop`` is set.

    Args:
        target_factory: asked before each attempt, so that a new token or device token counts.
        on_ready: called at every (re)connection; read here what may have been missed
            (``exec.approval.list``, ``chat.history``). Events wait until it returns. When it
            raises a ``GatewayError``, the connection is given up and tried again.
        on_event: called for each event, in order.
        on_state: called at each change of state.
        stop: ends ``hold``.
        caps: client capabilities.
        scopes: what to ask for and to insist on.
        minimum_version: ``GATEWAY_MIN_VERSION``.
        connect_timeout: seconds for address, TLS and handshake together.
        backoff: pauses between attempts, replaceable for tests.
        person_retry_seconds: pause after an error that only a person can heal; None ends ``hold``.

    """
    await _Holder(
        target_factory=target_factory,
        on_ready=on_ready,
        on_event=on_event,
        on_state=on_state,
        stop=stop,
        caps=caps,
        scopes=scopes,
        minimum_version=minimum_version,
        connect_timeout=connect_timeout,
        person_retry_seconds=person_retry_seconds,
        backoff=backoff or Backoff(),
    ).run()


@dataclass(slots=True)
class _Holder:
    target_factory: TargetFactory
    on_ready: OnReady
    on_event: OnEvent
    on_state: OnState
    stop: asyncio.Event
    caps: Sequence[str]
    scopes: Sequence[str]
    minimum_version: str
    connect_timeout: float
    person_retry_seconds: float | None
    backoff: Backoff
    _announced_restart: bool = False
    _last: Report | None = None
    _is_caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while not self.stop.is_set():
            error = await self._attempt()
            if error is None or self.stop.is_set():
                break
            if may_retry(error):
                pause: float | None = self.backoff.next_delay(error)
            else:
                asked = (error.retry_after_ms or 0) / 1000
                pause = self.person_retry_seconds and max(asked, self.person_retry_seconds)
            state = _STATE_OF_CAUSE.get(error.cause, LinkState.REFUSED)
            if self._announced_restart and state is LinkState.UNREACHABLE:
                state = LinkState.RESTARTING
            await self._report(Report(state, error, pause))
            if pause is None:
                return
            await self._pause(pause)
        await self._report(Report(LinkState.STOPPED))

    async def _attempt(self) -> GatewayError | None:
        """One connection from its beginning to its end; None when the caller stopped it."""
        await self._report(Report(LinkState.CONNECTING))
        self._is_caught_up = asyncio.Event()
        target = await _settled(self.target_factory())
        try:
            async with GatewayClient.connect(
                target,
                caps=self.caps,
                scopes=self.scopes,
                on_event=self._take,
                connect_timeout=self.connect_timeout,
            ) as client:
                return await self._serve(client)
        except GatewayError as error:
            return error

    async def _serve(self, client: GatewayClient) -> GatewayError | None:
        verdict = judge_version(client.hello.version, self.minimum_version)
        if not verdict.is_compatible:
            return GatewayError(verdict.text, cause=Cause.VERSION)
        await _settled(self.on_ready(client))
        self.backoff.reset()
        self._announced_restart = False
        await self._report(
            Report(
                LinkState.ONLINE,
                boot_id=client.boot_id,
                version=client.hello.version,
                device_token=client.hello.device_token,
            )
        )
        self._is_caught_up.set()
        stopping = asyncio.ensure_future(self.stop.wait())
        try:
            ends: set[asyncio.Future[Any]] = {stopping, client.closed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        return _error_of(client.closed.result()) if client.closed.done() else None

    async def _take(self, event: Event) -> None:
        if event.name == "shutdown":
            self._announced_restart = True
            text = str(event.payload.get("reason") or "the gateway announces a shutdown")
            error = GatewayError(text, cause=Cause.RESTARTING)
            await self._report(Report(LinkState.RESTARTING, error))
        await self._is_caught_up.wait()
        await _settled(self.on_event(event))

    async def _report(self, report: Report) -> None:
        if report != self._last:
            self._last = report
            await _settled(self.on_state(report))

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)


def _error_of(closed: Closed) -> GatewayError:
    if closed.code == SILENT_CLOSE_CODE:
        return GatewayError("The gateway gave no sign of life", cause=Cause.UNREACHABLE)
    return closed.error


async def _settled(value: T | Awaitable[T]) -> T:
    return await value if inspect.isawaitable(value) else value
