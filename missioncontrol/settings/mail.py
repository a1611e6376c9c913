"""A mail server as one address: ``smtp://user:password@host:587`` or ``smtps://host``.

``smtp`` begins in clear text and changes to TLS (STARTTLS) unless ``?tls=off`` says otherwise;
``smtps`` speaks TLS from the first byte.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = ("smtp", "smtps")
PORTS = {"smtp": 587, "smtps": 465}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"


def check(url: str) -> None:
    """Refuse what is no address of a mail server.

    Raises:
        ValueError: with what it must be.
    """
    if not url:
        return
    try:
        parts = urlsplit(url)
        fits = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://host")


def settings_of(url: str) -> dict[str, Any]:
    """Django's settings for that server; without one, messages are printed."""
    if not url:
        return {"EMAIL_BACKEND": CONSOLE}
    parts = urlsplit(url)
    plain = parse_qs(parts.query).get("tls") == ["off"]
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and not plain,
    }


def sender(named: str, base_url: str) -> str:
    """Who messages come from: as named, else a name at the host of the installation."""
    host = urlsplit(base_url).hostname or "localhost"
    return named or f"Mission Control <missioncontrol@{host}>"
