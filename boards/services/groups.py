"""Board groups."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, rules
from boards.models import Board, BoardGroup, GroupMemory
from boards.services import opening
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Invalid, NotFound, StaleVersion
from missioncontrol.kernel.unit import service
from orgs.models import Organization

FIELDS = frozenset({"name", "slug", "description"})
#: Boards that the event of a deleted group names: what fits into an event.
MOST_NAMED = 300


def home_of(actor: Actor, organization_id: UUID | None) -> Organization:
    """The organization that something is created in: the named one, else the active one.

    Raises:
        NotFound: absent, or the actor does not belong to it.
    """
    wanted = organization_id or actor.organization_id
    found: Organization | None = None
    if wanted is not None:
        found = Organization.objects.filter(pk=wanted).first()
    if found is None or not _belongs(actor, found.pk):
        raise NotFound(_("No such organization."))
    return found


def _belongs(actor: Actor, organization_id: UUID) -> bool:
    memberships = getattr(actor, "memberships", None)
    if memberships is not None:
        return organization_id in memberships
    return actor.kind == "system" or actor.organization_id == organization_id


def name_of(raw: Any) -> str:
    """A name of 1 to 200 characters.

    Raises:
        Invalid: blank or longer.
    """
    name = str(raw or "").strip()
    if not 1 <= len(name) <= 200:
        raise Invalid(_("A name has 1 to 200 characters."), field="name")
    return name


def slug_of(raw: Any, name: str) -> str:
    """A slug as given, else derived from the name, else eight random hex digits."""
    return rules.slug_of(str(raw or "")) or rules.slug_of(name) or secrets.token_hex(4)


@service
def create_group(
    actor: Actor,
    organization_id: UUID | None = None,
    *,
    name: str,
    slug: str | None = None,
    description: str | None = None,
) -> BoardGroup:
    """Create a group in an organization, by default the active one.

    Raises:
        Invalid: a blank name.
        NotFound: no such organization.
        Forbidden: no admin.
    """
    called = name_of(name)
    home = home_of(actor, organization_id)
    authz.authorize(actor, actions.CREATE_GROUP, home)
    group = BoardGroup(
        organization_id=home.pk, name=called, slug=slug_of(slug, called), description=description
    )
    group.save(force_insert=True)
    _publish(actor, group, "board_group.created", {"name": called})
    return group


@service
def update_group(
    actor: Actor,
    group_id: Any,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> BoardGroup:
    """Change name, slug or description; a blank slug is derived anew.

    Raises:
        Invalid: a blank name or an unknown field.
        NotFound: absent or invisible.
        Forbidden: no admin, or no right to write on its boards.
        StaleVersion: somebody else changed it since.
    """
    wanted = dict(changes)
    for name in wanted:
        if name not in FIELDS:
            raise Invalid(_("Unknown field."), field=name, code="unknown_field")
    group: BoardGroup = BoardGroup.objects.open_for(actor, group_id)
    _authorize(actor, actions.UPDATE_GROUP, group)
    if expected_version is not None and expected_version < group.version:
        raise StaleVersion(
            _("Somebody else changed the group since."),
            current={"id": str(group.pk), "name": group.name, "version": group.version},
        )
    if "name" in wanted:
        wanted["name"] = name_of(wanted["name"])
    if "slug" in wanted:
        wanted["slug"] = slug_of(wanted["slug"], wanted.get("name", group.name))
    changed = {k: v for k, v in wanted.items() if v != getattr(group, k)}
    if not changed:
        return group
    previous = {name: getattr(group, name) for name in changed}
    for name, value in changed.items():
        setattr(group, name, value)
    group.version += 1
    group.save(update_fields=[*changed, "version", "updated_at"])
    data = {"changes": rules.event_values(changed), "previous": rules.event_values(previous)}
    _publish(actor, group, "board_group.updated", data)
    return group


@service
def delete_group(actor: Actor, group_id: Any, *, expected_version: int | None = None) -> None:
    """Delete a group with its shared memory; its boards stay, and their agents are told.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no admin, or no right to write on its boards.
        StaleVersion: somebody else changed it since ``expected_version``.
    """
    # The full lock: no board may join while it goes.
    group: BoardGroup = BoardGroup.objects.open_for(actor, group_id, for_delete=True)
    _authorize(actor, actions.DELETE_GROUP, group)
    opening.require_seen(group, expected_version)
    ids = list(
        Board.objects.select_for_update(of=("self",), no_key=True)
        .filter(board_group_id=group.pk)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    Board.objects.filter(pk__in=ids).update(board_group=None)
    facts = {
        "board_ids": [str(pk) for pk in ids][:MOST_NAMED],
        "memories": GroupMemory.objects.filter(board_group=group).count(),
    }
    _publish(actor, group, "board_group.deleted", facts)
    group.delete()


def _authorize(actor: Actor, action: authz.Action, group: BoardGroup) -> None:
    """The role, then the right to write: on every board, or on one of the group's."""
    authz.authorize(actor, action, group)
    own = Board.objects.filter(board_group_id=group.pk)
    if own.exists() and not own.writable_by(actor).exists():
        authz.authorize(actor, actions.UPDATE_BOARD, own.order_by("pk").first())


def _publish(actor: Actor, group: BoardGroup, type_: str, data: Mapping[str, Any]) -> None:
    publish(type_, actor=actor, target=group, organization_id=group.organization_id, data=data)
