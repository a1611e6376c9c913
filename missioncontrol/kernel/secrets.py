"""Secrets: sealed (Fernet) where we must send them, hashed where we only compare."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets as _secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from .errors import Conflict


@lru_cache(maxsize=4)
def _fernet(key: str) -> Fernet:
    derived = hashlib.sha256(f"mission-control sealed field {key}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(derived))


def _current() -> Fernet:
    return _fernet(settings.FIELD_ENCRYPTION_KEY or settings.SECRET_KEY)


def seal(text: str) -> str:
    """Encrypt a secret for storage; empty text stays empty."""
    return _current().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Decrypt a stored secret.

    Raises:
        Conflict: ``sealed_with_other_key`` when the installation's key has changed.
    """
    if not sealed:
        return ""
    try:
        return _current().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Conflict(
            "A stored secret was sealed with another key. Enter it again.",
            code="sealed_with_other_key",
        ) from error


def new_token(prefix: str) -> str:
    """A fresh token: ``prefix`` and 256 random bits as 43 URL-safe characters."""
    return prefix + _secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 of a high-entropy token, as stored and looked up (64 hex characters)."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Constant-time comparison on the UTF-8 bytes."""
    return hmac.compare_digest(left.encode(), right.encode())
