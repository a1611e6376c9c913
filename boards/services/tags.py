"""Tags of an organization: create, change, delete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, rules
from boards.models import Tag
from boards.models.tag import DEFAULT_COLOR
from boards.services import groups, opening
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid, StaleVersion
from missioncontrol.kernel.unit import service

FIELDS = frozenset({"name", "slug", "color", "description"})
MAX_TEXT = 100_000
_COLOR = re.compile(r"^#?([0-9A-Fa-f]{6})$")
_SLUG = re.compile(r"^[a-z0-9-]{1,200}$")
#: Takes a tag from its tasks, whose version rises; rows are locked in ascending order.
_REMOVE = (
    "WITH wearing AS (SELECT id FROM boards_task WHERE organization_id = %(home)s "
    "AND tag_ids <> '{}' AND tag_ids @> ARRAY[%(tag)s]::uuid[] ORDER BY id FOR NO KEY UPDATE) "
    "UPDATE boards_task t SET tag_ids = array_remove(t.tag_ids, %(tag)s), "
    "version = t.version + 1, updated_at = now() FROM wearing w WHERE w.id = t.id"
)


@service
def create_tag(
    actor: Actor,
    organization_id: UUID | None = None,
    *,
    name: str,
    slug: str | None = None,
    color: str | None = None,
    description: str | None = None,
) -> Tag:
    """Create a tag in an organization, by default the active one.

    Args:
        actor: An admin.
        organization_id: The organization.
        name: 1 to 200 characters.
        slug: Derived from the name when blank; unique in the organization.
        color: Six hex digits, with or without ``#``.
        description: What it is for.

    Raises:
        Invalid: a value that does not fit.
        NotFound: no such organization.
        Forbidden: no admin.
        Conflict: ``tag_slug_taken``.
    """
    called = groups.name_of(name)
    shade = color_of(color or DEFAULT_COLOR)
    note = _text(description)
    home = groups.home_of(actor, organization_id)
    authz.authorize(actor, actions.MANAGE_TAGS, home)
    tag = Tag(
        organization_id=home.pk,
        name=called,
        slug=_slug(slug, called),
        color=shade,
        description=note,
    )
    _write(tag, force_insert=True)
    _publish(actor, tag, "tag.created", {"name": called, "slug": tag.slug, "color": tag.color})
    return tag


@service
def update_tag(
    actor: Actor,
    tag_id: Any,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Tag:
    """Change name, slug, colour or description; a blank slug is derived anew.

    Raises:
        Invalid: nothing to change, an unknown field, or a value that does not fit.
        NotFound: absent or invisible.
        Forbidden: no admin.
        StaleVersion: somebody else changed it since.
        Conflict: ``tag_slug_taken``.
    """
    if not changes:
        raise Invalid(_("Nothing to change was sent."), code="empty")
    for name in changes:
        if name not in FIELDS:
            raise Invalid(_("Unknown field."), field=name, code="unknown_field")
    tag: Tag = Tag.objects.open_for(actor, tag_id)
    authz.authorize(actor, actions.MANAGE_TAGS, tag)
    if expected_version is not None and expected_version < tag.version:
        raise StaleVersion(
            _("Somebody else changed the tag since."),
            current={"id": str(tag.pk), "name": tag.name, "version": tag.version},
        )
    wanted = _checked(tag, changes)
    changed = {name: value for name, value in wanted.items() if value != getattr(tag, name)}
    if not changed:
        return tag
    previous = {name: getattr(tag, name) for name in changed}
    for name, value in changed.items():
        setattr(tag, name, value)
    tag.version += 1
    _write(tag, update_fields=[*changed, "version", "updated_at"])
    data = {"changes": rules.event_values(changed), "previous": rules.event_values(previous)}
    _publish(actor, tag, "tag.updated", data)
    return tag


@service
def delete_tag(actor: Actor, tag_id: Any, *, expected_version: int | None = None) -> None:
    """Delete a tag; the tasks that carry it lose it.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no admin.
        StaleVersion: somebody else changed it since ``expected_version``.
    """
    # The full lock, since the row goes; a task that takes it meanwhile shows nothing of it.
    tag: Tag = Tag.objects.open_for(actor, tag_id, for_delete=True)
    authz.authorize(actor, actions.MANAGE_TAGS, tag)
    opening.require_seen(tag, expected_version)
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"home": tag.organization_id, "tag": tag.pk})
        tasks = cursor.rowcount
    _publish(actor, tag, "tag.deleted", {"name": tag.name, "slug": tag.slug, "tasks": tasks})
    tag.delete()


def color_of(raw: str) -> str:
    """Six lower-case hex digits.

    Raises:
        Invalid: anything else.
    """
    match = _COLOR.match(raw.strip())
    if match is None:
        raise Invalid(_("A colour has six hex digits, such as #0ea5e9."), field="color")
    return match.group(1).lower()


def _text(raw: str | None) -> str | None:
    if raw is not None and len(raw) > MAX_TEXT:
        raise Invalid(_("The text is longer than 100 000 characters."), field="description")
    return raw


def _slug(raw: str | None, name: str) -> str:
    text = (raw or "").strip().lower()
    if not text:
        return rules.slug_of(name) or f"tag-{rules.short_mark(name)}"
    if not _SLUG.match(text):
        raise Invalid(_("A slug has lower-case letters, digits and hyphens."), field="slug")
    return text


def _checked(tag: Tag, changes: Mapping[str, Any]) -> dict[str, Any]:
    wanted = dict(changes)
    for name in ("name", "color"):
        if name in wanted and wanted[name] is None:
            raise Invalid(_("This field cannot be empty."), field=name)
    if "name" in wanted:
        wanted["name"] = groups.name_of(wanted["name"])
    if "color" in wanted:
        wanted["color"] = color_of(wanted["color"])
    if "slug" in wanted:
        wanted["slug"] = _slug(wanted["slug"], wanted.get("name", tag.name))
    _text(wanted.get("description"))
    return wanted


def _write(tag: Tag, **how: Any) -> None:
    """Store the tag, unless another one has its slug."""
    try:
        with transaction.atomic():
            tag.save(**how)
    except IntegrityError as error:
        raise Conflict(
            _("Tag slug already exists in this organization."), code="tag_slug_taken"
        ) from error


def _publish(actor: Actor, tag: Tag, type_: str, data: Mapping[str, Any]) -> None:
    publish(
        type_,
        actor=actor,
        target=tag,
        organization_id=tag.organization_id,
        data={"tag_id": str(tag.pk), **data},
    )
