"""The simulated gateway's side of ``connect``.

Source: OpenClaw gateway protocol 4, handshake, device identity and handshake errors.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from gateways.simulator.connection import Connection
from gateways.simulator.registry import METHODS, Refusal
from gateways.simulator.world import PairedDevice, now_ms
from gateways.wire.frames import PROTOCOL_VERSION
from gateways.wire.identity import SignedFacts, decode_base64url, device_id_of, verify_signature

MAX_PAYLOAD_BYTES = 26_214_400
EVENTS = [
    "connect.challenge",
    "agent",
    "chat",
    "session.message",
    "sessions.changed",
    "presence",
    "tick",
    "shutdown",
    "health",
    "heartbeat",
    "cron",
    "config.changed",
    "device.pair.requested",
    "device.pair.resolved",
    "exec.approval.requested",
    "exec.approval.resolved",
]
CLIENT_IDS = frozenset(
    [
        "webchat-ui",
        "openclaw-control-ui",
        "openclaw-browser-copilot",
        "openclaw-tui",
        "webchat",
        "cli",
        "gateway-client",
        "openclaw-macos",
        "openclaw-linux",
        "openclaw-ios",
        "openclaw-watchos",
        "openclaw-android",
        "node-host",
        "openclaw-worker",
        "test",
        "fingerprint",
        "openclaw-probe",
    ]
)
CLIENT_MODES = frozenset(["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"])
_CONNECT_KEYS = frozenset(
    [
        "minProtocol",
        "maxProtocol",
        "client",
        "role",
        "scopes",
        "caps",
        "auth",
        "device",
        "locale",
        "userAgent",
        "commands",
        "permissions",
        "pathEnv",
    ]
)
_CLIENT_KEYS = frozenset(
    [
        "id",
        "mode",
        "version",
        "platform",
        "displayName",
        "deviceFamily",
        "modelIdentifier",
        "instanceId",
        "timeZone",
        "buildId",
    ]
)
_DEVICE_KEYS = ("id", "publicKey", "signature", "signedAt", "nonce")
_SESSION_DEFAULTS = {
    "defaultAgentId": "main",
    "mainKey": "main",
    "mainSessionKey": "agent:main:main",
    "scope": "per-sender",
}
_SIGNATURE_LIFE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the gateway sent first."""

    nonce: str
    ts: int


class HandshakeRefusal(Refusal):
    """Ends the handshake with an error and a close code."""

    def __init__(self, message: str, *, close_code: int = 1008, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.close_code = close_code


def _refuse(message: str, code: str, **details: Any) -> HandshakeRefusal:
    return HandshakeRefusal(message, details={"code": code, **details})


def accept(connection: Connection, challenge: Challenge, params: Any) -> dict[str, Any]:
    """Judge a connect request; marks the connection ready and returns the hello payload.

    Raises:
        HandshakeRefusal: with the error and the close code of the real gateway.

    """
    gateway = connection.gateway
    _check_form(params)
    if gateway.faults.is_starting or gateway.is_starting:
        raise HandshakeRefusal(
            "gateway starting; retry shortly",
            code="UNAVAILABLE",
            close_code=1013,
            details={"reason": "startup-sidecars"},
            is_retryable=True,
            retry_after_ms=500,
        )
    fault = gateway.faults.refuse.get("connect")
    if fault is not None:
        raise HandshakeRefusal(fault.message, code=fault.code, details=fault.details)
    _check_protocol(params)
    _check_browser(connection, params)
    device = params.get("device")
    auth_method = _authenticate(connection, params, device)
    if device is not None:
        _check_device(challenge, params, device)
    wanted = [s for s in params.get("scopes") or [] if isinstance(s, str)]
    paired = _pair(connection, params, device, wanted)
    granted = _granted(connection, params, device, wanted)
    connection.scopes = frozenset(granted) - gateway.faults.withheld_scopes
    connection.caps = frozenset(params.get("caps") or [])
    connection.client_id = params["client"]["id"]
    connection.display_name = params["client"].get("displayName") or connection.client_id
    connection.device_id = device["id"] if device else ""
    return _hello(connection, auth_method, paired)


def _check_form(params: Any) -> None:
    head = "invalid connect params: "
    if not isinstance(params, dict):
        raise HandshakeRefusal(head + "must be object")
    for key in ("minProtocol", "maxProtocol", "client"):
        if key not in params:
            raise HandshakeRefusal(f"{head}must have required property '{key}'")
    for key in params:
        if key not in _CONNECT_KEYS:
            raise HandshakeRefusal(f"{head}at root: unexpected property '{key}'")
    client = params["client"]
    if not isinstance(client, dict):
        raise HandshakeRefusal(f"{head}at /client: must be object")
    for key in client:
        if key not in _CLIENT_KEYS:
            raise HandshakeRefusal(f"{head}at /client: unexpected property '{key}'")
    for key in ("version", "platform"):
        if not isinstance(client.get(key), str) or not client[key]:
            raise HandshakeRefusal(f"{head}at /client/{key}: must be string")
    if client.get("id") not in CLIENT_IDS or client.get("mode") not in CLIENT_MODES:
        raise HandshakeRefusal(f"{head}at /client/id: must be equal to constant")


def _check_protocol(params: dict[str, Any]) -> None:
    low, high = params["minProtocol"], params["maxProtocol"]
    if isinstance(low, int) and isinstance(high, int) and low <= PROTOCOL_VERSION <= high:
        return
    raise HandshakeRefusal(
        "protocol mismatch",
        close_code=1002,
        details={
            "code": "PROTOCOL_MISMATCH",
            "expectedProtocol": PROTOCOL_VERSION,
            "clientMinProtocol": low,
            "clientMaxProtocol": high,
        },
    )


def _check_browser(connection: Connection, params: dict[str, Any]) -> None:
    if params["client"]["id"] != "openclaw-control-ui":
        return
    if not connection.websocket.request or not connection.websocket.request.headers.get("Origin"):
        raise _refuse("origin not allowed", "CONTROL_UI_ORIGIN_NOT_ALLOWED")
    if not params.get("device"):
        raise _refuse("device identity required", "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")


def _authenticate(
    connection: Connection, params: dict[str, Any], device: dict[str, Any] | None
) -> str:
    gateway = connection.gateway
    if gateway.faults.is_rate_limited:
        raise HandshakeRefusal(
            "unauthorized: too many failed authentication attempts (retry later)",
            details={"code": "AUTH_RATE_LIMITED", "authReason": "rate_limited"},
            is_retryable=True,
            retry_after_ms=300_000,
        )
    auth = params.get("auth") or {}
    secret = auth.get("token") or auth.get("password") or ""
    if secret and hmac.compare_digest(secret, gateway.token):
        return "token"
    paired = gateway.world.devices.get(device["id"]) if device else None
    offered = auth.get("deviceToken") or secret
    if paired and offered and hmac.compare_digest(offered, paired.token):
        return "device-token"
    raise _credential_refusal(auth, secret, device)


def _credential_refusal(
    auth: dict[str, Any], secret: str, device: dict[str, Any] | None
) -> HandshakeRefusal:
    update = "update_auth_credentials"
    if auth.get("deviceToken"):
        return _refuse(
            "unauthorized: device token mismatch (rotate/reissue device token)",
            "AUTH_DEVICE_TOKEN_MISMATCH",
            authReason="device_token_mismatch",
            canRetryWithDeviceToken=False,
            recommendedNextStep=update,
        )
    if secret:
        return _refuse(
            "unauthorized: gateway token mismatch (provide gateway auth token)",
            "AUTH_TOKEN_MISMATCH",
            authReason="token_mismatch",
            canRetryWithDeviceToken=device is not None,
            recommendedNextStep="retry_with_device_token" if device else update,
        )
    if device is None:
        return HandshakeRefusal(
            "device identity required",
            code="NOT_PAIRED",
            details={"code": "DEVICE_IDENTITY_REQUIRED"},
        )
    return _refuse(
        "unauthorized: gateway token missing (provide gateway auth token)",
        "AUTH_TOKEN_MISSING",
        authReason="token_missing",
        canRetryWithDeviceToken=False,
        recommendedNextStep="update_auth_configuration",
    )


def _check_device(challenge: Challenge, params: dict[str, Any], device: dict[str, Any]) -> None:
    for key in _DEVICE_KEYS:
        if key not in device:
            raise HandshakeRefusal(
                f"invalid connect params: at /device: must have required property '{key}'"
            )
    try:
        raw = decode_base64url(device["publicKey"])
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise _refuse("device public key invalid", "DEVICE_AUTH_PUBLIC_KEY_INVALID")
    if device_id_of(raw) != device["id"]:
        raise _refuse("device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH")
    if device["nonce"] != challenge.nonce:
        raise _refuse("device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH")
    if abs(device["signedAt"] - challenge.ts) > _SIGNATURE_LIFE_MS:
        raise _refuse("device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED")
    client, auth = params["client"], params.get("auth") or {}
    facts = SignedFacts(
        client_id=client["id"],
        client_mode=client["mode"],
        role=params.get("role") or "operator",
        scopes=params.get("scopes") or [],
        signed_at_ms=device["signedAt"],
        secret=auth.get("token") or auth.get("deviceToken") or auth.get("bootstrapToken") or "",
        nonce=device["nonce"],
        platform=client["platform"],
        device_family=client.get("deviceFamily") or "",
    )
    if not verify_signature(device["publicKey"], device["signature"], facts):
        raise _refuse("device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID")


def _pair(
    connection: Connection,
    params: dict[str, Any],
    device: dict[str, Any] | None,
    wanted: list[str],
) -> PairedDevice | None:
    """The pairing of the device; asks for one when the connection is remote and needs it."""
    if device is None:
        return None
    world, platform = connection.gateway.world, params["client"]["platform"].strip().lower()
    paired = world.devices.get(device["id"])
    if not connection.is_remote:
        return paired
    if paired is None:
        reason, text = "not-paired", "device is not approved yet"
    elif paired.platform != platform:
        reason, text = "metadata-upgrade", "device identity changed and must be re-approved"
    elif not set(wanted) <= set(paired.scopes) and "operator.admin" not in paired.scopes:
        reason, text = "scope-upgrade", "more scopes need a new approval"
    else:
        return paired
    request = _pairing_request(connection, params, device, wanted)
    raise HandshakeRefusal(
        f"pairing required: {text}",
        code="NOT_PAIRED",
        details={
            "code": "PAIRING_REQUIRED",
            "reason": reason,
            "requestId": request["requestId"],
            "deviceId": device["id"],
            "requestedRole": "operator",
            "requestedScopes": wanted,
        },
    )


def _pairing_request(
    connection: Connection, params: dict[str, Any], device: dict[str, Any], wanted: list[str]
) -> dict[str, Any]:
    """The pending request of the device; a repeated attempt keeps its request id."""
    gateway, client = connection.gateway, params["client"]
    pending = gateway.world.pairing_requests
    for request in pending.values():
        if request["deviceId"] == device["id"] and request["platform"] == client["platform"]:
            return request
    request = {
        "requestId": str(uuid.uuid4()),
        "deviceId": device["id"],
        "publicKey": device["publicKey"],
        "displayName": client.get("displayName") or "",
        "platform": client["platform"],
        "clientId": client["id"],
        "clientMode": client["mode"],
        "role": "operator",
        "roles": ["operator"],
        "scopes": wanted,
        "ts": now_ms(),
    }
    pending[request["requestId"]] = request
    gateway.broadcast("device.pair.requested", request)
    return request


def _granted(
    connection: Connection,
    params: dict[str, Any],
    device: dict[str, Any] | None,
    wanted: list[str],
) -> list[str]:
    if device is None and (connection.is_remote or params["client"]["mode"] == "test"):
        return []
    return wanted


def _hello(connection: Connection, auth_method: str, paired: PairedDevice | None) -> dict[str, Any]:
    gateway = connection.gateway
    auth: dict[str, Any] = {
        "method": auth_method,
        "role": "operator",
        "scopes": sorted(connection.scopes),
    }
    if paired is not None and connection.is_remote:
        auth["deviceToken"] = paired.token
    version = gateway.reported_version
    return {
        "type": "hello-ok",
        "protocol": PROTOCOL_VERSION,
        "server": {
            **({"version": version} if version else {}),
            "bootId": gateway.boot_id,
            "connId": connection.id,
        },
        "features": {
            "methods": sorted(set(METHODS) - gateway.faults.hidden_methods),
            "events": list(EVENTS),
            "capabilities": [],
        },
        "snapshot": {
            "suspension": {"phase": "accepting"},
            "uptimeMs": gateway.uptime_ms,
            "sessionDefaults": _SESSION_DEFAULTS,
            "authMode": "token",
        },
        "auth": auth,
        "policy": {
            "maxPayload": MAX_PAYLOAD_BYTES,
            "maxBufferedBytes": 2 * MAX_PAYLOAD_BYTES,
            "tickIntervalMs": gateway.tick_interval_ms,
        },
    }


def new_challenge() -> Challenge:
    """A fresh nonce with the gateway's clock."""
    return Challenge(nonce=secrets.token_hex(16), ts=now_ms())
