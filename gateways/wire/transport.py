"""Opening the WebSocket: resolved and pinned address, TLS, and a named cause for failures."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from gateways.wire.errors import Cause, GatewayConnectError, cause_of_tls
from gateways.wire.frames import DEFAULT_MAX_PAYLOAD_BYTES
from gateways.wire.target import Endpoint, Target

#: Answers such as the configuration schema take megabytes; a margin above the frame limit.
READ_LIMIT_BYTES = DEFAULT_MAX_PAYLOAD_BYTES + 1024 * 1024
CLOSE_TIMEOUT_SECONDS = 1.0
_PROXY_MARK = b"proxy_attribution_required"

# The library logs request headers and frames at debug level; frames may hold secrets.
_quiet_logger = logging.getLogger("gateways.wire.websocket")
_quiet_logger.setLevel(logging.WARNING)


class _PinnedConnect(ws_connect):
    """The library's connector without redirects: one could leave the checked address."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Every address the system's resolver knows for a host, in its order.

    Raises:
        GatewayConnectError: the name is unknown.

    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise GatewayConnectError(f"The host name {host} is unknown here") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def open_socket(target: Target) -> socket.socket:
    """A TCP connection to one of the target's checked addresses.

    Raises:
        AddressRefused: the caller's guard refused the address.
        GatewayConnectError: name unknown, or no address answers.

    """
    endpoint = target.endpoint
    resolve = target.resolve or resolve_by_system
    addresses: Sequence[str] = await resolve(endpoint.host, endpoint.port)
    failure = "no address"
    for address in addresses:
        try:
            return await _dial(address, endpoint.port)
        except OSError as error:
            failure = f"{address}: {os.strerror(error.errno) if error.errno else error}"
    raise GatewayConnectError(f"Nothing answers at {endpoint.authority} ({failure})")


async def _dial(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)  # noqa: FBT003 (the system's signature)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def tls_context(*, allow_insecure: bool) -> ssl.SSLContext:
    """TLS settings; the insecure form skips certificate and host name checks."""
    context = ssl.create_default_context()
    if allow_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def open_websocket(target: Target, *, timeout_seconds: float) -> ClientConnection:
    """Open the WebSocket of a target.

    Raises:
        GatewayConnectError: with the cause: unreachable, wrong_port, tls, proxy_attribution,
            timeout, address_guard.

    """
    endpoint = target.endpoint
    try:
        async with asyncio.timeout(timeout_seconds):
            sock = await open_socket(target)
            with contextlib.ExitStack() as undo:
                undo.callback(sock.close)
                connection = await _upgrade(target, endpoint, sock)
                undo.pop_all()
                return connection
    except TimeoutError as error:
        raise GatewayConnectError(
            f"{endpoint.authority} did not answer within {timeout_seconds:g} s",
            cause=Cause.TIMEOUT,
        ) from error


async def _upgrade(target: Target, endpoint: Endpoint, sock: socket.socket) -> ClientConnection:
    secure: dict[str, Any] = {}
    if endpoint.is_secure:
        secure["ssl"] = tls_context(allow_insecure=target.allow_insecure_tls)
    try:
        return await _PinnedConnect(
            endpoint.ws_url,
            sock=sock,
            compression=None,
            max_size=READ_LIMIT_BYTES,
            ping_interval=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_SECONDS,
            proxy=None,
            logger=_quiet_logger,
            additional_headers=dict(target.headers),
            **secure,
        )
    except ssl.SSLError as error:
        raise tls_failure(endpoint.authority, error) from error
    except (OSError, EOFError, WebSocketException) as error:
        raise _transport_error(endpoint, error) from error


def tls_failure(where: str, error: ssl.SSLError) -> GatewayConnectError:
    """A failed TLS handshake: certificate trouble, or a port that speaks no TLS."""
    return GatewayConnectError(
        f"TLS with {where} failed: {_tls_text(error)}", cause=cause_of_tls(error)
    )


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "handshake failure").replace("_", " ").lower()


def _transport_error(endpoint: Endpoint, error: BaseException) -> GatewayConnectError:
    where = endpoint.authority
    match error:
        case InvalidStatus():
            return _status_error(where, error)
        case InvalidMessage() | EOFError() | InvalidHandshake():
            return GatewayConnectError(
                f"{where} answers, but not as a WebSocket", cause=Cause.WRONG_PORT, retryable=False
            )
        case InvalidURI():
            return GatewayConnectError(f"The gateway address is unusable: {where}", retryable=False)
    return GatewayConnectError(f"The connection to {where} broke: {type(error).__name__}")


def _status_error(where: str, error: InvalidStatus) -> GatewayConnectError:
    response = error.response
    if response.status_code == 403 and _PROXY_MARK in bytes(response.body or b""):
        return GatewayConnectError(
            f"{where} refuses forwarded connections from an unknown proxy",
            cause=Cause.PROXY_ATTRIBUTION,
        )
    if response.status_code in {502, 503, 504}:
        return GatewayConnectError(f"{where} answers HTTP {response.status_code}")
    return GatewayConnectError(
        f"{where} answers HTTP {response.status_code} instead of a WebSocket",
        cause=Cause.WRONG_PORT,
    )
