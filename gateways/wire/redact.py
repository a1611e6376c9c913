"""Removes secrets from everything that comes from a gateway before it is stored or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

#: Every agent token starts with it, so that a token can be recognised wherever it turns up.
AGENT_TOKEN_PREFIX = "mca_"  # noqa: S105 (public)
REDACTED = "[redacted]"

_AGENT_TOKEN = re.compile(r"mca_[A-Za-z0-9_-]{8,}")
_SHORTEST_SECRET = 6


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without agent tokens and without the given secrets.

    A token that was cut short is removed as well, down to eight characters after its prefix.
    Secrets of fewer than six characters are left alone: they would match ordinary words.
    """
    for secret in sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return _AGENT_TOKEN.sub(REDACTED, text)


def redact_json(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A copy of a JSON value with every string redacted, object keys included."""
    known = tuple(secrets)
    if isinstance(value, str):
        return redact_text(value, known)
    if isinstance(value, dict):
        return {
            redact_text(key, known) if isinstance(key, str) else key: redact_json(item, known)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_json(item, known) for item in value]
    return value
