"""Signing in: by the installation's token, by password, by a one-time link.

These functions prove who somebody is and record it; the door opens the session
(:mod:`orgs.sessions`). Ten failures in a quarter of an hour close the way for an account and for
an address; a success takes its own attempt out of the count.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.utils.translation import gettext as _

from missioncontrol.kernel import clock, ratelimit
from missioncontrol.kernel.actors import SystemActor, UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from missioncontrol.kernel.secrets import token_hash
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import SignInLink, User
from orgs.services import users

log = structlog.get_logger(__name__)
LINK_LIFE = timedelta(minutes=10)


def sign_in_with_token(token: str, *, address: str = "") -> User:
    """The built-in operator, if the token is the installation's.

    Raises:
        RateLimited: ten failures from this address within 15 minutes.
        Unauthenticated: another token, or this way of signing in is off.
    """
    return _attempt(
        [f"address:{address}"],
        lambda: users.ensure_local_user() if credentials.is_local_token(token.strip()) else None,
        refusal=_("This is not the token of this installation."),
        way="token",
    )


def sign_in_with_password(username: str, password: str, *, address: str = "") -> User:
    """The person of that name, if the password fits; unknown names take as long.

    Raises:
        Forbidden: ``mode_off``, sign-in by password is off.
        RateLimited: ten failures for this account or this address within 15 minutes.
        Unauthenticated: name or password is wrong.
    """
    if "password" not in settings.AUTH_MODES:
        raise Forbidden(_("Sign-in by password is switched off."), code="mode_off")
    name = username.strip()
    return _attempt(
        [f"address:{address}", f"account:{name.lower()[:150]}"],
        lambda: _by_password(name, password),
        refusal=_("Name or password is wrong."),
        way="password",
        username=name,
    )


def _by_password(username: str, password: str) -> User | None:
    found = authenticate(None, username=username, password=password)
    return found if isinstance(found, User) else None


def sign_in_with_link(code: str, *, address: str = "") -> User:
    """The person of a one-time link; the link is used up.

    Raises:
        RateLimited: ten failures from this address within 15 minutes.
        Unauthenticated: unknown, used or older than ten minutes.
    """
    return _attempt(
        [f"address:{address}"],
        lambda: _use_link(code),
        refusal=_("This link was used or is too old. Ask for a new one."),
        way="link",
    )


def _attempt(
    subjects: list[str],
    prove: Callable[[], User | None],
    *,
    refusal: str,
    way: str,
    username: str = "",
) -> User:
    for subject in subjects:
        ratelimit.hit(ratelimit.SIGN_IN, subject, must_count=True)
    user = prove()
    if user is None or not user.is_active:
        log.warning("auth.sign_in_failed", way=way)
        _record_failure(username, way=way)
        raise Unauthenticated(refusal)
    for subject in subjects:
        ratelimit.forgive(ratelimit.SIGN_IN, subject)
    _record_success(user.id, way=way)
    return user


@service
def _use_link(code: str) -> User | None:
    link = (
        SignInLink.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(code_hash=token_hash(code), used_at__isnull=True, expires_at__gt=clock.now())
        .first()
    )
    if link is None:
        return None
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])
    user: User = link.user
    return user


@service
def _record_success(user_id: UUID, *, way: str) -> None:
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    users.ensure_organization(user)
    user.refresh_from_db(fields=["active_organization"])
    user.last_login = clock.now()
    user.save(update_fields=["last_login"])
    actor = UserActor(id=user.id, name=user.display_name)
    users.publish_own(actor, user, "auth.signed_in", data={"way": way})


@service
def _record_failure(username: str, *, way: str) -> None:
    """Record the failure where the named person is at home; unknown names are only logged."""
    user = User.objects.filter(username=username).first() if username else None
    if user is not None:
        users.publish_own(SystemActor("sign-in"), user, "auth.sign_in_failed", data={"way": way})


@service
def record_sign_out(actor: UserActor) -> None:
    """Record that a person ended his session."""
    user = User.objects.filter(pk=actor.id).first()
    if user is not None:
        users.publish_own(actor, user, "auth.signed_out")


@service
def issue_sign_in_link() -> str:
    """Code of a new one-time link for the built-in operator, good for ten minutes."""
    user = users.ensure_local_user()
    SignInLink.objects.filter(expires_at__lt=clock.now()).delete()
    code = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        code_hash=token_hash(code), user=user, expires_at=clock.now() + LINK_LIFE
    )
    return code


def change_password(actor: UserActor, *, current: str, new: str) -> User:
    """Set another password; every other session of the person ends.

    Raises:
        RateLimited: ten wrong attempts within 15 minutes.
        Forbidden: called with a token.
        NotFound: the account is gone.
        Invalid: the current password is wrong, or the new one too weak.
    """
    subject = f"password:{actor.id}"
    ratelimit.hit(ratelimit.SIGN_IN, subject, must_count=True)
    user = _set_password(actor, current=current, new=new)
    ratelimit.forgive(ratelimit.SIGN_IN, subject)
    return user


@service
def _set_password(actor: UserActor, *, current: str, new: str) -> User:
    if actor.scope != "admin":
        raise Forbidden(_("A token cannot change the password."))
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=actor.id).first()
    if user is None:
        raise NotFound
    if user.has_usable_password() and not user.check_password(current):
        raise Invalid(_("The current password is wrong."), field="current")
    users.check_password_strength(user, new, field="new")
    user.set_password(new)
    user.save(update_fields=["password", "updated_at"])
    users.note_rights_changed(user.id)
    users.publish_own(actor, user, "user.password_changed")
    return user
