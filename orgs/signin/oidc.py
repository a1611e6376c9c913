"""OpenID Connect: discovery, authorization code with PKCE, and the check of the ID token.

Source: OpenID Connect Core 1.0 sections 3.1 and 5.3, Discovery 1.0 section 4, RFC 7636 (PKCE),
RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid, RemoteFailed, Unauthenticated
from orgs.signin import remote
from orgs.signin.claims import ExternalPerson, person_of
from orgs.signin.keys import ALGORITHMS, KeySet, verified

log = structlog.get_logger(__name__)
SCOPE = "openid email profile"
KEEP_SECONDS = 3600.0
LEEWAY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Provider:
    """What the discovery document tells."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    keys: str
    algorithms: frozenset[str]
    takes_basic: bool
    names_issuer: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """One sign-in that was begun: kept in the browser's session until it comes back."""

    state: str
    nonce: str
    verifier: str


_known: dict[str, tuple[float, Provider]] = {}
_lock = threading.Lock()


def forget() -> None:
    """Drop what is kept of the provider in this process (settings changed)."""
    _known.clear()
    _keys.cache_clear()


def provider() -> Provider:
    """The provider that the settings name, read at most once an hour.

    Raises:
        RemoteFailed: its document cannot be read, or speaks of another issuer.
    """
    issuer = settings.OIDC_ISSUER
    with _lock:
        kept = _known.get(issuer)
        if kept is not None and time.monotonic() - kept[0] < KEEP_SECONDS:
            return kept[1]
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = _read(remote.fetch_object(address), issuer)
        except (RemoteFailed, Invalid):
            if kept is None:
                raise
            return kept[1]
        _known[issuer] = (time.monotonic(), found)
        return found


def check() -> str:
    """What is wrong with the settings or the provider; empty when nothing is."""
    try:
        keys = provider().keys
        remote.fetch_object(keys)
    except (RemoteFailed, Invalid) as error:
        return f"{error.detail} Check OIDC_ISSUER."
    return ""


def _read(document: Mapping[str, Any], issuer: str) -> Provider:
    told = document.get("issuer")
    if not isinstance(told, str) or told.rstrip("/") != issuer.rstrip("/"):
        raise RemoteFailed(_("The sign-in service calls itself by another name."))
    methods = document.get("token_endpoint_auth_methods_supported")
    listed = document.get("id_token_signing_alg_values_supported")
    algorithms = ALGORITHMS & set(listed) if isinstance(listed, list) else frozenset({"RS256"})
    return Provider(
        issuer=told,
        authorization=_endpoint(document, "authorization_endpoint"),
        token=_endpoint(document, "token_endpoint"),
        userinfo=_endpoint(document, "userinfo_endpoint")
        if "userinfo_endpoint" in document
        else "",
        keys=_endpoint(document, "jwks_uri"),
        algorithms=algorithms or frozenset({"RS256"}),
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    """An address of the provider; over https wherever the issuer is."""
    value = document.get(name)
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    schemes = {"https"} if settings.OIDC_ISSUER.startswith("https:") else {"https", "http"}
    if parts.scheme not in schemes or not parts.hostname:
        raise RemoteFailed(_("The sign-in service gives no usable %(n)s.") % {"n": name})
    return str(value)


@lru_cache(maxsize=8)
def _keys(url: str) -> KeySet:
    return KeySet(lambda: remote.fetch_object(url))


def begin(back: str) -> tuple[str, Pending]:
    """Where a browser signs in, and what is remembered until it comes back to ``back``.

    Raises:
        RemoteFailed: the provider cannot be read.
    """
    known = provider()
    pending = Pending(*(secrets.token_urlsafe(32) for _name in range(3)))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest())
    query = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": back,
        "scope": SCOPE,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(known.authorization).query else "?"
    return f"{known.authorization}{joint}{urlencode(query)}", pending


def finish(pending: Pending, *, code: str, issuer: str, back: str) -> ExternalPerson:
    """The person of a code that the browser brought back.

    Args:
        issuer: ``iss`` of the answer, empty when it names none.

    Raises:
        Unauthenticated: the code or what it was changed into proves nothing.
        RemoteFailed, Unavailable: the provider does not answer.
    """
    known = provider()
    if (known.names_issuer or issuer) and issuer != known.issuer:
        raise Unauthenticated(_refused())
    tokens = _exchange(known, pending, code, back)
    claims = verified(
        str(tokens.get("id_token") or ""),
        _keys(known.keys),
        issuer=known.issuer,
        audience=settings.OIDC_CLIENT_ID,
        algorithms=known.algorithms,
        leeway=LEEWAY_SECONDS,
    )
    if claims is None or not _is_for_us(claims, pending):
        log.warning("auth.oidc_token_refused")
        raise Unauthenticated(_refused())
    person = person_of(known.issuer, claims["sub"], claims)
    return _completed(known, person, str(tokens.get("access_token") or ""))


def _is_for_us(claims: Mapping[str, Any], pending: Pending) -> bool:
    nonce, party = claims.get("nonce"), claims.get("azp")
    audience = claims.get("aud")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if party is None and is_shared:
        return False
    return (
        isinstance(nonce, str)
        and hmac.compare_digest(nonce.encode(), pending.nonce.encode())
        and party in (None, settings.OIDC_CLIENT_ID)
        and 0 < len(claims["sub"]) <= 255
    )


def _exchange(known: Provider, pending: Pending, code: str, back: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": pending.verifier,
    }
    headers = {"Accept": "application/json"}
    client, secret = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    if secret and known.takes_basic:
        pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = client
        if secret:
            form["client_secret"] = secret
    answer = remote.fetch("POST", known.token, headers=headers, form=form, timeout_seconds=10)
    if answer.status >= 500:
        raise RemoteFailed(_("The sign-in service answered %(s)s.") % {"s": answer.status})
    if answer.status != 200 or not isinstance(answer.body, dict):
        log.warning("auth.oidc_code_refused", status=answer.status)
        raise Unauthenticated(_refused())
    return answer.body


def _completed(known: Provider, person: ExternalPerson, access_token: str) -> ExternalPerson:
    """The person with what only the profile tells; without an answer he stays as known."""
    if person.is_complete or not known.userinfo or not access_token:
        return person
    try:
        profile = remote.fetch_object(
            known.userinfo, headers={"Authorization": f"Bearer {access_token}"}
        )
    except (RemoteFailed, Invalid) as error:
        log.warning("auth.oidc_profile_unavailable", error=str(error.detail))
        return person
    if profile.get("sub") != person.subject:
        return person
    return person.filled_from(person_of(person.issuer, person.subject, profile))


def _refused() -> str:
    return _("The sign-in service did not confirm who you are. Start again.")
