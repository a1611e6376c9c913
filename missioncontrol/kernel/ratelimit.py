"""Sliding-window limits per account, agent and address (core specification 23.2).

Backend ``memory`` counts per process, ``redis`` over all. When Redis is away a request is allowed
and a warning logged, except sign-in, which then counts in memory.
"""

from __future__ import annotations

import ipaddress
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from redis import Redis
from redis.exceptions import RedisError

from . import jobs, metrics
from .errors import RateLimited

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` hits in ``window_seconds``."""

    name: str
    count: int
    window_seconds: int


AGENT_FAILURES = Limit("agent-fail", 20, 60)
BEARER_FAILURES = Limit("bearer-fail", 30, 60)
SIGN_IN = Limit("sign-in", 10, 900)
PROBES = Limit("probe", 20, 60)
INVITES = Limit("invite", 10, 60)


class MemoryWindow:
    """Hits per key in this process."""

    def __init__(self) -> None:
        self._hits: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def hit(self, key: str, limit: Limit) -> float:
        """Count one hit; 0, or the seconds to wait. Blocked attempts keep the window busy."""
        now = time.monotonic()
        with self._lock:
            if len(self._hits) > 50_000:
                self._hits.clear()
            hits = self._hits.setdefault(key, deque(maxlen=limit.count + 1))
            while hits and hits[0] <= now - limit.window_seconds:
                hits.popleft()
            blocked = len(hits) >= limit.count
            hits.append(now)
            return max(1.0, limit.window_seconds - (now - hits[0])) if blocked else 0.0

    def forgive(self, key: str) -> None:
        """Take the newest hit out of the count."""
        with self._lock:
            if self._hits.get(key):
                self._hits[key].pop()

    def clear(self) -> None:
        """Forget everything (tests)."""
        self._hits.clear()


memory = MemoryWindow()


def _client() -> Any:
    """The Redis that counts: one of its own, or that of the job queues."""
    url = settings.RATE_LIMIT_REDIS_URL
    return _own_client(url) if url else jobs.client()


@lru_cache(maxsize=2)
def _own_client(url: str) -> Any:
    return Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)


def _redis_hit(key: str, limit: Limit) -> float:
    client = _client()
    now = time.time()
    name = f"rl:{key}"
    pipe = client.pipeline()
    pipe.zremrangebyscore(name, 0, now - limit.window_seconds)
    pipe.zcard(name)
    pipe.zrange(name, 0, 0, withscores=True)
    pipe.zadd(name, {uuid.uuid4().hex: now})
    pipe.expire(name, limit.window_seconds)
    _gone, count, first, *_rest = pipe.execute()
    if count < limit.count:
        return 0.0
    oldest = first[0][1] if first else now
    return max(1.0, limit.window_seconds - (now - oldest))


def hit(limit: Limit, subject: str, *, must_count: bool = False) -> None:
    """Count one hit of ``subject``.

    With ``must_count`` (sign-in) the count falls back to memory when Redis is away, instead of
    allowing.

    Raises:
        RateLimited: with ``retry_after`` in seconds.
    """
    key = f"{limit.name}:{subject}"
    if settings.RATE_LIMIT_BACKEND == "redis":
        try:
            wait = _redis_hit(key, limit)
        except RedisError as error:
            log.warning("ratelimit.backend_unavailable", error=type(error).__name__)
            wait = memory.hit(key, limit) if must_count else 0.0
    else:
        wait = memory.hit(key, limit)
    if wait:
        raise RateLimited(
            _("Too many requests. Try again in %(n)s s.") % {"n": int(wait)}, retry_after=int(wait)
        )


def forgive(limit: Limit, subject: str) -> None:
    """Take the newest hit out of the count: the attempt succeeded."""
    key = f"{limit.name}:{subject}"
    memory.forgive(key)
    if settings.RATE_LIMIT_BACKEND == "redis":
        try:
            _client().zpopmax(f"rl:{key}")
        except RedisError as error:
            log.warning("ratelimit.backend_unavailable", error=type(error).__name__)


def hit_failure(kind: str, request: HttpRequest) -> None:
    """Count a failed credential of a request's address."""
    hit_failure_from(kind, client_ip(request))


def hit_failure_from(kind: str, address: str) -> None:
    """Count a failed credential of an address.

    Raises:
        RateLimited: too many of them within a minute.
    """
    metrics.AUTH_FAILURES.labels(kind).inc()
    hit(AGENT_FAILURES if kind == "agent" else BEARER_FAILURES, address)


def hit_agent(agent_id: uuid.UUID) -> None:
    """Count a successful agent call, per agent and never per address."""
    count = settings.AGENT_RATE_LIMIT
    if count:
        hit(Limit("agent", count, 60), str(agent_id))


def client_ip(request: HttpRequest) -> str:
    """Address of the client of a request, see :func:`address_behind`."""
    return address_behind(
        request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        forwarded=request.META.get("HTTP_FORWARDED", ""),
    )


def address_behind(peer: str, *, forwarded_for: str, forwarded: str) -> str:
    """The peer, or behind trusted proxies the right-most address that is not one of them.

    What stands further left was written by the client and is worth nothing. Proxies that add to
    ``X-Forwarded-For`` pass ``Forwarded`` on as the client wrote it, so the former counts first.

    Args:
        peer: Address of the connection.
        forwarded_for: ``X-Forwarded-For``.
        forwarded: ``Forwarded`` (RFC 7239).
    """
    nearest = _plain(_bare(peer)) or peer or "local"
    trusted = settings.TRUSTED_PROXIES
    if not trusted or not _in_networks(nearest, trusted):
        return nearest
    raw = forwarded_for.split(",") if forwarded_for.strip() else _named_in(forwarded)
    for hop in reversed([part for part in raw if part.strip()]):
        address = _plain(_bare(hop))
        if address is None:  # "unknown", "_hidden": what stands left of it cannot be believed
            return nearest
        if not _in_networks(address, trusted):
            return address
        nearest = address
    return nearest


def _named_in(header: str) -> list[str]:
    """The ``for=`` entries of ``Forwarded``; a hop without one counts as unknown."""
    found = []
    for hop in filter(str.strip, header.split(",")):
        pairs = [part.strip() for part in hop.split(";")]
        names = [part[4:] for part in pairs if part.lower().startswith("for=")]
        found.append(names[0] if names else "unknown")
    return found


def _plain(address: str) -> str | None:
    """An address in its usual form, IPv4 written as IPv6 as what it is; else ``None``."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(inner or ip)


def _bare(raw: str) -> str:
    """An address without quotes, brackets and port."""
    text = raw.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _in_networks(address: str, networks: Any) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(n, strict=False) for n in networks)
