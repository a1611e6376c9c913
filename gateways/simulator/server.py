"""The simulated gateway: a WebSocket server that speaks protocol 4.

async with SimulatedGateway(token="secret") as gateway:
    ... GatewayClient.connect(Target(gateway.url, token="secret")) ...
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import inspect
import json
import logging
import ssl
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gateways.simulator import (  # noqa: F401  (importing registers the methods)
    handshake,
    methods_agents,
    methods_devices,
    methods_sessions,
    methods_system,
)
from gateways.simulator.approvals import ApprovalDesk
from gateways.simulator.brains import answer_directives
from gateways.simulator.connection import Connection
from gateways.simulator.faults import Faults
from gateways.simulator.heartbeats import HeartbeatClock
from gateways.simulator.registry import METHODS, Call, Refusal, check_params, check_scope
from gateways.simulator.runs import Brain, Run, RunEngine
from gateways.simulator.world import World, fresh_world, now_ms
from gateways.wire.identity import DeviceIdentity

VERSION = "2026.9.6"
TICK_MS = 30_000
HANDSHAKE_SECONDS = 15.0
HANDSHAKE_LIMIT_BYTES = 64 * 1024
_RECENT_CALLS = 5000

_quiet_logger = logging.getLogger("gateways.simulator.websocket")
_quiet_logger.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call that the gateway received; what tests assert on."""

    method: str
    params: Mapping[str, Any]


class SimulatedGateway:
    """A gateway in this process.

    Args:
        token: the shared secret.
        port: 0 takes a free one.
        faults: injected faults, changeable while it runs.
        brain: what the agents do with a message; default answers directives.
        exec_mode: initial ``tools.exec.mode``.
        is_remote: connections count as coming from another host (device pairing).
        trusts_proxy: honours ``X-Forwarded-For`` (a client behind it is remote); otherwise such a
            request is refused before the upgrade.
        tick_interval_ms: advertised and kept.
        speed: how much faster than the clock heartbeats run.
        world: what the gateway holds, default a fresh installation.
        tls: server side of ``wss://``.

    """

    def __init__(
        self,
        *,
        token: str,
        port: int = 0,
        host: str = "127.0.0.1",
        faults: Faults | None = None,
        brain: Brain = answer_directives,
        exec_mode: str = "ask",
        version: str = VERSION,
        is_remote: bool = False,
        trusts_proxy: bool = False,
        tick_interval_ms: int = TICK_MS,
        speed: float = 1.0,
        world: World | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.token, self.host, self.port = token, host, port
        self.faults = faults or Faults()
        self.brain = brain
        self.version = version
        self.tls = tls
        self.is_remote, self.trusts_proxy = is_remote, trusts_proxy
        self.tick_interval_ms, self.speed = tick_interval_ms, speed
        self.world = world or fresh_world(version=version, exec_mode=exec_mode)
        self.connections: set[Connection] = set()
        self.calls: deque[SeenCall] = deque(maxlen=_RECENT_CALLS)
        self.runs = RunEngine(self)
        self.approvals = ApprovalDesk(self)
        self.device = DeviceIdentity.create()
        self.boot_id = str(uuid.uuid4())
        self.is_starting = False
        self._started = time.monotonic()
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._heartbeats = HeartbeatClock(self)

    @property
    def url(self) -> str:
        """WebSocket address."""
        return f"{'wss' if self.tls else 'ws'}://{self.host}:{self.port}"

    @property
    def uptime_ms(self) -> int:
        """Milliseconds since the last start."""
        return int((time.monotonic() - self._started) * 1000)

    @property
    def reported_version(self) -> str:
        """Version in hello-ok."""
        return self.version if self.faults.version is None else self.faults.version

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        await self._listen()
        self._spawn(self._tick())
        self._spawn(self._heartbeats.run())

    async def stop(self) -> None:
        """Stop everything."""
        await self.runs.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hang_up(1001, "server stopping")

    async def restart(self, *, down_seconds: float = 0.2, starting_seconds: float = 0.2) -> None:
        """Restart as the real one does: announce, close 1012, refuse, start, be ready."""
        expected_ms = int((down_seconds + starting_seconds) * 1000)
        self.broadcast("shutdown", {"reason": "restart", "restartExpectedMs": expected_ms})
        await asyncio.sleep(0)
        await self.runs.stop()
        self.approvals.forget_pending()
        await self._hang_up(1012, "service restart")
        await asyncio.sleep(down_seconds)
        self.boot_id, self._started = str(uuid.uuid4()), time.monotonic()
        self.is_starting = True
        await self._listen()
        await asyncio.sleep(starting_seconds)
        self.is_starting = False

    def restart_soon(self) -> None:
        """Restart once the present calls are answered."""
        self._spawn(self._restart_later())

    async def _restart_later(self) -> None:
        await asyncio.sleep(0.05)
        await self.restart()

    def drop_connections(self) -> None:
        """Cut every connection without a closing handshake."""
        for connection in list(self.connections):
            connection.websocket.transport.abort()

    def broadcast(
        self, event: str, payload: Mapping[str, Any], *, watchers_of: str | None = None
    ) -> None:
        """Send an event to every connection that may see it.

        With ``watchers_of`` only to those that subscribed to the messages of that session.

        """
        times = 2 if self.faults.has_duplicate_events else 1
        for connection in list(self.connections):
            if watchers_of is not None and watchers_of not in connection.watched_messages:
                continue
            if connection.wants(event, payload):
                for _ in range(times):
                    connection.post_event(event, payload)

    def has_reviewer(self) -> bool:
        """Whether some connection reviews exec approvals."""
        return any(c.is_ready and c.is_reviewer for c in self.connections)

    def calls_of(self, method: str) -> list[Mapping[str, Any]]:
        """Parameters of the received calls of a method, oldest first."""
        return [c.params for c in self.calls if c.method == method]

    def count_usage(self, run: Run, output_tokens: int) -> None:
        """Add a run to the usage of the day."""
        day = time.strftime("%Y-%m-%d", time.gmtime())
        row = self.world.usage.setdefault(day, {"input": 0, "output": 0})
        row["input"] += len(run.message) // 4
        row["output"] += output_tokens

    def report_heartbeat(self, run: Run) -> None:
        """Broadcast the outcome of a heartbeat turn."""
        is_silent = run.text.strip() in {"NO_REPLY", "HEARTBEAT_OK", ""}
        payload = {
            "ts": now_ms(),
            "status": "ok-empty" if is_silent else "skipped",
            "reason": "wake" if is_silent else "target-none",
            "preview": run.text[:80],
            "durationMs": now_ms() - run.started_ms,
        }
        self.world.last_heartbeat = payload
        self.broadcast("heartbeat", payload)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        self._server = await serve(
            self._serve,
            self.host,
            self.port,
            process_request=self._answer_http,
            ssl=self.tls,
            compression=None,
            max_size=handshake.MAX_PAYLOAD_BYTES,
            ping_interval=None,
            close_timeout=0.5,
            logger=_quiet_logger,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self, code: int, reason: str) -> None:
        server, self._server = self._server, None
        closing = [c.websocket.close(code, reason) for c in list(self.connections)]
        if server is not None:
            server.close(close_connections=False)
        await asyncio.gather(*closing, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.tick_interval_ms / 1000)
            self.broadcast("tick", {"ts": now_ms()})

    def _answer_http(self, websocket: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if "Upgrade" not in request.headers:
            return self._answer_page(path)
        if "X-Forwarded-For" in request.headers and not self.trusts_proxy:
            problem = {"error": {"type": "proxy_attribution_required"}}
            return _json_response(http.HTTPStatus.FORBIDDEN, problem)
        return None

    def _answer_page(self, path: str) -> Response:
        if path in {"/health", "/healthz"}:
            status = http.HTTPStatus(self.faults.health_status)
            return _json_response(status, {"ok": status == 200, "status": "live"})
        if path in {"/ready", "/readyz"}:
            is_ready = not (self.is_starting or self.faults.is_starting)
            status = http.HTTPStatus.OK if is_ready else http.HTTPStatus.SERVICE_UNAVAILABLE
            return _json_response(status, {"ready": is_ready})
        return _json_response(http.HTTPStatus.NOT_FOUND, {"error": "not found"})

    async def _serve(self, websocket: ServerConnection) -> None:
        headers = websocket.request.headers if websocket.request else Headers()
        is_remote = self.is_remote or self.faults.must_pair or "X-Forwarded-For" in headers
        connection = Connection(self, websocket, is_remote)
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if await self._shake_hands(connection):
                await self._serve_calls(connection)
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
            writer.cancel()

    async def _shake_hands(self, connection: Connection) -> bool:
        websocket, challenge = connection.websocket, handshake.new_challenge()
        connection.post_event(
            "connect.challenge",
            {"nonce": challenge.nonce, "ts": challenge.ts, "capabilities": []},
        )
        try:
            raw = await asyncio.wait_for(websocket.recv(), HANDSHAKE_SECONDS)
        except TimeoutError:
            await websocket.close(1000, "handshake timeout")
            return False
        if len(raw) > HANDSHAKE_LIMIT_BYTES:
            await websocket.close(1009, "message too big")
            return False
        try:
            frame = json.loads(raw)
            request_id, method = str(frame["id"]), frame["method"]
        except (ValueError, KeyError, TypeError):
            await websocket.close(1000, "invalid frame")
            return False
        try:
            if method != "connect":
                raise handshake.HandshakeRefusal("invalid handshake: first request must be connect")
            if self.faults.is_half_open or self.faults.is_silent("connect"):
                await websocket.wait_closed()
                return False
            hello = handshake.accept(connection, challenge, frame.get("params"))
        except handshake.HandshakeRefusal as refusal:
            await connection.refuse(request_id, refusal.shape, close_code=refusal.close_code)
            return False
        connection.post({"type": "res", "id": request_id, "ok": True, "payload": hello})
        connection.is_ready = True
        return True

    async def _serve_calls(self, connection: Connection) -> None:
        async for raw in connection.websocket:
            if self.faults.is_half_open:
                continue
            try:
                frame = json.loads(raw)
                request_id, method = str(frame["id"]), str(frame["method"])
            except (ValueError, KeyError, TypeError):
                await connection.websocket.close(1008, "invalid frame")
                return
            self.calls.append(SeenCall(method, frame.get("params") or {}))
            self._spawn(self._answer(connection, request_id, method, frame.get("params")))

    async def _answer(
        self, connection: Connection, request_id: str, method: str, params: Any
    ) -> None:
        faults = self.faults
        if faults.is_silent(method):
            return
        delay = faults.delay_of(method)
        if delay:
            await asyncio.sleep(delay)
        frame: dict[str, Any] = {"type": "res", "id": request_id, "ok": True}
        try:
            frame["payload"] = await self._handle(connection, method, params)
        except Refusal as refusal:
            frame["ok"], frame["error"] = False, refusal.shape
        with contextlib.suppress(ConnectionClosed):
            connection.post(frame)

    async def _handle(self, connection: Connection, method: str, params: Any) -> Any:
        fault = self.faults.refuse.get(method)
        if fault is not None:
            raise Refusal(
                fault.message,
                code=fault.code,
                details=fault.details,
                is_retryable=fault.is_retryable,
                retry_after_ms=fault.retry_after_ms,
            )
        entry = METHODS.get(method)
        if entry is None or method in self.faults.hidden_methods:
            raise Refusal(f"unknown method: {method}")
        check_scope(entry, connection.scopes)
        outcome = entry.handler(Call(self, connection, check_params(entry, params or {})))
        return await outcome if inspect.isawaitable(outcome) else outcome


def _json_response(status: http.HTTPStatus, body: Mapping[str, Any]) -> Response:
    raw = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(raw))})
    return Response(status.value, status.phrase, headers, raw)
