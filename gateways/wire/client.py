"""Asynchronous client of one gateway connection (protocol 4).

    async with GatewayClient.connect(target, caps=REVIEWER_CAPS, on_event=seen) as client:
        agents = await client.call("agents.list", {})

Source: OpenClaw gateway protocol 4 (transport, handshake, client outline).
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gateways.wire.errors import (
    CallTimeout,
    Cause,
    FrameTooLarge,
    GatewayClosed,
    GatewayConnectError,
    GatewayError,
    HandshakeRefused,
    MissingScopes,
    call_error,
    handshake_error,
)
from gateways.wire.frames import (
    ALL_SCOPES,
    CHALLENGE_EVENT,
    HANDSHAKE_LIMIT_BYTES,
    PROTOCOL_VERSION,
    Event,
    Hello,
    Response,
    parse_frame,
    parse_hello,
    request_text,
)
from gateways.wire.identity import SignedFacts
from gateways.wire.target import Target
from gateways.wire.transport import open_websocket

logger = logging.getLogger(__name__)

#: Makes a connection a reviewer of exec approvals and shows tool events.
REVIEWER_CAPS = ("approvals", "tool-events")
CALL_TIMEOUT_SECONDS = 30.0
SLOW_CALL_TIMEOUT_SECONDS = 60.0
SLOW_METHODS = frozenset(
    {
        "agents.create",
        "agents.delete",
        "config.patch",
        "sessions.reset",
        "sessions.delete",
        "sessions.compact",
    }
)
#: Close code of a connection whose peer fell silent.
SILENT_CLOSE_CODE = 4000
#: Close code when the owner does not take its events fast enough.
OVERRUN_CLOSE_CODE = 4008
_EVENT_QUEUE_LIMIT = 10_000

OnEvent = Callable[[Event], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended."""

    code: int
    reason: str
    by_us: bool

    @property
    def error(self) -> GatewayClosed:
        """The same as an exception with its cause."""
        return GatewayClosed(self.code, self.reason)


class GatewayClient:
    """One open, authenticated connection. Made by ``GatewayClient.connect``.

    Attributes:
        hello: what the gateway promised.
        closed: future that resolves with ``Closed`` when the connection ends, however it ends.

    """

    def __init__(self, websocket: ClientConnection, hello: Hello, on_event: OnEvent | None) -> None:
        self.hello = hello
        self.closed: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self._websocket = websocket
        self._on_event = on_event
        self._pending: dict[str, asyncio.Future[Response]] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue(_EVENT_QUEUE_LIMIT)
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]
        if on_event is not None:
            self._tasks.append(asyncio.create_task(self._dispatch(on_event)))

    @classmethod
    def connect(
        cls,
        target: Target,
        *,
        caps: Sequence[str] = (),
        scopes: Sequence[str] = ALL_SCOPES,
        require_scopes: Sequence[str] | None = None,
        on_event: OnEvent | None = None,
        connect_timeout: float = 10.0,
    ) -> Connecting:
        """Connect; use with ``async with`` or ``await`` (then call ``close``).

        Args:
            target: where to and as whom.
            caps: client capabilities; ``REVIEWER_CAPS`` for the permanent connection.
            scopes: what to ask for.
            require_scopes: what must be granted, default all of ``scopes``; empty checks nothing.
            on_event: called for each event in order, may be a coroutine function and may call
                back into the client.
            connect_timeout: seconds for address, TLS and handshake together.

        Raises:
            AddressRefused: the address guard said no.
            GatewayConnectError: no connection; ``cause`` says why.
            HandshakeRefused: the gateway refused; ``cause`` says why.
            MissingScopes: accepted without the required scopes.

        """
        plan = _Plan(
            target=target,
            caps=tuple(caps),
            scopes=tuple(scopes),
            require_scopes=tuple(scopes if require_scopes is None else require_scopes),
            on_event=on_event,
            connect_timeout=connect_timeout,
        )
        return Connecting(cls, plan)

    @property
    def boot_id(self) -> str:
        """Changes when the gateway restarts."""
        return self.hello.boot_id

    @property
    def is_open(self) -> bool:
        """Whether calls can still be made."""
        return not self.closed.done()

    def supports(self, method: str) -> bool:
        """Whether the gateway advertises a method."""
        return method in self.hello.methods

    async def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any:
        """Call a method and return its payload.

        Args:
            method: name as in ``hello.methods``.
            params: strict; the gateway refuses unknown keys.
            timeout: seconds; default 30, and 60 for ``SLOW_METHODS``.

        Raises:
            FrameTooLarge: nothing was sent.
            GatewayClosed: the connection ended; whether the call took effect is unknown.
            CallTimeout: no answer in time; whether the call took effect is unknown.
            GatewayCallError: refused; the subclass and the codes say why.

        """
        if self.closed.done():
            raise self.closed.result().error
        if timeout is None:
            timeout = SLOW_CALL_TIMEOUT_SECONDS if method in SLOW_METHODS else CALL_TIMEOUT_SECONDS
        request_id = uuid.uuid4().hex
        text = request_text(request_id, method, params or {})
        _check_size(method, text, limit_bytes=self.hello.max_payload_bytes)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            async with asyncio.timeout(timeout):
                await self._send(text)
                response = await answer
        except TimeoutError as error:
            raise CallTimeout(method, timeout_seconds=timeout) from error
        finally:
            self._pending.pop(request_id, None)
        if response.error is not None:
            raise call_error(method, response.error)
        return response.payload

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and stop its tasks; may be repeated."""
        self._finish(Closed(code, reason, by_us=True))
        with contextlib.suppress(ConnectionClosed, OSError):
            await self._websocket.close(code, reason)
        current = asyncio.current_task()
        others = [t for t in self._tasks if t is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _send(self, text: str) -> None:
        try:
            await self._websocket.send(text)
        except ConnectionClosed as error:
            closed = _closed_of(error)
            self._finish(closed)
            raise self.closed.result().error from error

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                raw = await self._websocket.recv()
                self._heard_at = loop.time()
                self._take(parse_frame(raw))
        except ConnectionClosed as error:
            self._finish(_closed_of(error))
        except GatewayError as error:
            await self._abandon(1002, error.message)

    def _take(self, frame: Response | Event) -> None:
        if isinstance(frame, Response):
            waiting = self._pending.get(frame.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)
        elif self._on_event is not None:
            try:
                self._events.put_nowait(frame)
            except asyncio.QueueFull:
                if self.closed.done():
                    return
                code, reason = OVERRUN_CLOSE_CODE, "events are not taken fast enough"
                self._finish(Closed(code, reason, by_us=True))
                self._tasks.append(asyncio.create_task(self._abandon(code, reason)))

    async def _dispatch(self, on_event: OnEvent) -> None:
        while True:
            event = await self._events.get()
            try:
                outcome = on_event(event)
                if inspect.isawaitable(outcome):
                    await outcome
            except GatewayError as error:
                logger.warning("gateway event %s not handled: %s", event.name, error.message)
            except Exception:
                logger.exception("gateway event %s not handled", event.name)

    async def _watch(self) -> None:
        limit = 2 * self.hello.tick_interval_ms / 1000
        loop = asyncio.get_running_loop()
        while True:
            rest = self._heard_at + limit - loop.time()
            if rest <= 0:
                await self._abandon(SILENT_CLOSE_CODE, "no sign of life")
                return
            await asyncio.sleep(rest)

    async def _abandon(self, code: int, reason: str) -> None:
        """Close towards a peer that may not answer any more; never waits for it long."""
        self._finish(Closed(code, reason, by_us=True))
        with contextlib.suppress(ConnectionClosed, OSError):
            await self._websocket.close(code, reason)

    def _finish(self, closed: Closed) -> None:
        if self.closed.done():
            return
        self.closed.set_result(closed)
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(closed.error)
                waiting.exception()  # the caller may have been cancelled meanwhile


@dataclass(frozen=True, slots=True)
class _Plan:
    target: Target
    caps: tuple[str, ...]
    scopes: tuple[str, ...]
    require_scopes: tuple[str, ...]
    on_event: OnEvent | None
    connect_timeout: float


class Connecting:
    """A connection in the making: await it, or enter it as a context."""

    def __init__(self, kind: type[GatewayClient], plan: _Plan) -> None:
        self._kind = kind
        self._plan = plan
        self._client: GatewayClient | None = None

    def __await__(self) -> Generator[Any, None, GatewayClient]:
        return self._open().__await__()

    async def __aenter__(self) -> GatewayClient:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> GatewayClient:
        plan = self._plan
        try:
            async with asyncio.timeout(plan.connect_timeout):
                return await self._attempt(plan)
        except TimeoutError as error:
            raise GatewayConnectError(
                f"The gateway did not complete the handshake within {plan.connect_timeout:g} s",
                cause=Cause.TIMEOUT,
            ) from error

    async def _attempt(self, plan: _Plan) -> GatewayClient:
        try:
            return await self._handshake(plan)
        except HandshakeRefused as refusal:
            target = plan.target
            second = target.token and target.device_token and not target.disable_device_pairing
            if not (second and refusal.details.get("canRetryWithDeviceToken")):
                raise
        # The shared secret was changed, but this device is still paired.
        return await self._handshake(replace(plan, target=replace(plan.target, token="")))

    async def _handshake(self, plan: _Plan) -> GatewayClient:
        websocket = await open_websocket(plan.target, timeout_seconds=plan.connect_timeout)
        try:
            hello = await _shake_hands(websocket, plan)
            missing = hello.missing_scopes(plan.require_scopes)
            if missing:
                raise MissingScopes(missing, device_sent=_device_is_sent(plan.target))
            return self._kind(websocket, hello, plan.on_event)
        except BaseException:
            with contextlib.suppress(ConnectionClosed, OSError):
                await websocket.close()
            raise


async def _shake_hands(websocket: ClientConnection, plan: _Plan) -> Hello:
    request_id = uuid.uuid4().hex
    try:
        challenge = await _next_event(websocket, CHALLENGE_EVENT)
        text = request_text(request_id, "connect", _connect_params(plan, challenge))
        _check_size("connect", text, limit_bytes=HANDSHAKE_LIMIT_BYTES)
        await websocket.send(text)
        while True:
            frame = parse_frame(await websocket.recv())
            if isinstance(frame, Response) and frame.id == request_id:
                break
    except ConnectionClosed as error:
        closed = _closed_of(error)
        raise GatewayConnectError(
            f"The gateway closed during the handshake ({closed.code} {closed.reason})",
            cause=closed.error.cause,
        ) from error
    if frame.error is not None:
        raise handshake_error(frame.error)
    return parse_hello(frame.payload)


async def _next_event(websocket: ClientConnection, name: str) -> Event:
    frame = parse_frame(await websocket.recv())
    if isinstance(frame, Event) and frame.name == name:
        return frame
    raise GatewayConnectError(
        "The peer does not open with a challenge; it is not an OpenClaw gateway of protocol 4",
        cause=Cause.WRONG_PORT,
    )


def _connect_params(plan: _Plan, challenge: Event) -> dict[str, Any]:
    target, client = plan.target, plan.target.client
    params: dict[str, Any] = {
        "minProtocol": PROTOCOL_VERSION,
        "maxProtocol": PROTOCOL_VERSION,
        "client": client.to_params(),
        "role": "operator",
        "scopes": list(plan.scopes),
        "caps": list(plan.caps),
    }
    secret = target.token or target.device_token
    if secret:
        params["auth"] = {"token" if target.token else "deviceToken": secret}
    if target.identity is not None and _device_is_sent(target):
        params["device"] = target.identity.sign(
            SignedFacts(
                client_id=client.id,
                client_mode=client.mode,
                role="operator",
                scopes=plan.scopes,
                signed_at_ms=int(challenge.payload.get("ts") or 0),
                secret=secret,
                nonce=str(challenge.payload.get("nonce") or ""),
                platform=client.platform,
                device_family=client.device_family,
            )
        )
    return params


def _device_is_sent(target: Target) -> bool:
    return target.identity is not None and not target.disable_device_pairing


def _check_size(method: str, text: str, *, limit_bytes: int) -> None:
    if len(text) * 4 > limit_bytes:  # a character takes four bytes at most
        size = len(text.encode())
        if size > limit_bytes:
            raise FrameTooLarge(method, size_bytes=size, limit_bytes=limit_bytes)


def _closed_of(error: ConnectionClosed) -> Closed:
    if error.rcvd is not None:
        return Closed(error.rcvd.code, error.rcvd.reason, by_us=False)
    if error.sent is not None:
        return Closed(error.sent.code, error.sent.reason, by_us=True)
    return Closed(1006, "connection lost", by_us=False)
