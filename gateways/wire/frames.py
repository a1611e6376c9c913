"""Frames of the gateway wire: text frames with one JSON object each.

Source: OpenClaw gateway protocol 4, sections transport, handshake and hello-ok.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from gateways.wire.errors import Cause, GatewayError

PROTOCOL_VERSION = 4
CHALLENGE_EVENT = "connect.challenge"
#: Largest frame before hello-ok.
HANDSHAKE_LIMIT_BYTES = 64 * 1024
#: Largest frame afterwards, unless the gateway says otherwise.
DEFAULT_MAX_PAYLOAD_BYTES = 26_214_400
DEFAULT_TICK_MS = 30_000

ALL_SCOPES = (
    "operator.read",
    "operator.write",
    "operator.admin",
    "operator.approvals",
    "operator.pairing",
)


class ErrorShape(TypedDict):
    """``error`` of a refused response."""

    code: str
    message: str
    details: NotRequired[Any]
    retryable: NotRequired[bool]
    retryAfterMs: NotRequired[int]


class RequestFrame(TypedDict):
    """What a client sends."""

    type: Literal["req"]
    id: str
    method: str
    params: Mapping[str, Any]


class ResponseFrame(TypedDict):
    """What answers a request."""

    type: Literal["res"]
    id: str
    ok: bool
    payload: NotRequired[Any]
    error: NotRequired[ErrorShape]


class EventFrame(TypedDict):
    """What the gateway reports by itself."""

    type: Literal["event"]
    event: str
    payload: NotRequired[Any]
    seq: NotRequired[int]
    stateVersion: NotRequired[Any]


@dataclass(frozen=True, slots=True)
class Response:
    """A parsed response; ``error`` is None exactly when ``ok``."""

    id: str
    ok: bool
    payload: Any
    error: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Event:
    """A parsed event; ``payload`` is the gateway's, an empty dict when it sent none."""

    name: str
    payload: dict[str, Any]
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """What the gateway promises for this connection."""

    protocol: int
    version: str
    boot_id: str
    connection_id: str
    methods: frozenset[str]
    events: frozenset[str]
    scopes: frozenset[str]
    auth_method: str
    device_token: str
    max_payload_bytes: int
    tick_interval_ms: int
    snapshot: dict[str, Any] = field(repr=False)

    def missing_scopes(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The wanted scopes that this connection does not hold (admin implies all operator's)."""
        if "operator.admin" in self.scopes:
            return tuple(s for s in wanted if not s.startswith("operator."))
        held = set(self.scopes)
        if "operator.write" in held:
            held.add("operator.read")
        return tuple(s for s in wanted if s not in held)


def request_text(request_id: str, method: str, params: Mapping[str, Any]) -> str:
    """A request frame, ready to send."""
    frame = RequestFrame(type="req", id=request_id, method=method, params=params)
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def parse_frame(raw: str | bytes) -> Response | Event:
    """Parse a frame that a gateway sent.

    Raises:
        GatewayError: not a frame of this protocol (cause ``protocol``).

    """
    try:
        frame = json.loads(raw)
    except ValueError as error:
        raise GatewayError("The gateway sent a frame that is not JSON") from error
    if not isinstance(frame, dict):
        raise GatewayError("The gateway sent a frame that is not an object")
    match frame.get("type"):
        case "res":
            return _response(frame)
        case "event":
            payload = frame.get("payload")
            seq = frame.get("seq")
            return Event(
                name=str(frame.get("event") or ""),
                payload=payload if isinstance(payload, dict) else {},
                seq=seq if isinstance(seq, int) else None,
            )
        case other:
            raise GatewayError(f"The gateway sent an unknown frame type {str(other)[:40]!r}")


def _response(frame: Mapping[str, Any]) -> Response:
    ok = frame.get("ok") is True
    error = frame.get("error")
    if not ok and not isinstance(error, dict):
        error = {"code": "", "message": str(error or "refused without a reason")}
    return Response(
        id=str(frame.get("id") or ""),
        ok=ok,
        payload=frame.get("payload"),
        error=None if ok else error,
    )


def parse_hello(payload: Any) -> Hello:
    """Parse the payload of hello-ok.

    Raises:
        GatewayError: the answer is no hello-ok (cause ``protocol``).

    """
    if not isinstance(payload, dict) or payload.get("type") != "hello-ok":
        raise GatewayError("The answer to the handshake is not hello-ok", cause=Cause.PROTOCOL)
    server, features = _part(payload, "server"), _part(payload, "features")
    auth, policy = _part(payload, "auth"), _part(payload, "policy")
    return Hello(
        protocol=_whole(payload.get("protocol"), 0),
        version=str(server.get("version") or ""),
        boot_id=str(server.get("bootId") or ""),
        connection_id=str(server.get("connId") or ""),
        methods=_names(features.get("methods")),
        events=_names(features.get("events")),
        scopes=_names(auth.get("scopes")),
        auth_method=str(auth.get("method") or ""),
        device_token=str(auth.get("deviceToken") or ""),
        max_payload_bytes=_whole(policy.get("maxPayload"), DEFAULT_MAX_PAYLOAD_BYTES),
        tick_interval_ms=_whole(policy.get("tickIntervalMs"), DEFAULT_TICK_MS),
        snapshot=_part(payload, "snapshot"),
    )


def _part(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def _names(value: object) -> frozenset[str]:
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, list)
        else frozenset()
    )


def _whole(value: object, default: int) -> int:
    return (
        value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
    )
