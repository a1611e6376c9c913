"""Signing in: who somebody is, by whatever he proves it.

By the installation's token, by password, by a one-time link, by passkey, by another service, and by
the code that a second factor asks for.

These functions prove who somebody is and record it; the door opens the session
(:mod:`orgs.sessions`). Ten failures in a quarter of an hour close the way for an account and for
an address; a success takes its own attempt out of the count. Where a second factor is in force,
the sign-in is recorded when its code was right.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
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
from orgs.services import external, passkeys, second_factor, users
from orgs.signin.claims import ExternalPerson

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
    """An e-mail address as user name is written in any case; it is stored in lower case."""
    if "@" in username and not User.objects.filter(username=username).exists():
        username = username.lower()
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


def sign_in_with_passkey(
    site: passkeys.Site, *, state: Mapping[str, Any], answer: Mapping[str, Any], address: str = ""
) -> User:
    """The person whose passkey answered; no second factor is asked for.

    Raises:
        RateLimited: ten failures from this address within 15 minutes.
        Unauthenticated: an unknown passkey, or an answer that proves nothing.
    """
    return _attempt(
        [f"address:{address}"],
        lambda: passkeys.prove(site, state=state, answer=answer),
        refusal=_("This passkey is not known here."),
        way="passkey",
        is_complete=True,
    )


def sign_in_from_elsewhere(person: ExternalPerson, *, way: str, address: str = "") -> User:
    """The person whom another service proved; that service asks for its own second factor.

    Raises:
        RateLimited: ten failures from this address within 15 minutes.
        Unauthenticated: the account is closed.
    """
    ensure = external.ensure_clerk_user if way == "clerk" else external.ensure_oidc_user
    return _attempt(
        [f"address:{address}"],
        lambda: ensure(person),
        refusal=_("Your account here is closed. Ask an administrator."),
        way=way,
        is_complete=True,
    )


def sign_in_with_code(user: User, code: str, *, way: str, address: str = "") -> User:
    """Complete a sign-in by a code of the generator, or by a recovery code.

    Args:
        way: How the person proved himself before.

    Raises:
        RateLimited: ten failures for this account or this address within 15 minutes.
        Unauthenticated: ``wrong_code``, wrong or already used.
    """
    return _attempt(
        [f"address:{address}", f"code:{user.id}"],
        lambda: user if second_factor.use_code(user.id, code) else None,
        refusal=_("This code is wrong or was used. Wait for the next one."),
        way=f"{way}+code",
        username=user.username,
        is_complete=True,
        code="wrong_code",
    )


def _attempt(
    subjects: list[str],
    prove: Callable[[], User | None],
    *,
    refusal: str,
    way: str,
    username: str = "",
    is_complete: bool = False,
    code: str | None = None,
) -> User:
    for subject in subjects:
        ratelimit.hit(ratelimit.SIGN_IN, subject, must_count=True)
    user = prove()
    if user is None or not user.is_active:
        log.warning("auth.sign_in_failed", way=way)
        _record_failure(username, way=way)
        raise Unauthenticated(refusal, code=code)
    for subject in subjects:
        ratelimit.forgive(ratelimit.SIGN_IN, subject)
    if is_complete or not second_factor.is_in_force(user.id):
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
