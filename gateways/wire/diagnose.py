"""The connection doctor: ordered checks of a gateway, each with what to do next.

The texts are English sentences for operators; callers translate by ``Check.key`` and ``cause``.

Source: core specification, error texts for people and version rule; OpenClaw gateway protocol 4.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateways.wire.advice import advice_for
from gateways.wire.client import REVIEWER_CAPS, GatewayClient
from gateways.wire.errors import (
    AddressRefused,
    Cause,
    GatewayConnectError,
    GatewayError,
    MissingScopes,
)
from gateways.wire.frames import ALL_SCOPES
from gateways.wire.redact import redact_text
from gateways.wire.target import Target
from gateways.wire.transport import open_socket, resolve_by_system, tls_context, tls_failure
from gateways.wire.version import DEFAULT_MINIMUM, judge_version

#: Methods without which Mission Control cannot do its work.
NEEDED_METHODS = (
    "agents.create",
    "agents.update",
    "agents.delete",
    "agents.list",
    "agents.files.list",
    "agents.files.get",
    "agents.files.set",
    "config.get",
    "config.patch",
    "sessions.list",
    "sessions.patch",
    "sessions.reset",
    "sessions.delete",
    "chat.send",
    "chat.history",
    "chat.abort",
    "wake",
    "exec.approval.list",
    "exec.approval.resolve",
)
_HTTP_LIMIT_BYTES = 4096


class State(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        key: address, tcp, http, tls, handshake, pairing, scopes, version, methods, exec_policy.
        finding: what was seen, one sentence.
        next_step: what to do, empty when nothing.
        figure_ms: how long it took, None when it did not run.

    """

    key: str
    state: State
    finding: str
    next_step: str = ""
    figure_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the doctor is told.

    Attributes:
        minimum_version: ``GATEWAY_MIN_VERSION``.
        in_container: Mission Control runs in a container, so ``localhost`` means the container.
        origin: origin to allow on the gateway, named in the hint for browser mode.
        timeout_seconds: per check.

    """

    minimum_version: str = DEFAULT_MINIMUM
    in_container: bool = False
    origin: str = ""
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Result of the doctor.

    Attributes:
        checks: in the order in which they were made.
        cause: why the gateway cannot be used, None when it can.
        error: the error behind ``cause``.
        version: reported by the gateway.
        exec_mode: ``tools.exec.mode``, empty when unknown; ``full`` means that commands run
            without questions.
        device_token: issued at this connection for a paired device. Secret; to be sealed.

    """

    checks: tuple[Check, ...]
    cause: Cause | None
    error: GatewayError | None = None
    version: str = ""
    exec_mode: str = ""
    device_token: str = field(default="", repr=False)

    @property
    def is_usable(self) -> bool:
        """Whether Mission Control can work with the gateway."""
        return self.cause is None


async def diagnose(target: Target, options: Options | None = None) -> Diagnosis:
    """Check a gateway from the address to its exec policy; never raises for a bad gateway."""
    return await _Doctor(target, options or Options()).run()


_ORDER = (
    "address",
    "tcp",
    "http",
    "tls",
    "handshake",
    "pairing",
    "scopes",
    "version",
    "methods",
    "exec_policy",
)


class _Doctor:
    def __init__(self, target: Target, options: Options) -> None:
        self.target, self.options = target, options
        self.checks: list[Check] = []
        self.error: GatewayError | None = None
        self.version = self.exec_mode = self.device_token = ""

    async def run(self) -> Diagnosis:
        for step in (self._address, self._tcp, self._http_and_tls, self._session):
            await step()
            if self.error is not None:
                break
        done = {check.key for check in self.checks}
        for key in _ORDER:
            if key not in done:
                self._note(key, State.SKIPPED, "Not checked.")
        self.checks.sort(key=lambda check: _ORDER.index(check.key))
        return Diagnosis(
            tuple(self.checks),
            self.error.cause if self.error else None,
            self.error,
            self.version,
            self.exec_mode,
            self.device_token,
        )

    def _note(
        self,
        key: str,
        state: State,
        finding: str,
        *,
        next_step: str = "",
        since: float | None = None,
    ) -> None:
        took = None if since is None else round((time.perf_counter() - since) * 1000, 1)
        secrets = (self.target.token, self.target.device_token)
        finding = redact_text(finding, secrets)
        self.checks.append(Check(key, state, finding, redact_text(next_step, secrets), took))

    def _fail(self, key: str, error: GatewayError, *, since: float) -> None:
        self.error = error
        advice = advice_for(
            error,
            self.target,
            in_container=self.options.in_container,
            origin=self.options.origin,
        )
        self._note(key, State.FAIL, error.message, next_step=advice, since=since)

    async def _guarded(self, key: str, work: Callable[[], Awaitable[str]]) -> None:
        """Run a step; its text becomes the finding, its ``GatewayError`` the failure."""
        since = time.perf_counter()
        limit = self.options.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                finding = await work()
        except GatewayError as error:
            self._fail(key, error, since=since)
        except TimeoutError:
            late = GatewayConnectError(f"No answer within {limit:g} s", cause=Cause.TIMEOUT)
            self._fail(key, late, since=since)
        else:
            self._note(key, State.OK, finding, since=since)

    async def _address(self) -> None:
        async def work() -> str:
            endpoint = self.target.endpoint
            resolve = self.target.resolve or resolve_by_system
            addresses = await resolve(endpoint.host, endpoint.port)
            if not addresses:
                raise AddressRefused(f"{endpoint.host} has no address that may be called")
            return f"{endpoint.host} is {', '.join(addresses[:3])}; calling it is allowed."

        await self._guarded("address", work)

    async def _tcp(self) -> None:
        async def work() -> str:
            (await open_socket(self.target)).close()
            return f"{self.target.endpoint.authority} accepts connections."

        await self._guarded("tcp", work)

    async def _http_and_tls(self) -> None:
        endpoint = self.target.endpoint

        async def work() -> str:
            answer = await _fetch_health(self.target)
            if answer.get("ok") is True and answer.get("status") == "live":
                return "An OpenClaw gateway answers on this port."
            raise GatewayConnectError(
                f"{endpoint.authority} answers, but it is not an OpenClaw gateway",
                cause=Cause.WRONG_PORT,
            )

        since = time.perf_counter()
        await self._guarded("http", work)
        error = self.error
        if error is not None and error.cause is Cause.TLS:
            self.checks.pop()
            self._fail("tls", error, since=since)
        elif error is None:
            self._note_tls()

    def _note_tls(self) -> None:
        if not self.target.endpoint.is_secure:
            self._note("tls", State.SKIPPED, "The address is ws://, without TLS.")
        elif self.target.allow_insecure_tls:
            self._note(
                "tls",
                State.WARN,
                "The certificate is not checked.",
                next_step="Give the gateway a valid certificate and switch the exception off.",
            )
        else:
            self._note("tls", State.OK, "The certificate is valid.")

    async def _session(self) -> None:
        since = time.perf_counter()
        try:
            async with GatewayClient.connect(
                self.target,
                caps=REVIEWER_CAPS,
                require_scopes=(),
                connect_timeout=self.options.timeout_seconds,
            ) as client:
                self._note("handshake", State.OK, "The gateway accepted the token.", since=since)
                await self._inspect(client)
        except GatewayError as error:
            if error.cause is Cause.PAIRING:
                self._note("handshake", State.OK, "The gateway accepted the token.", since=since)
                self._fail("pairing", error, since=since)
            else:
                self._fail("handshake", error, since=since)

    async def _inspect(self, client: GatewayClient) -> None:
        self.version = client.hello.version
        self.device_token = client.hello.device_token
        self._check_pairing(client)
        missing = client.hello.missing_scopes(ALL_SCOPES)
        since = time.perf_counter()
        if missing:
            sent = self.target.identity is not None and not self.target.disable_device_pairing
            self._fail("scopes", MissingScopes(missing, device_sent=sent), since=since)
            return
        self._note("scopes", State.OK, "All needed scopes are granted.", since=since)
        config = await self._config(client)
        self._check_version(config, since=since)
        if self.error is None:
            self._check_methods(client)
            self._check_exec_policy(config)

    def _check_pairing(self, client: GatewayClient) -> None:
        if client.hello.device_token:
            self._note("pairing", State.OK, "This device is paired with the gateway.")
        elif self.target.disable_device_pairing or self.target.identity is None:
            self._note("pairing", State.SKIPPED, "No device identity is sent.")
        else:
            self._note("pairing", State.OK, "The gateway asks for no pairing from this address.")

    async def _config(self, client: GatewayClient) -> dict[str, Any]:
        try:
            answer = await client.call("config.get", {}, timeout=self.options.timeout_seconds)
        except GatewayError:
            return {}
        config = answer.get("config") if isinstance(answer, dict) else None
        return config if isinstance(config, dict) else {}

    def _check_version(self, config: dict[str, Any], *, since: float) -> None:
        meta = config.get("meta")
        touched = meta.get("lastTouchedVersion") if isinstance(meta, dict) else ""
        self.version = self.version or str(touched or "")
        verdict = judge_version(self.version, self.options.minimum_version)
        if verdict.is_compatible:
            self._note("version", State.OK, verdict.text, since=since)
        else:
            self._fail("version", GatewayError(verdict.text, cause=Cause.VERSION), since=since)

    def _check_methods(self, client: GatewayClient) -> None:
        missing = [m for m in NEEDED_METHODS if not client.supports(m)]
        if missing:
            self._note(
                "methods",
                State.WARN,
                "The gateway does not offer: " + ", ".join(missing),
                next_step="Update the gateway: openclaw update",
            )
        else:
            self._note("methods", State.OK, "The gateway offers everything that is needed.")

    def _check_exec_policy(self, config: dict[str, Any]) -> None:
        tools = config.get("tools")
        policy = tools.get("exec") if isinstance(tools, dict) else None
        mode = policy.get("mode") if isinstance(policy, dict) else None
        self.exec_mode = str(mode or ("full" if config else ""))
        match self.exec_mode:
            case "":
                self._note("exec_policy", State.WARN, "The exec policy could not be read.")
            case "full":
                self._note(
                    "exec_policy",
                    State.WARN,
                    "Commands of agents run without approval (tools.exec.mode is full).",
                    next_step="To have them approved here: openclaw config set tools.exec.mode ask",
                )
            case "deny":
                self._note(
                    "exec_policy",
                    State.WARN,
                    "Agents cannot run commands (tools.exec.mode is deny), so they cannot call "
                    "Mission Control.",
                    next_step="openclaw config set tools.exec.mode ask",
                )
            case mode:
                self._note("exec_policy", State.OK, f"Commands are gated (mode {mode}).")


async def _fetch_health(target: Target) -> dict[str, Any]:
    """``GET /health`` on the target's port, at the checked address and without redirects.

    Raises:
        GatewayConnectError: cause tls, wrong_port or unreachable.

    """
    endpoint = target.endpoint
    secure: dict[str, Any] = {}
    if endpoint.is_secure:
        context = tls_context(allow_insecure=target.allow_insecure_tls)
        secure = {"ssl": context, "server_hostname": endpoint.host}
    sock = await open_socket(target)
    try:
        reader, writer = await asyncio.open_connection(sock=sock, **secure)
    except ssl.SSLError as error:
        sock.close()
        raise tls_failure(endpoint.authority, error) from error
    except OSError as error:
        sock.close()
        raise GatewayConnectError(
            f"{endpoint.authority} hung up", cause=Cause.WRONG_PORT
        ) from error
    try:
        writer.write(
            f"GET /health HTTP/1.1\r\nHost: {endpoint.authority}\r\n"
            "Accept: application/json\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        raw = await _read_all(reader)
    except OSError:
        raw = b""
    finally:
        writer.close()
    return _health_of(raw, endpoint.authority)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    raw = b""
    while len(raw) < _HTTP_LIMIT_BYTES:
        part = await reader.read(_HTTP_LIMIT_BYTES)
        if not part:
            break
        raw += part
    return raw


def _health_of(raw: bytes, where: str) -> dict[str, Any]:
    head, _, body = raw.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        raise GatewayConnectError(
            f"{where} does not speak HTTP; the port belongs to another service, or it expects TLS",
            cause=Cause.WRONG_PORT,
        )
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        answer = json.loads(body[start : end + 1]) if start >= 0 else {}
    except ValueError:
        answer = {}
    return answer if isinstance(answer, dict) else {}
