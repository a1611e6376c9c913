"""People: the built-in operator, password accounts, profile, active organization."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel import rights
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import Membership, Organization, User
from orgs.services import organizations

PROFILE_FIELDS = (
    "name", "preferred_name", "pronouns", "timezone", "notes", "context",
    "theme", "density", "language", "is_high_contrast",
)  # fmt: skip
_LOCAL_DEFAULTS = {
    "username": credentials.LOCAL_USER,
    "email": credentials.LOCAL_EMAIL,
    "name": credentials.LOCAL_NAME,
    "is_super_admin": True,
    "password": "!",  # no password fits
}


def _as_actor(user: User) -> UserActor:
    return UserActor(id=user.id, name=user.display_name, email=user.email)


@service
def ensure_local_user() -> User:
    """The built-in operator with an organization of his own; the same for every first request.

    The unique ``clerk_user_id`` lets one parallel request insert; the row lock lets one make the
    organization. A missing e-mail address or name is filled in again.
    """
    User.objects.get_or_create(clerk_user_id=credentials.LOCAL_USER, defaults=_LOCAL_DEFAULTS)
    user = User.objects.select_for_update(of=("self",), no_key=True).get(
        clerk_user_id=credentials.LOCAL_USER
    )
    missing = {k: _LOCAL_DEFAULTS[k] for k in ("email", "name") if not getattr(user, k)}
    if missing:
        for key, value in missing.items():
            setattr(user, key, value)
        user.save(update_fields=[*missing, "updated_at"])
    ensure_organization(user)
    return user


def ensure_organization(user: User) -> None:
    """Give a person without any membership his first one. The row must be locked.

    The oldest pending invitation for his verified e-mail address comes first; without one he gets
    a personal organization.
    """
    if Membership.objects.filter(user=user).exists():
        return
    from orgs.services import invites

    invite = invites.oldest_for(user)
    if invite is not None:
        invites.use_invite(invite, user)
    else:
        organizations.create_personal_organization(_as_actor(user))


@service
def bootstrap(actor: UserActor) -> User:
    """The person himself, with a personal organization if he has none.

    Raises:
        NotFound: the account is gone.
    """
    user = _own_row(actor)
    ensure_organization(user)
    user.refresh_from_db()
    return user


def _own_row(actor: Actor) -> User:
    """The caller's own row, locked."""
    user = (
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=actor.id, is_active=True)
        .first()
        if isinstance(actor, UserActor)
        else None
    )
    if user is None:
        raise NotFound
    return user


def _require_write(actor: Actor) -> None:
    if isinstance(actor, UserActor) and actor.scope == "read":
        raise Forbidden(_("This token may only read."))


@service
def create_password_user(
    *,
    username: str,
    password: str,
    email: str | None = None,
    name: str = "",
    is_super_admin: bool,
    email_verified: bool = False,
) -> User:
    """A person who signs in by name and password, with his first membership.

    Args:
        email_verified: Whether somebody answers for it that the address is his.

    Raises:
        Invalid: blank name, or a password that is too weak.
        Conflict: ``name_taken``.
    """
    user = new_password_user(
        username=username, password=password, email=email, name=name, email_verified=email_verified
    )
    user.is_super_admin = is_super_admin
    insert_user(user)
    ensure_organization(user)
    return user


def new_password_user(
    *,
    username: str,
    password: str,
    email: str | None,
    name: str,
    email_verified: bool,
) -> User:
    """A person with that password, not yet stored.

    Raises:
        Invalid: blank name, or a password that is too weak.
    """
    username = username.strip()
    if not 1 <= len(username) <= 150:
        raise Invalid(_("A user name has 1 to 150 characters."), field="username")
    user = User(username=username, email=email, name=name)
    user.email_verified = bool(email) and email_verified
    check_password_strength(user, password, field="password")
    user.set_password(password)
    return user


def insert_user(user: User) -> None:
    """Store a new person; part of a running service.

    Raises:
        Conflict: ``name_taken``.
    """
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This user name is taken."), code="name_taken") from error


def check_password_strength(user: User, password: str, *, field: str) -> None:
    """Ask the configured validators.

    Raises:
        Invalid: with one entry per finding.
    """
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        found: list[FieldError] = [
            {"loc": ["body", field], "msg": text, "type": "weak_password"}
            for text in error.messages
        ]
        raise Invalid(" ".join(error.messages), code="weak_password", errors=found) from error


@service
def update_profile(actor: UserActor, *, changes: dict[str, Any]) -> User:
    """Change one's own profile or preferences.

    Args:
        changes: Fields of :data:`PROFILE_FIELDS` as given; null clears a text.

    Raises:
        Forbidden: a token that may only read.
        Invalid: an unknown time zone, theme, density or language.
    """
    _require_write(actor)
    wanted = {k: ("" if v is None else v) for k, v in changes.items() if k in PROFILE_FIELDS}
    _check_choices(wanted)
    user = _own_row(actor)
    changed = {k: v for k, v in wanted.items() if getattr(user, k) != v}
    if not changed:
        return user
    for key, value in changed.items():
        setattr(user, key, value)
    user.save(update_fields=[*changed, "updated_at"])
    publish_own(actor, user, "user.updated", data={"changed": sorted(changed)})
    return user


def _check_choices(wanted: dict[str, Any]) -> None:
    timezone = wanted.get("timezone")
    if timezone and timezone not in zoneinfo.available_timezones():
        raise Invalid(_("No such time zone. Use a name like Europe/Berlin."), field="timezone")
    choices = {"theme": User.Theme, "density": User.Density, "language": User.Language}
    for key, kind in choices.items():
        if key in wanted and wanted[key] not in kind.values:
            raise Invalid(_("This is not one of the choices."), field=key)
    if "is_high_contrast" in wanted and not isinstance(wanted["is_high_contrast"], bool):
        raise Invalid(_("This is not one of the choices."), field="is_high_contrast")


def home_of(user: User) -> UUID | None:
    """The person's active organization, else his oldest."""
    if user.active_organization_id is not None:
        return user.active_organization_id
    return (
        Membership.objects.filter(user=user)
        .order_by("created_at", "pk")
        .values_list("organization_id", flat=True)
        .first()
    )


def publish_own(
    actor: Actor, user: User, event: str, *, data: dict[str, Any] | None = None
) -> None:
    """Record a fact about a person where he is at home."""
    home = home_of(user)
    if home is not None:
        log.publish(event, actor=actor, target=user, organization_id=home, data=data)


@service
def set_active_organization(actor: UserActor, organization_id: UUID) -> Organization:
    """Choose the organization that lists and creations without a parent mean.

    Raises:
        Forbidden: not a member; an unknown id answers the same.
    """
    _require_write(actor)
    user = _own_row(actor)
    membership = (
        Membership.objects.select_related("organization")
        .filter(user=user, organization_id=organization_id)
        .first()
    )
    if membership is None:
        raise Forbidden(_("No org access"), code="no_org_access")
    if user.active_organization_id != organization_id:
        user.active_organization_id = organization_id
        user.save(update_fields=["active_organization", "updated_at"])
    organization: Organization = membership.organization
    return organization


def note_rights_changed(user_id: UUID) -> None:
    """Make the open sockets and streams of a person ask again, at once (ruling 20)."""
    note_rights_of_all_changed([user_id])


def note_rights_of_all_changed(user_ids: Sequence[UUID]) -> None:
    """The same for several people."""
    User.objects.filter(pk__in=user_ids).update(permission_epoch=F("permission_epoch") + 1)
    rights.changed("user", user_ids)


@service
def set_account_state(actor: Actor, user_id: UUID, *, is_active: bool) -> User:
    """Close or reopen an account; a closed one proves nothing, at any door, from now on.

    Raises:
        Forbidden: not the system or a super admin.
        NotFound: no such person.
        Conflict: ``own_account``, one's own account stays open.
    """
    _require_super_admin(actor)
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    if user.pk == actor.id:
        raise Conflict(_("You cannot close your own account."), code="own_account")
    if user.is_active != is_active:
        user.is_active = is_active
        user.save(update_fields=["is_active", "updated_at"])
        note_rights_changed(user.pk)
        publish_own(actor, user, "user.updated", data={"changed": ["is_active"]})
    return user


def _require_super_admin(actor: Actor) -> None:
    if actor.kind == "system" or (isinstance(actor, UserActor) and actor.is_super_admin):
        return
    raise Forbidden(_("Only a super admin may do this."))
