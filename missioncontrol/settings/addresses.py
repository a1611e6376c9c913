"""Addresses of databases and Redis, as Django, Channels and rq want them."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = {"postgresql", "postgres", "postgresql+psycopg"}


def database(url: str, *, application: str = "missioncontrol") -> dict[str, Any]:
    """Return Django's description of the PostgreSQL database at ``url``.

    One connection per thread, kept open: it costs one check per request and needs no pool.

    Raises:
        ValueError: ``url`` is not an address of a PostgreSQL database.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("DATABASE_URL must begin with postgresql:// or postgres://")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", unquote(parts.hostname or ""))
    port = options.pop("port", str(parts.port or ""))
    options.setdefault("application_name", application)
    options.setdefault("connect_timeout", "5")
    return {
        "ENGINE": "missioncontrol.kernel.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": options,
    }


def redis_with_db(url: str, number: int) -> str:
    """Return ``url`` with another database number, for tests that run side by side."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts._replace(query=f"db={number}").geturl()
    return parts._replace(path=f"/{number}").geturl()
