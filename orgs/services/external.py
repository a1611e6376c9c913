"""People whom another service proves: found or made at their first visit."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from missioncontrol.kernel import clock
from missioncontrol.kernel.errors import Unauthenticated
from missioncontrol.kernel.unit import service
from orgs import credentials
from orgs.models import User
from orgs.services import users
from orgs.signin.claims import ExternalPerson
from orgs.signin.models import ExternalIdentity


@service
def ensure_clerk_user(person: ExternalPerson) -> User:
    """The person with that Clerk id, with an organization; the same for parallel first calls.

    Raises:
        Unauthenticated: the id is the one of the built-in operator.
    """
    if person.subject == credentials.LOCAL_USER:
        raise Unauthenticated
    user, _is_new = User.objects.get_or_create(
        clerk_user_id=person.subject,
        defaults=_defaults(person, username=f"clerk:{person.subject}"),
    )
    return _filled(user, person)


@service
def ensure_oidc_user(person: ExternalPerson) -> User:
    """The person with that issuer and subject; his e-mail address never decides who he is."""
    known = ExternalIdentity.objects.filter(issuer=person.issuer, subject=person.subject)
    identity = known.first() or _new_identity(person)
    identity.last_used_at = clock.now()
    identity.save(update_fields=["last_used_at", "updated_at"])
    return _filled(User.objects.get(pk=identity.user_id), person)


def _new_identity(person: ExternalPerson) -> ExternalIdentity:
    """Account and identity together; of two parallel first visits one makes them."""
    verified = (
        person
        if person.is_email_verified
        else ExternalPerson(person.issuer, person.subject, name=person.name)
    )
    identity = ExternalIdentity(issuer=person.issuer, subject=person.subject)
    user = User(**_defaults(verified, username=f"oidc:{identity.id}"))
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            identity.user = user
            identity.save(force_insert=True)
    except IntegrityError:
        return ExternalIdentity.objects.get(issuer=person.issuer, subject=person.subject)
    return identity


def _defaults(person: ExternalPerson, *, username: str) -> dict[str, object]:
    local_part = (person.email or "").partition("@")[0]
    return {
        "username": username[:150],
        "email": person.email,
        "email_verified": bool(person.email) and person.is_email_verified,
        "name": (person.name or local_part)[:200],
        "password": make_password(None),
    }


def _filled(user: User, person: ExternalPerson) -> User:
    """The row, locked, with what was missing and with the address that is verified by now."""
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if not user.is_active:
        return user
    changes: dict[str, object] = {}
    if person.email and person.is_email_verified:
        changes |= {"email": person.email, "email_verified": True}
    elif person.email and not user.email and user.clerk_user_id:
        changes["email"] = person.email
    if person.name and not user.name:
        changes["name"] = person.name
    changed = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(user, name, value)
        user.save(update_fields=[*changed, "updated_at"])
    users.ensure_organization(user)
    return user
