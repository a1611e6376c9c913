"""Organizations: make, change, delete with everything they own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel import clock, rights, unit
from missioncontrol.kernel.actors import Actor, Role, UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.unit import service
from orgs import actions, rules
from orgs.models import Membership, Organization, User

MAX_SUFFIX = 10_000


@dataclass(frozen=True, slots=True)
class Purge:
    """What is left to remove of a deleted organization once its last event is written."""

    organization_id: UUID
    board_ids: tuple[UUID, ...]


def _name(raw: str) -> str:
    name = raw.strip()
    if not 1 <= len(name) <= 200:
        raise Invalid(_("A name has 1 to 200 characters."), field="name")
    return name


def _taken() -> Conflict:
    return Conflict(_("An organization of this name exists."), code="name_taken")


def _insert(name: str, description: str | None) -> Organization | None:
    """Insert, or ``None`` when somebody has the name; the unique index decides races."""
    if Organization.objects.filter(name__iexact=name).exists():
        return None
    try:
        with transaction.atomic():
            return Organization.objects.create(name=name, description=description)
    except IntegrityError:
        return None


@service
def create_organization(actor: Actor, *, name: str, description: str | None = None) -> Organization:
    """A new organization; the caller owns it and works in it from now on.

    Raises:
        Forbidden: no person, or a token that may not administer.
        Invalid: blank or too long a name.
        Conflict: ``name_taken``, whatever the case of the letters.
    """
    if not isinstance(actor, UserActor) or actor.scope != "admin":
        raise Forbidden(_("This token may not create organizations."))
    organization = _insert(_name(name), description)
    if organization is None:
        raise _taken()
    _own(actor, organization)
    return organization


@service
def create_personal_organization(actor: UserActor) -> Organization:
    """The first organization of a person: ``Personal``, with a number where that is taken."""
    for attempt in range(1, MAX_SUFFIX):
        organization = _insert(rules.personal_name(attempt), None)
        if organization is not None:
            _own(actor, organization)
            return organization
    raise _taken()


def _own(actor: UserActor, organization: Organization) -> None:
    Membership.objects.create(
        organization=organization,
        user_id=actor.id,
        role=Membership.RoleChoice.OWNER,
        all_boards_read=True,
        all_boards_write=True,
    )
    User.objects.filter(pk=actor.id).update(
        active_organization=organization, permission_epoch=F("permission_epoch") + 1
    )
    log.publish(
        "organization.created", actor=actor, target=organization, organization_id=organization.id
    )


@service
def update_organization(
    actor: Actor, organization_id: UUID, *, changes: dict[str, Any]
) -> Organization:
    """Change name or description.

    Args:
        changes: ``name`` and/or ``description`` as given; ``description`` may be null.

    Raises:
        NotFound: not a member.
        Forbidden: not an administrator.
        Invalid: blank name, or null for it.
        Conflict: ``name_taken``.
    """
    organization: Organization = Organization.objects.open_for(actor, organization_id)
    authorize(actor, actions.UPDATE_ORGANIZATION, organization)
    wanted = dict(changes)
    if "name" in wanted:
        wanted["name"] = _name(wanted["name"] or "")
    changed = {k: v for k, v in wanted.items() if getattr(organization, k) != v}
    if not changed:
        return organization
    for key, value in changed.items():
        setattr(organization, key, value)
    try:
        with transaction.atomic():
            organization.save(update_fields=[*changed, "updated_at"])
    except IntegrityError as error:
        raise _taken() from error
    log.publish(
        "organization.updated",
        actor=actor,
        target=organization,
        organization_id=organization.id,
        data={"changed": sorted(changed)},
    )
    return organization


@service
def delete_organization(actor: Actor, organization_id: UUID) -> None:
    """Remove an organization with everything it owns; its audit chain stays (ruling 19).

    The event reaches listeners that join the transaction (they take leave of remote agents); after
    it is written to the audit chain, the organization's event log goes too.

    Raises:
        NotFound: not a member.
        Forbidden: not an owner.
    """
    # The full lock: nothing may start to point here while everything goes.
    organization: Organization = Organization.objects.open_for(
        actor, organization_id, for_delete=True
    )
    if isinstance(actor, UserActor) and actor.role_in(organization.id) is not Role.OWNER:
        raise Forbidden(_("Only organization owners can delete organizations"))
    authorize(actor, actions.DELETE_ORGANIZATION, organization)
    remove(actor, organization)


def remove(actor: Actor, organization: Organization) -> None:
    """Delete a locked organization with everything it owns; part of a running service."""
    from django.apps import apps

    boards = apps.get_model("boards", "Board")
    board_ids = tuple(
        boards.objects.filter(organization_id=organization.id)
        .order_by("pk")
        .select_for_update(of=("self",))  # before their tasks, as everywhere
        .values_list("pk", flat=True)
    )
    people = list(
        Membership.objects.filter(organization=organization).values_list("user_id", flat=True)
    )
    log.publish(
        "organization.deleted", actor=actor, target=organization, organization_id=organization.id
    )
    unit.remember(Purge(organization.id, board_ids))
    organization.delete()
    User.objects.filter(pk__in=people).update(permission_epoch=F("permission_epoch") + 1)
    rights.changed("user", people)


def flush_purges(items: list[Any]) -> None:
    """Once the events of the running service are written, remove those of deleted tenants."""
    for item in items:
        if isinstance(item, Purge):
            _purge(item)


def _purge(item: Purge) -> None:
    later = clock.now() + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_purge_events(%s, %s)", [item.organization_id, later])
        cursor.execute(
            "DELETE FROM activity_eventstream WHERE id = ANY(%s)",
            [[item.organization_id, *item.board_ids]],
        )
        for table in ("listenercursor", "eventtally", "tallyhead"):
            cursor.execute(
                f"DELETE FROM activity_{table} WHERE organization_id = %s",  # noqa: S608
                [item.organization_id],
            )
