"""What to do about each cause: one exact next step per situation.

Source: core specification, error texts for people; command names as the OpenClaw command line of
2026.9.6 prints them in its help.
"""

from __future__ import annotations

from gateways.wire.errors import Cause, GatewayError, MissingScopes
from gateways.wire.target import Target

_USUAL_PORT = 18789
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def advice_for(error: GatewayError, target: Target, *, in_container: bool, origin: str) -> str:  # noqa: PLR0911 (one answer per case)
    """The next step for an error at a target.

    ``in_container``: Mission Control runs in a container. ``origin``: of Mission Control, named
    where the gateway has to allow it.

    """
    match error.cause:
        case Cause.UNREACHABLE | Cause.TIMEOUT:
            return _unreachable(target, in_container=in_container)
        case Cause.WRONG_PORT:
            return _wrong_port(target)
        case Cause.PAIRING:
            return _pairing(error)
        case Cause.SCOPE:
            return _scope(error)
        case Cause.ORIGIN:
            shown = origin or "the address of Mission Control"
            return (
                f"Add {shown} to gateway.controlUi.allowedOrigins in the gateway's configuration."
            )
        case Cause.RATE_LIMITED:
            return _rate_limited(error)
        case Cause.TOKEN if error.detail_code == "AUTH_DEVICE_TOKEN_MISMATCH":
            return "Enter the gateway's shared token again; the device token was revoked."
    return _FIXED[error.cause]


_FIXED = {
    Cause.ADDRESS_GUARD: "Use an address that the outbound policy allows, or ask who runs Mission "
    "Control to change OUTBOUND_ALLOW_PRIVATE_GATEWAYS.",
    Cause.TLS: "Give the gateway a certificate that this host trusts, or allow insecure TLS for "
    "this gateway alone.",
    Cause.TOKEN: "Enter the token that the gateway uses: gateway.auth.token in its openclaw.json, "
    "or OPENCLAW_GATEWAY_TOKEN in its environment.",
    Cause.DEVICE: "Check the clocks of both hosts; if they agree, create a new device identity and "
    "approve it.",
    Cause.VERSION: "Update the gateway on its host: openclaw update",
    Cause.PROTOCOL: "Check that the address belongs to an OpenClaw gateway, and update it: "
    "openclaw update",
    Cause.STARTING: "Nothing; the gateway is starting and is asked again.",
    Cause.RESTARTING: "Nothing; the gateway restarts and is asked again.",
    Cause.PROXY_ATTRIBUTION: "Add the proxy's address to gateway.trustedProxies in the gateway's "
    "configuration, or connect without the proxy.",
    Cause.REFUSED: "Read the gateway's log: openclaw logs",
}


def _unreachable(target: Target, *, in_container: bool) -> str:
    endpoint = target.endpoint
    if in_container and endpoint.host in _LOOPBACK_NAMES:
        return (
            "Mission Control runs in a container, where localhost is the container itself: use "
            f"host.docker.internal:{endpoint.port}, and let the gateway listen there: "
            "openclaw config set gateway.bind lan"
        )
    if endpoint.host in _LOOPBACK_NAMES:
        return f"Start the gateway: openclaw gateway run --port {endpoint.port}"
    return (
        "Check that the gateway runs (openclaw gateway status) and listens beyond its own host "
        f"(openclaw config set gateway.bind lan), and that no firewall closes {endpoint.port}."
    )


def _wrong_port(target: Target) -> str:
    endpoint = target.endpoint
    other = "ws://" if endpoint.is_secure else "wss://"
    if endpoint.port == _USUAL_PORT:
        return f"Another service uses this port, or the address has to begin with {other}."
    return (
        f"A gateway usually listens on {_USUAL_PORT}. If the port is right, the address may have "
        f"to begin with {other}."
    )


def _pairing(error: GatewayError) -> str:
    if error.request_id:
        return f"On the gateway's host: openclaw devices approve {error.request_id}"
    return "On the gateway's host: openclaw devices list, then openclaw devices approve <request>"


def _scope(error: GatewayError) -> str:
    if isinstance(error, MissingScopes) and not error.device_sent:
        return (
            "From another host the gateway grants scopes to paired devices only: switch device "
            "pairing on for this gateway and approve the device."
        )
    return (
        "On the gateway's host remove this device (openclaw devices list, openclaw devices "
        "remove), connect again and approve the new request."
    )


def _rate_limited(error: GatewayError) -> str:
    minutes = max(1, round((error.retry_after_ms or 300_000) / 60_000))
    return (
        f"Too many wrong tokens came from this address. Correct the token and wait {minutes} min, "
        "or restart the gateway."
    )
