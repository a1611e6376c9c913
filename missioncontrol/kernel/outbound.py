"""Outbound calls: one guard for every connection that leaves, one HTTP client behind it.

The host is resolved, every address is checked, and the connection is pinned to a checked address,
so a name that changes its answer between check and connect gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from .errors import Invalid, RemoteFailed

Purpose = Literal["gateway", "webhook", "llm", "identity", "other"]
MAX_RESPONSE_BYTES = 5 * 1024 * 1024
CONNECT_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_METADATA = {ipaddress.ip_address("169.254.169.254"), ipaddress.ip_address("fd00:ec2::254")}
IP = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked destination: connect to ``address``, speak to ``host``."""

    scheme: str
    host: str
    port: int
    address: str


def _refuse(detail: str) -> Invalid:
    return Invalid(detail, code="outbound_blocked", field="url")


def _plain(address: IP) -> IP:
    """An IPv4 address hidden in IPv6 (mapped, 6to4, NAT64) shown as what it is."""
    if isinstance(address, ipaddress.IPv6Address):
        for inner in (address.ipv4_mapped, address.sixtofour):
            if inner is not None:
                return inner
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _allows_private(purpose: Purpose) -> bool:
    if purpose == "gateway":
        return bool(settings.OUTBOUND_ALLOW_PRIVATE_GATEWAYS)
    if purpose == "identity":  # named by the installation's own settings, never by a caller
        return True
    return bool(settings.OUTBOUND_ALLOW_PRIVATE)


def check_address(raw: str, port: int, purpose: Purpose) -> None:
    """Refuse an address that nothing may connect to.

    Raises:
        Invalid: ``outbound_blocked``.
    """
    address = _plain(ipaddress.ip_address(raw.partition("%")[0]))
    if address in _METADATA or address.is_link_local or address.is_multicast:
        raise _refuse(_("%(a)s is a link-local or metadata address.") % {"a": address})
    if address.is_unspecified or (address.is_reserved and not address.is_loopback):
        raise _refuse(_("%(a)s is not an address to connect to.") % {"a": address})
    if (address.is_private or address.is_loopback) and not _allows_private(purpose):
        raise _refuse(_("%(a)s is a private address.") % {"a": address})
    if port in _own_ports() and _is_own(address):
        raise _refuse(_("Port %(p)s there is a part of this installation.") % {"p": port})


def _own_ports() -> set[int]:
    """Ports of our own database, queue and web server."""
    ports = {int(settings.OWN_PORT)} if getattr(settings, "OWN_PORT", 0) else set()
    database = settings.DATABASES["default"].get("PORT")
    if database:
        ports.add(int(database))
    for url in filter(None, (settings.REDIS_URL, settings.RQ_REDIS_URL)):
        redis = urlsplit(url)
        if redis.scheme.startswith("redis"):
            ports.add(redis.port or 6379)
    return ports | set(settings.EMBEDDED_PORTS)


def _is_own(address: IP) -> bool:
    if address.is_loopback:
        return True
    hosts = {
        settings.DATABASES["default"].get("HOST") or "",
        urlsplit(settings.REDIS_URL or "").hostname or "",
    }
    for host in hosts:
        try:
            if host and not host.startswith("/") and address == ipaddress.ip_address(host):
                return True
        except ValueError:
            if str(address) in _addresses(host, 0):
                return True
    return False


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port or None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_url(url: str, purpose: Purpose, schemes: Iterable[str]) -> Destination:
    """Check a URL and pin it to one address.

    Raises:
        Invalid: ``outbound_blocked`` for a forbidden address; ``value_error`` for no URL at all.
        RemoteFailed: ``unresolvable``: the name has no address.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.password:
        raise Invalid(
            _("Enter an address with %(s)s and a host.") % {"s": "/".join(schemes)}, field="url"
        )
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise Invalid(_("The port is not a number from 1 to 65535."), field="url") from error
    found = _addresses(parts.hostname, port)
    if not found:
        raise RemoteFailed(
            _("The name %(h)s has no address.") % {"h": parts.hostname}, code="unresolvable"
        )
    for address in found:
        check_address(address, port, purpose)
    return Destination(parts.scheme, parts.hostname, port, found[0])


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects only to checked addresses."""

    def __init__(self, purpose: Purpose) -> None:
        self._purpose = purpose
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check every address, connect to the first."""
        found = _addresses(host, port)
        if not found:
            raise httpcore.ConnectError(f"no address for {host}")
        for address in found:
            check_address(address, port, self._purpose)
        return self._inner.connect_tcp(
            found[0],
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Whom certificates are believed from; read once, which takes longer than many a call."""
    return httpx.create_ssl_context()


def client(purpose: Purpose, *, timeout_seconds: float = 30.0) -> httpx.Client:
    """A guarded HTTP client: no redirects, no proxy from the environment, checked addresses."""
    authorities = _authorities()
    transport = httpx.HTTPTransport(retries=0, verify=authorities)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=authorities, network_backend=_PinnedBackend(purpose)
    )
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


def post_json(
    url: str, body: Any, *, purpose: Purpose, headers: dict[str, str], timeout_seconds: float = 30.0
) -> Any:
    """POST JSON and read a JSON answer of at most 5 MiB.

    Raises:
        Invalid: ``outbound_blocked``.
        RemoteFailed: no connection, an error status, too large, or no JSON.
    """
    try:
        with (
            client(purpose, timeout_seconds=timeout_seconds) as http,
            http.stream("POST", url, json=body, headers=headers) as response,
        ):
            raw = bytearray()
            for chunk in response.iter_bytes():
                raw += chunk
                if len(raw) > MAX_RESPONSE_BYTES:
                    raise RemoteFailed(_("The answer is larger than 5 MiB."))
            if response.status_code >= 400:
                raise RemoteFailed(_("The remote answered %(s)s.") % {"s": response.status_code})
            return httpx.Response(200, content=bytes(raw)).json()
    except (httpx.HTTPError, ValueError) as error:
        raise RemoteFailed(_("The remote did not answer properly.")) from error
