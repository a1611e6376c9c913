"""Clerk: session tokens, people, and the way of a browser through its hosted pages.

A browser goes to the hosted sign-in page, comes back, and fetches its session by one more
redirect, the handshake, whose answer is a token signed with the same keys.

Source: Clerk's documentation of session tokens, of the Backend API (``/v1/jwks``,
``/v1/users/{id}``) and of the handshake (``/v1/client/handshake``).
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid, RemoteFailed
from orgs.signin import remote
from orgs.signin.claims import ExternalPerson, person_of
from orgs.signin.keys import KeySet, verified

log = structlog.get_logger(__name__)
ALGORITHMS = frozenset({"RS256"})
HANDSHAKE = "__clerk_handshake"
DEV_BROWSER = "__clerk_db_jwt"
PROFILE_EVERY_SECONDS = 600.0
_asked: dict[str, float] = {}
_asking = threading.Lock()


def frontend_host() -> str:
    """Host of the instance's public API, as the publishable key holds it; empty without one."""
    encoded = settings.CLERK_PUBLISHABLE_KEY.rpartition("_")[2]
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    host = text.rstrip("$")
    return host if host and all(c.isalnum() or c in ".-:" for c in host) else ""


def issuer() -> str:
    """``iss`` of the instance's tokens; empty when no setting names it."""
    host = frontend_host()
    return settings.CLERK_ISSUER or (f"https://{host}" if host else "")


def sign_in_page() -> str:
    """Address of the hosted sign-in page; empty when no setting names it."""
    if settings.CLERK_SIGN_IN_URL:
        return str(settings.CLERK_SIGN_IN_URL)
    host = frontend_host()
    if host.endswith(".clerk.accounts.dev"):
        return f"https://{host.removesuffix('.clerk.accounts.dev')}.accounts.dev/sign-in"
    if host.startswith("clerk."):
        return f"https://accounts.{host.removeprefix('clerk.')}/sign-in"
    return ""


def _authorization() -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.CLERK_SECRET_KEY}"}


@lru_cache(maxsize=8)
def _keys(api_url: str) -> KeySet:
    return KeySet(lambda: remote.fetch_object(f"{api_url}/v1/jwks", headers=_authorization()))


def forget() -> None:
    """Drop keys and profiles that are kept in this process (settings changed)."""
    _keys.cache_clear()
    _asked.clear()


def check() -> str:
    """What is wrong with the settings or the service; empty when nothing is."""
    try:
        remote.fetch_object(f"{settings.CLERK_API_URL}/v1/jwks", headers=_authorization())
    except (RemoteFailed, Invalid) as error:
        return f"{error.detail} Check CLERK_SECRET_KEY and CLERK_API_URL."
    if not issuer():
        return "the issuer is unknown. Set CLERK_PUBLISHABLE_KEY or CLERK_ISSUER."
    return ""


def claims_of(token: str) -> dict[str, Any] | None:
    """Claims of a session token of this instance, else ``None``.

    Raises:
        Unavailable: Clerk's keys cannot be read.
    """
    if token.count(".") != 2:
        return None
    claims = verified(
        token,
        _keys(settings.CLERK_API_URL),
        issuer=issuer() or None,
        algorithms=ALGORITHMS,
        leeway=settings.CLERK_LEEWAY,
        checks_issue_time=settings.CLERK_VERIFY_IAT,
    )
    if claims is None or not _is_usable_subject(claims["sub"]):
        return None
    party = claims.get("azp")
    allowed = settings.CLERK_AUTHORIZED_PARTIES
    return claims if not party or not allowed or party in allowed else None


def _is_usable_subject(subject: str) -> bool:
    """A Clerk id; never the name that the built-in operator is kept under."""
    return 0 < len(subject) <= 120 and subject.isprintable() and subject != "local-auth-user"


def person(claims: dict[str, Any]) -> ExternalPerson:
    """The person whom claims describe; nothing is asked for."""
    return person_of(str(claims.get("iss") or issuer()), claims["sub"], claims)


def completed(known: ExternalPerson) -> ExternalPerson:
    """The person with what only Clerk's profile tells, asked for at most every ten minutes.

    The profile is a convenience: when it cannot be read in 5 s, the person stays as known.
    """
    if known.is_complete or not _may_ask(known.subject):
        return known
    url = f"{settings.CLERK_API_URL}/v1/users/{quote(known.subject, safe='')}"
    try:
        profile = remote.fetch_object(url, headers=_authorization())
    except (RemoteFailed, Invalid) as error:
        log.warning("auth.clerk_profile_unavailable", error=str(error.detail))
        return known
    return known.filled_from(person_of(known.issuer, known.subject, profile))


def _may_ask(subject: str) -> bool:
    now = time.monotonic()
    with _asking:
        asked = _asked.get(subject)
        if asked is not None and now - asked < PROFILE_EVERY_SECONDS:
            return False
        if len(_asked) > 10_000:
            _asked.clear()
        _asked[subject] = now
    return True


def delete_account(subject: str) -> None:
    """Delete the person's account at Clerk; one that is already gone is fine.

    Raises:
        RemoteFailed: any other answer; nothing was changed here.
    """
    url = f"{settings.CLERK_API_URL}/v1/users/{quote(subject, safe='')}"
    failed = _("Failed to delete account from Clerk")
    try:
        answer = remote.fetch("DELETE", url, headers=_authorization())
    except (RemoteFailed, Invalid) as error:
        raise RemoteFailed(failed) from error
    if answer.status not in (200, 204, 404):
        raise RemoteFailed(failed)


# --- pages --------------------------------------------------------------------------------


def sign_in_address(back: str) -> str:
    """Where a browser signs in; it comes back to ``back``."""
    page = sign_in_page()
    joint = "&" if urlsplit(page).query else "?"
    return f"{page}{joint}{urlencode({'redirect_url': back})}"


def handshake_address(back: str, *, dev_browser: str = "") -> str:
    """Where a signed-in browser gets its session token; it comes back to ``back``."""
    query = {
        "redirect_url": back,
        "suffixed_cookies": "false",
        "__clerk_hs_reason": "session-token-missing",
    }
    if dev_browser:
        query[DEV_BROWSER] = dev_browser
    base = settings.CLERK_ISSUER or f"https://{frontend_host()}"
    return f"{base.rstrip('/')}/v1/client/handshake?{urlencode(query)}"


def session_in(handshake: str) -> str:
    """The session token inside a signed handshake; empty when there is none.

    Raises:
        Unavailable: Clerk's keys cannot be read.
    """
    claims = verified(
        handshake,
        _keys(settings.CLERK_API_URL),
        issuer=None,
        algorithms=ALGORITHMS,
        leeway=settings.CLERK_LEEWAY,
        checks_issue_time=settings.CLERK_VERIFY_IAT,
        required=(),
    )
    lines = claims.get("handshake") if claims else None
    for line in lines if isinstance(lines, list) else []:
        found = _session_cookie(line)
        if found:
            return found
    return ""


def _session_cookie(line: Any) -> str:
    """Value of a ``Set-Cookie`` line that sets the session, also with the instance's suffix."""
    if not isinstance(line, str) or not line.startswith("__session"):
        return ""
    try:
        cookie = SimpleCookie(line)
    except CookieError:
        return ""
    return next((m.value for name, m in cookie.items() if name.startswith("__session")), "")
