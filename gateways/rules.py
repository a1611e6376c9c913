"""Pure rules of gateways: address, token hint, what a cause means, when to look again.

Source: core specification 16.1, 16.5, 16.6, 23.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid

from .models import Gateway
from .wire.errors import Cause

Status = Gateway.Status
USUAL_PORT = 18789
CHECK_SECONDS = 60
LONGEST_CHECK_SECONDS = 600
MAX_TOKEN = 4096
HINT_LENGTH = 4
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}

#: What a person reads as the gateway's status when it cannot be used.
STATUS_OF_CAUSE: Mapping[Cause, Gateway.Status] = {
    Cause.UNREACHABLE: Status.OFFLINE,
    Cause.TIMEOUT: Status.OFFLINE,
    Cause.STARTING: Status.RESTARTING,
    Cause.RESTARTING: Status.RESTARTING,
    Cause.PAIRING: Status.PAIRING_REQUIRED,
    Cause.TOKEN: Status.UNAUTHORIZED,
    Cause.DEVICE: Status.UNAUTHORIZED,
    Cause.SCOPE: Status.UNAUTHORIZED,
    Cause.RATE_LIMITED: Status.UNAUTHORIZED,
    Cause.VERSION: Status.INCOMPATIBLE,
    Cause.PROTOCOL: Status.INCOMPATIBLE,
}

#: The word that answers and hints use for a cause (core specification 16.6).
CODE_OF_CAUSE: Mapping[Cause, str] = {
    Cause.UNREACHABLE: "unreachable",
    Cause.TIMEOUT: "unreachable",
    Cause.WRONG_PORT: "protocol",
    Cause.TLS: "tls",
    Cause.TOKEN: "unauthorized",
    Cause.DEVICE: "unauthorized",
    Cause.RATE_LIMITED: "rate_limited_by_gateway",
    Cause.SCOPE: "missing_scope",
    Cause.PAIRING: "pairing_required",
    Cause.ORIGIN: "origin_not_allowed",
    Cause.VERSION: "incompatible",
    Cause.PROTOCOL: "protocol",
    Cause.ADDRESS_GUARD: "outbound_blocked",
    Cause.STARTING: "restarting",
    Cause.RESTARTING: "restarting",
    Cause.PROXY_ATTRIBUTION: "proxy_attribution",
    Cause.REFUSED: "refused",
}


def status_of(cause: Cause | None) -> Gateway.Status:
    """Status of a gateway whose use ended with this cause; none means that it works."""
    return Status.ONLINE if cause is None else STATUS_OF_CAUSE.get(cause, Status.ERROR)


def normalised_url(raw: str) -> str:
    """A gateway address as stored: ``ws`` or ``wss``, host, port, path.

    Raises:
        Invalid: another scheme, no host, bad port, user info, query or fragment.
    """
    text = raw.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Invalid(_("This is not an address: %(e)s.") % {"e": error}, field="url") from error
    scheme = _SCHEMES.get(parts.scheme.lower())
    if scheme is None or not parts.hostname:
        raise Invalid(_("Enter an address with ws:// or wss:// and a host."), field="url")
    if "@" in parts.netloc:
        raise Invalid(_("The address may not hold a user or password."), field="url")
    if "?" in text or "#" in text:
        raise Invalid(_("The address may not hold a query or a fragment."), field="url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    return f"{scheme}://{authority}{parts.path.rstrip('/')}"


def checked_token(raw: str | None) -> str:
    """A token as entered, trimmed; blank means none.

    Raises:
        Invalid: too long, or with characters that no token has.
    """
    token = (raw or "").strip()
    if len(token) > MAX_TOKEN or not token.isprintable() or " " in token:
        raise Invalid(_("This is not a gateway token."), field="token")
    return token


def hint_of(token: str) -> str:
    """The last four characters of a token that is long enough to show them."""
    return token[-HINT_LENGTH:] if len(token) >= 3 * HINT_LENGTH else ""


def pause_after(failures: int) -> int:
    """Seconds until the next periodic check: 60 while it works, doubling to 600 after failures."""
    doublings = min(max(0, failures - 1), 10)
    return min(LONGEST_CHECK_SECONDS, CHECK_SECONDS << doublings)


def pairing_command(request_id: str) -> str:
    """What to run on the gateway's host so that it accepts this device."""
    return f"openclaw devices approve {request_id}" if request_id else "openclaw devices list"
