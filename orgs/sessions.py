"""Browser sessions: opened with a fresh key, ended whole. Used by the sign-in page and the API."""

from __future__ import annotations

from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest

from missioncontrol.kernel.pages import ACTIVE_ORGANIZATION

from .models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"


def open_session(request: HttpRequest, user: User) -> None:
    """Sign the browser in under a new key, so that a planted one gains nothing (fixation)."""
    request.session.flush()
    auth.login(request, user, backend=BACKEND)
    _forget_actor(request)


def end_session(request: HttpRequest) -> None:
    """Sign the browser out and forget everything of the session."""
    auth.logout(request)
    _forget_actor(request)


def keep_session(request: HttpRequest, user: User) -> None:
    """Keep this session after its owner changed the password; the others end."""
    auth.update_session_auth_hash(request, user)
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
