"""Public keys of an identity service, and the check of a token that it signed.

A key set is kept for an hour. An unknown key id fetches it anew, at most every ten seconds, so
that a rotation is noticed and nobody can make us ask all the time. When the service is away the
keys that are known go on proving.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import structlog
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid, RemoteFailed, Unavailable

log = structlog.get_logger(__name__)
KEEP_SECONDS = 3600.0
LEAST_SECONDS = 10.0
MAX_TOKEN = 16 * 1024
#: Only signatures with a public key: with a shared secret the public key could pose as one.
ALGORITHMS = frozenset(
    {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
        "ES256", "ES384", "ES512", "EdDSA",
    }
)  # fmt: skip
Fetch = Callable[[], Mapping[str, Any]]


class KeySet:
    """The keys of one service in this process."""

    def __init__(self, fetch: Fetch) -> None:
        """Keys that ``fetch`` gets as a JSON Web Key Set."""
        self._fetch = fetch
        self._keys: list[Mapping[str, Any]] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of that id; a token that names none is checked with the only key there is.

        Raises:
            Unavailable: no key was ever read, and the service does not give them.
        """
        self._refresh(KEEP_SECONDS)
        found = self._match(key_id, algorithm)
        if found is None and self._refresh(LEAST_SECONDS):
            found = self._match(key_id, algorithm)
        return found

    def _match(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        usable = [key for key in self._keys if _fits(key, algorithm)]
        named = [key for key in usable if key.get("kid") == key_id] if key_id else usable
        if len(named) != 1:
            return None
        try:
            return jwt.PyJWK.from_dict(dict(named[0]), algorithm=algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            return None

    def _refresh(self, older_than: float) -> bool:
        """Read the keys again if they are older; whether they were read."""
        with self._lock:
            now = time.monotonic()
            if self._fetched_at is not None and now - self._fetched_at < older_than:
                return False
            if self._tried_at is None or now - self._tried_at >= LEAST_SECONDS:
                self._tried_at = now
                try:
                    self._keys = _keys_in(self._fetch())
                    self._fetched_at = now
                    return True
                except (RemoteFailed, Invalid) as error:
                    log.warning("auth.keys_unavailable", error=str(error.detail))
            if self._fetched_at is None:
                raise Unavailable(
                    _("The keys of the sign-in service cannot be read. Try again in a moment."),
                    code="identity_unavailable",
                    retry_after=10,
                )
            return False


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") in {"RSA", "EC", "OKP"}
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _keys_in(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise RemoteFailed(_("The sign-in service sent no keys."))
    return [key for key in keys if isinstance(key, dict)]


def verified(
    token: str,
    keys: KeySet,
    *,
    issuer: str | None,
    audience: str | None = None,
    algorithms: frozenset[str] = ALGORITHMS,
    leeway: float = 10.0,
    checks_issue_time: bool = True,
    required: tuple[str, ...] = ("exp", "iat", "sub"),
) -> dict[str, Any] | None:
    """Claims of a token that proves something, else ``None``.

    Args:
        issuer: Exact ``iss``; ``None`` where the key set alone names the issuer.
        audience: Value that ``aud`` must hold; ``None`` leaves it unchecked.
        leeway: Seconds that clocks may differ.
        checks_issue_time: Refuse tokens of the future.

    Raises:
        Unavailable: the keys cannot be read.
    """
    found = _key_of(token, keys, algorithms & ALGORITHMS)
    if found is None:
        return None
    key, algorithm = found
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            leeway=leeway,
            options={
                "require": [
                    *required,
                    *(["iss"] if issuer else []),
                    *(["aud"] if audience else []),
                ],
                "verify_iat": checks_issue_time,
                "verify_aud": audience is not None,
                "verify_iss": issuer is not None,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return None
    return claims


def _key_of(token: str, keys: KeySet, algorithms: frozenset[str]) -> tuple[jwt.PyJWK, str] | None:
    """The key that a token's head names, and the way of signing, if both are admitted."""
    if len(token) > MAX_TOKEN or not token.isascii():
        return None
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        return None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        return None
    key = keys.find(key_id, algorithm) if algorithm in algorithms else None
    return (key, algorithm) if key is not None else None
