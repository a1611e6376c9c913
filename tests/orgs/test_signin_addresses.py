"""The client's address behind trusted proxies: right-most untrusted entry, IPv6, ports."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.test import RequestFactory
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from missioncontrol.kernel.ratelimit import client_ip

PROXIES = ("10.0.0.0/8", "2001:db8:1::/48")


def address(peer: str, **headers: str) -> str:
    meta = {"REMOTE_ADDR": peer}
    meta |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return client_ip(RequestFactory().get("/", **meta))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "sent", "found"),
    [
        # A stranger's own headers are worth nothing.
        ("192.0.2.9", {"x_forwarded_for": "198.51.100.1"}, "192.0.2.9"),
        ("192.0.2.9", {"forwarded": "for=198.51.100.1"}, "192.0.2.9"),
        # One proxy; what stands further left was written by the client.
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "1.1.1.1, 198.51.100.1"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "10.9.9.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": " 198.51.100.1 ,"}, "198.51.100.1"),
        # Ports and brackets.
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1:4711"}, "198.51.100.1"),
        ("10.0.0.1", {"x_forwarded_for": "[2001:db8:2::7]:4711"}, "2001:db8:2::7"),
        ("10.0.0.1", {"x_forwarded_for": "2001:DB8:2:0::7"}, "2001:db8:2::7"),
        ("10.0.0.1:443", {"x_forwarded_for": "198.51.100.1"}, "198.51.100.1"),
        ("198.51.100.1:4711", {}, "198.51.100.1"),
        # Proxies and clients over IPv6, and IPv4 written as IPv6.
        ("2001:db8:1::1", {"x_forwarded_for": "2001:db8:9::7"}, "2001:db8:9::7"),
        ("::ffff:10.0.0.1", {"x_forwarded_for": "::ffff:198.51.100.1"}, "198.51.100.1"),
        # RFC 7239.
        ("10.0.0.1", {"forwarded": "for=198.51.100.1;proto=https"}, "198.51.100.1"),
        ("10.0.0.1", {"forwarded": 'For="[2001:db8:2::7]:4711";by=10.0.0.1'}, "2001:db8:2::7"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, for=198.51.100.1, for=10.0.0.2"}, "198.51.100.1"),
        # A hop that hides its client ends what can be believed.
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, for=unknown"}, "10.0.0.1"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, for=_secret, for=10.0.0.7"}, "10.0.0.7"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, proto=https"}, "10.0.0.1"),
        ("10.0.0.1", {"x_forwarded_for": "1.1.1.1, garbage"}, "10.0.0.1"),
        # A proxy that keeps X-Forwarded-For passes the client's Forwarded on.
        ("10.0.0.1", {"x_forwarded_for": "198.51.100.1", "forwarded": "for=1.1.1.9"},
         "198.51.100.1"),
        # Nobody but proxies: the farthest of them.
        ("10.0.0.1", {"x_forwarded_for": "10.0.0.3, 10.0.0.2"}, "10.0.0.3"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("", {}, "local"),
    ],
)  # fmt: skip
def test_address_of_the_client(settings: Any, peer: str, sent: dict[str, str], found: str) -> None:
    settings.TRUSTED_PROXIES = PROXIES
    assert address(peer, **sent) == found


def test_without_trusted_proxies_only_the_peer_counts(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ()
    assert address("10.0.0.1", x_forwarded_for="198.51.100.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "found"),
    [
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:2::7]:4711", "2001:db8:2::7"),
        ("192.0.2.9", "198.51.100.1", "192.0.2.9"),
    ],
)
async def test_the_server_reads_the_header_first(
    settings: Any, peer: str, forwarded_for: str, found: str
) -> None:
    """The server's own middleware stands before ours, and both must agree."""
    settings.TRUSTED_PROXIES = PROXIES
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        given = headers.get("x-forwarded-for", "")
        seen.append(address(scope["client"][0], x_forwarded_for=given))

    guard = ProxyHeadersMiddleware(app, trusted_hosts=list(PROXIES))
    headers = [(b"x-forwarded-for", forwarded_for.encode())]
    scope = {"type": "http", "scheme": "http", "client": (peer, 1), "headers": headers}
    await guard(scope, None, None)  # type: ignore[arg-type]
    assert seen == [found]


@pytest.mark.django_db
def test_limits_count_the_client_and_not_the_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)

    def call(client: str) -> int:
        headers = {"authorization": "Bearer nonsense", "x-forwarded-for": f"9.9.9.9, {client}"}
        return Browser().get("/api/v1/users/me", headers=headers).status_code

    assert [call("198.51.100.1") for _ in range(31)] == [401] * 30 + [429]
    assert call("198.51.100.2") == 401
