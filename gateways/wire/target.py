"""What to connect to, and as whom."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateways.wire.errors import GatewayConnectError
from gateways.wire.identity import DeviceIdentity

#: Given host and port, the addresses that may be dialled. The caller's address guard checks
#: them here and raises ``AddressRefused``; the connection is pinned to what it returns.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_WS_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_PLATFORMS = {"win32": "windows", "darwin": "darwin"}


def own_platform() -> str:
    """Platform name of this host; a paired device is pinned to it."""
    return _PLATFORMS.get(sys.platform, "linux")


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """``connect.params.client``: how this product presents itself."""

    id: str = "gateway-client"
    mode: str = "backend"
    version: str = "1.0.0"
    platform: str = field(default_factory=own_platform)
    device_family: str = ""
    display_name: str = "Mission Control"

    def to_params(self) -> dict[str, str]:
        """The wire form; empty optional fields are left out."""
        params = {
            "id": self.id,
            "mode": self.mode,
            "version": self.version,
            "platform": self.platform,
        }
        if self.device_family:
            params["deviceFamily"] = self.device_family
        if self.display_name:
            params["displayName"] = self.display_name
        return params


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway address with the credentials for it.

    Attributes:
        url: ``ws://`` or ``wss://`` (``http(s)://`` is understood); never holds a secret.
        token: the gateway's shared secret.
        identity: signed device identity; always sent when given, unless
            ``disable_device_pairing``.
        device_token: token that the gateway issued for the paired device; used when there is
            no shared token, or when the shared one is refused and the gateway allows it.
        allow_insecure_tls: no certificate and host name checks for this target.
        disable_device_pairing: send no device; works on the gateway's own host only.
        resolve: the caller's resolver and address guard; None resolves by the system.
        headers: extra HTTP headers of the upgrade request.
        client: how this product presents itself.

    """

    url: str
    token: str = field(default="", repr=False)
    identity: DeviceIdentity | None = None
    device_token: str = field(default="", repr=False)
    allow_insecure_tls: bool = False
    disable_device_pairing: bool = False
    resolve: Resolve | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    client: ClientInfo = field(default_factory=ClientInfo)

    @property
    def endpoint(self) -> Endpoint:
        """The parsed address.

        Raises:
            GatewayConnectError: the address is unusable.

        """
        return parse_endpoint(self.url)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host, port and scheme of a gateway."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_secure(self) -> bool:
        """Whether the connection runs inside TLS."""
        return self.scheme == "wss"

    @property
    def authority(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket address."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_endpoint(url: str) -> Endpoint:
    """Take a gateway address apart.

    Raises:
        GatewayConnectError: other scheme, no host, bad port, user info, query or fragment.

    """
    try:
        parts = urlsplit(url.strip())
        scheme, port = _WS_SCHEMES.get(parts.scheme.lower()), parts.port
    except ValueError as error:
        raise GatewayConnectError(f"The gateway address cannot be read: {error}") from error
    if scheme is None or not parts.hostname:
        raise GatewayConnectError("The gateway address needs ws:// or wss:// and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise GatewayConnectError("The gateway address may hold scheme, host, port and path only")
    default = 443 if scheme == "wss" else 80
    return Endpoint(scheme, parts.hostname, port or default, parts.path or "/")
