"""Browser sessions: opened with a fresh key, ended whole. Used by the sign-in page and the API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import ACTIVE_ORGANIZATION
from missioncontrol.kernel.ratelimit import client_ip

from .models import User
from .services import browser_sessions, second_factor

BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING = "pending_sign_in"
PENDING_SECONDS = 600
SEEN = "seen_at"


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that waits for the code of the second factor."""

    user: User
    way: str
    target: str


def open_session(
    request: HttpRequest, user: User, *, way: str, is_complete: bool = False, target: str = ""
) -> bool:
    """Sign the browser in under a new key, so that a planted one gains nothing (fixation).

    Args:
        way: How the person proved himself.
        is_complete: No second factor is asked for (any more).
        target: Where the person wanted to go; kept while the code is asked for.

    Returns:
        Whether he is signed in; ``False`` while the code of his second factor is missing.
    """
    request.session.flush()
    _forget_actor(request)
    if not is_complete and second_factor.is_in_force(user.id):
        request.session[PENDING] = {
            "user": str(user.id),
            "way": way,
            "target": target,
            "at": time.time(),
            "proof": user.get_session_auth_hash(),
        }
        request.session.set_expiry(PENDING_SECONDS)
        return False
    auth.login(request, user, backend=BACKEND)
    request.session[SEEN] = time.time()
    browser_sessions.remember(
        user.id,
        request.session.session_key or "",
        way=way,
        browser=request.META.get("HTTP_USER_AGENT", ""),
        address=client_ip(request),
    )
    _forget_actor(request)
    return True


def pending(request: HttpRequest) -> Pending | None:
    """The sign-in of this browser that waits for a code, for ten minutes."""
    kept = request.session.get(PENDING)
    if not isinstance(kept, dict) or time.time() - kept["at"] > PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["proof"], user.get_session_auth_hash()):
        return None
    return Pending(user, kept["way"], kept["target"])


class SeenMiddleware:
    """Notes every ten minutes that a session is in use, which also prolongs it.

    When a session has ended, whoever ended it, the language goes with it: it was that person's,
    and the next one at this browser begins with his browser's own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note it after the answer, if the session was used for it."""
        response = self.get_response(request)
        if getattr(request, "_mc_actor", None) is not None:
            seen = request.session.get(SEEN)
            if (
                seen is not None
                and time.time() - seen > browser_sessions.SEEN_EVERY.total_seconds()
            ):
                request.session[SEEN] = time.time()
                browser_sessions.note_seen(request.session.session_key or "")
        if _has_ended(request) and settings.LANGUAGE_COOKIE_NAME not in response.cookies:
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response


def _has_ended(request: HttpRequest) -> bool:
    """Whether the browser still names a session that is no more."""
    session = request.session
    return (
        settings.SESSION_COOKIE_NAME in request.COOKIES and session.accessed and session.is_empty()
    )


def end_session(request: HttpRequest) -> None:
    """Sign the browser out and forget everything of the session; its sockets close."""
    key = request.session.session_key
    auth.logout(request)
    if key:
        browser_sessions.forget(key)
    _forget_actor(request)


def keep_session(request: HttpRequest, user: User) -> None:
    """Keep this session after its owner changed the password; the others end."""
    before = request.session.session_key or ""
    # Django's own function asks for request.user, whose session no longer fits the new password.
    request.session.cycle_key()
    request.session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.user = user
    key = request.session.session_key or ""
    browser_sessions.rename_key(before, key)
    browser_sessions.end_all(UserActor(id=user.id, name=user.display_name), except_key=key)
    _forget_actor(request)


def choose_organization(request: HttpRequest, organization_id: UUID) -> None:
    """Work in that organization for the rest of this session, whatever other browsers do."""
    if auth.SESSION_KEY in request.session:
        request.session[ACTIVE_ORGANIZATION] = str(organization_id)
        _forget_actor(request)


def _forget_actor(request: HttpRequest) -> None:
    """The actor was resolved once for this request; resolve him again."""
    if hasattr(request, "_mc_actor"):
        del request._mc_actor  # noqa: SLF001 - the kernel's cache of this request
