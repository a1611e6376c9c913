"""Errors of the gateway wire, sorted into the causes that an operator can act on.

Source: OpenClaw gateway protocol 4, error shape ``{code, message, details, retryable,
retryAfterMs}`` and the handshake error codes.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """Why a gateway cannot be used; every cause has its own next step in the doctor."""

    UNREACHABLE = "unreachable"
    WRONG_PORT = "wrong_port"
    TLS = "tls"
    TOKEN = "token"  # noqa: S105 (a name, no secret)
    DEVICE = "device"
    RATE_LIMITED = "rate_limited"
    SCOPE = "scope"
    PAIRING = "pairing"
    ORIGIN = "origin"
    VERSION = "version"
    PROTOCOL = "protocol"
    ADDRESS_GUARD = "address_guard"
    STARTING = "starting"
    RESTARTING = "restarting"
    PROXY_ATTRIBUTION = "proxy_attribution"
    TIMEOUT = "timeout"
    REFUSED = "refused"


#: Causes that a reconnect can heal; all others wait for a person.
TRANSIENT_CAUSES = frozenset(
    {Cause.UNREACHABLE, Cause.STARTING, Cause.RESTARTING, Cause.TIMEOUT, Cause.RATE_LIMITED}
)

#: Causes that stay until somebody changes the gateway or our settings.
FINAL_CAUSES = frozenset(Cause) - TRANSIENT_CAUSES

_DETAIL_CAUSES = {
    "PROTOCOL_MISMATCH": Cause.VERSION,
    "AUTH_TOKEN_MISMATCH": Cause.TOKEN,
    "AUTH_TOKEN_MISSING": Cause.TOKEN,
    "AUTH_PASSWORD_MISMATCH": Cause.TOKEN,
    "AUTH_PASSWORD_MISSING": Cause.TOKEN,
    "AUTH_UNAUTHORIZED": Cause.TOKEN,
    "AUTH_DEVICE_TOKEN_MISMATCH": Cause.TOKEN,
    "AUTH_RATE_LIMITED": Cause.RATE_LIMITED,
    "DEVICE_IDENTITY_REQUIRED": Cause.TOKEN,
    "PAIRING_REQUIRED": Cause.PAIRING,
    "MISSING_SCOPE": Cause.SCOPE,
    "CONTROL_UI_ORIGIN_NOT_ALLOWED": Cause.ORIGIN,
    "CONTROL_UI_DEVICE_IDENTITY_REQUIRED": Cause.PAIRING,
}

_CLOSE_CAUSES = {1002: Cause.PROTOCOL, 1012: Cause.RESTARTING, 1013: Cause.STARTING}


class GatewayError(Exception):
    """Anything that goes wrong between Mission Control and a gateway.

    Attributes:
        cause: the doctor's cause.
        code: ``error.code`` of the gateway, empty for local failures.
        detail_code: ``error.details.code``.
        reason: ``error.details.reason``.
        details: the whole ``error.details``.
        retryable: the same call may succeed later without a person.
        retry_after_ms: wait at least so many milliseconds, if the gateway said so.

    """

    cause: Cause = Cause.PROTOCOL

    def __init__(
        self,
        message: str,
        *,
        cause: Cause | None = None,
        code: str = "",
        details: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if cause is not None:
            self.cause = cause
        self.code = code
        self.details: dict[str, Any] = dict(details or {})
        self.detail_code = str(self.details.get("code") or "")
        self.reason = str(self.details.get("reason") or "")
        self.retryable = self.cause in TRANSIENT_CAUSES if retryable is None else retryable
        self.retry_after_ms = retry_after_ms

    @property
    def request_id(self) -> str:
        """Pairing request that waits for an operator, empty otherwise."""
        return str(self.details.get("requestId") or "")

    @property
    def device_id(self) -> str:
        """Device that the gateway wants paired, empty otherwise."""
        return str(self.details.get("deviceId") or "")


class GatewayConnectError(GatewayError):
    """No usable connection: address, transport or handshake failed."""

    cause = Cause.UNREACHABLE


class AddressRefused(GatewayConnectError):
    """The address guard refused the target; raised by the caller's resolver."""

    cause = Cause.ADDRESS_GUARD


class HandshakeRefused(GatewayConnectError):
    """The gateway answered the connect request with an error."""

    cause = Cause.PROTOCOL


class MissingScopes(GatewayConnectError):
    """The handshake was accepted, but without the scopes that were asked for."""

    cause = Cause.SCOPE

    def __init__(self, missing: tuple[str, ...], *, device_sent: bool) -> None:
        super().__init__(
            "The gateway accepted the connection but withheld: " + ", ".join(missing),
            details={"code": "MISSING_SCOPE", "requiredScopes": list(missing)},
        )
        self.missing = missing
        self.device_sent = device_sent


class GatewayClosed(GatewayError):
    """The connection ended while it was needed."""

    def __init__(self, close_code: int, close_reason: str) -> None:
        super().__init__(
            f"The gateway connection closed ({close_code} {close_reason or 'no reason'})",
            cause=cause_of_close(close_code),
        )
        self.close_code = close_code
        self.close_reason = close_reason


class FrameTooLarge(GatewayError):
    """A frame exceeds the limit of the gateway and was not sent."""

    cause = Cause.REFUSED

    def __init__(self, method: str, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"{method}: the frame has {size_bytes} bytes, the gateway takes {limit_bytes}",
            retryable=False,
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class CallTimeout(GatewayError):
    """No answer within the time limit; whether the call took effect is unknown."""

    cause = Cause.TIMEOUT

    def __init__(self, method: str, *, timeout_seconds: float) -> None:
        super().__init__(f"{method}: no answer within {timeout_seconds:g} s")
        self.method = method
        self.timeout_seconds = timeout_seconds


class GatewayCallError(GatewayError):
    """The gateway refused a call."""

    cause = Cause.REFUSED

    def __init__(self, message: str, *, method: str = "", **fields: Any) -> None:
        super().__init__(message, **fields)
        self.method = method


class MissingScopeError(GatewayCallError):
    """The connection lacks a scope for this method."""

    cause = Cause.SCOPE


class UnknownMethodError(GatewayCallError):
    """This gateway does not know the method."""


class AlreadyExistsError(GatewayCallError):
    """The thing to create is there already."""


class RemoteNotFoundError(GatewayCallError):
    """The gateway does not know the named agent, job, device or approval (or not yet)."""


class UnsupportedFileError(GatewayCallError):
    """The workspace file name is not one that the gateway lets clients write."""


class StaleHashError(GatewayCallError):
    """The configuration, approvals document or file changed since it was read."""


class InvalidConfigError(GatewayCallError):
    """The gateway rejected a configuration; ``issues`` name the paths."""

    @property
    def issues(self) -> list[dict[str, Any]]:
        """``[{path, message}]`` as the gateway reported them."""
        found = self.details.get("issues")
        return [i for i in found if isinstance(i, dict)] if isinstance(found, list) else []


class AlreadyResolvedError(GatewayCallError):
    """The approval was decided elsewhere."""


_MESSAGE_CLASSES: tuple[tuple[re.Pattern[str], type[GatewayCallError]], ...] = (
    (re.compile(r"^unknown method: "), UnknownMethodError),
    (re.compile(r"already exists"), AlreadyExistsError),
    (re.compile(r"unsupported file"), UnsupportedFileError),
    (re.compile(r"changed since last load|base hash required"), StaleHashError),
    (re.compile(r"^invalid config"), InvalidConfigError),
    (re.compile(r"not found|no longer exists in configuration"), RemoteNotFoundError),
)


def call_error(method: str, shape: Mapping[str, Any]) -> GatewayCallError:
    """Turn the error of a response frame into the narrowest exception."""
    details = shape.get("details")
    details = details if isinstance(details, dict) else {}
    message = str(shape.get("message") or shape.get("code") or "refused without a message")
    fields: dict[str, Any] = {
        "method": method,
        "code": str(shape.get("code") or ""),
        "details": details,
        "retryable": bool(shape.get("retryable", shape.get("code") == "UNAVAILABLE")),
        "retry_after_ms": _milliseconds(shape.get("retryAfterMs")),
    }
    return _call_class(message, details)(message, **fields)


def _call_class(message: str, details: Mapping[str, Any]) -> type[GatewayCallError]:
    if details.get("code") == "MISSING_SCOPE":
        return MissingScopeError
    if details.get("type") == "agent_file_conflict":
        return StaleHashError
    match details.get("reason"):
        case "APPROVAL_ALREADY_RESOLVED":
            return AlreadyResolvedError
        case "APPROVAL_NOT_FOUND":
            return RemoteNotFoundError
    for pattern, kind in _MESSAGE_CLASSES:
        if pattern.search(message):
            return kind
    return GatewayCallError


def handshake_error(shape: Mapping[str, Any]) -> HandshakeRefused:
    """Turn the error that answers ``connect`` into an exception with its cause."""
    details = shape.get("details")
    details = details if isinstance(details, dict) else {}
    cause = cause_of_handshake(shape)
    return HandshakeRefused(
        str(shape.get("message") or "handshake refused"),
        cause=cause,
        code=str(shape.get("code") or ""),
        details=details,
        retryable=cause in TRANSIENT_CAUSES,
        retry_after_ms=_milliseconds(shape.get("retryAfterMs")),
    )


def cause_of_handshake(shape: Mapping[str, Any]) -> Cause:  # noqa: PLR0911 (one answer per case)
    """Sort a handshake error: by ``details.code`` first, by text only where no code exists."""
    details = shape.get("details")
    details = details if isinstance(details, dict) else {}
    code = str(details.get("code") or "")
    if code in _DETAIL_CAUSES:
        return _DETAIL_CAUSES[code]
    if code.startswith("DEVICE_AUTH_"):
        return Cause.DEVICE
    if shape.get("code") == "UNAVAILABLE":
        return Cause.STARTING
    if shape.get("code") == "NOT_PAIRED":
        return Cause.PAIRING
    message = str(shape.get("message") or "").lower()
    if "protocol" in message and "mismatch" in message:
        return Cause.VERSION
    if "unauthorized" in message or "token mismatch" in message:
        return Cause.TOKEN
    if "origin not allowed" in message:
        return Cause.ORIGIN
    return Cause.PROTOCOL


def cause_of_close(code: int) -> Cause:
    """Sort a WebSocket close code."""
    return _CLOSE_CAUSES.get(code, Cause.UNREACHABLE)


def cause_of_tls(error: ssl.SSLError) -> Cause:
    """A certificate problem is TLS; a peer that speaks no TLS at all is the wrong port."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Cause.TLS
    reason = (error.reason or "").upper()
    plain = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH")
    return Cause.WRONG_PORT if any(mark in reason for mark in plain) else Cause.TLS


def _milliseconds(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 0 else None
