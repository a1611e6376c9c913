"""Custom fields of an organization: create, change, delete, and their copy on the boards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, custom_fields, rules
from boards.custom_fields import FieldSpec
from boards.models import Board, CustomField, Task
from boards.services import groups, opening
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid, StaleVersion
from missioncontrol.kernel.unit import service

FIELDS = frozenset(
    {
        "label", "field_type", "ui_visibility", "validation_regex", "description", "required",
        "default_value", "board_ids",
    }
)  # fmt: skip
NOT_NULL = frozenset({"label", "field_type", "ui_visibility", "required", "board_ids"})
MAX_BOARDS = 1_000
MOST_TOLD = 200


@service
def create_custom_field(
    actor: Actor,
    organization_id: UUID | None = None,
    *,
    field_key: str,
    board_ids: Iterable[UUID],
    label: str | None = None,
    **fields: Any,
) -> CustomField:
    """Create a field in an organization, by default the active one, and bind it to boards.

    Args:
        actor: An admin.
        organization_id: The organization.
        field_key: Its name in the API; unique and for good.
        board_ids: At least one board of the organization.
        label: What pages call it; by default the key.
        fields: Any other field of :data:`FIELDS`.

    Raises:
        Invalid: a value that does not fit, with ``invalid_board_ids`` for boards.
        NotFound: no such organization.
        Forbidden: no admin.
        Conflict: ``custom_field_taken``.
    """
    key = _key(field_key)
    wanted = _checked({"label": label or key, "board_ids": board_ids, **fields})
    bound: list[UUID] = wanted.pop("board_ids")
    home = groups.home_of(actor, organization_id)
    authz.authorize(actor, actions.MANAGE_FIELDS, home)
    field = CustomField(organization_id=home.pk, field_key=key, **wanted)
    _require_consistent(field)
    _require_boards(home.pk, bound)
    try:
        with transaction.atomic():
            field.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            _("A field with this key exists in this organization."), code="custom_field_taken"
        ) from error
    field.boards.set(_lock(bound))
    spread(bound)
    data: dict[str, Any] = {
        "field_key": key,
        "label": field.label,
        "field_type": field.field_type,
        **_bound_to(bound),
    }
    _publish(actor, field, "custom_field.created", data)
    return field


@service
def update_custom_field(
    actor: Actor,
    field_id: Any,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> CustomField:
    """Change a field; a list of boards replaces the boards that it is bound to.

    Raises:
        Invalid: nothing to change, the key, or a value that does not fit.
        NotFound: absent or invisible.
        Forbidden: no admin.
        StaleVersion: somebody else changed it since.
        Conflict: ``values_incompatible`` with the ``count`` of values that the type refuses.
    """
    if not changes:
        raise Invalid(_("Nothing to change was sent."), code="empty")
    if "field_key" in changes:
        raise Invalid(_("The key of a field stays as it is."), field="field_key", code="immutable")
    wanted = _checked(changes)
    field: CustomField = CustomField.objects.open_for(actor, field_id)
    authz.authorize(actor, actions.MANAGE_FIELDS, field)
    if expected_version is not None and expected_version < field.version:
        raise StaleVersion(
            _("Somebody else changed the field since."),
            current={"id": str(field.pk), "label": field.label, "version": field.version},
        )
    before = set(field.boards.values_list("pk", flat=True))
    bound = wanted.pop("board_ids", None)
    after = before if bound is None else set(bound)
    _require_boards(field.organization_id, after - before)
    locked = _lock(before | after)
    changed = {name: value for name, value in wanted.items() if value != getattr(field, name)}
    if not changed and after == before:
        return field
    previous = {name: getattr(field, name) for name in changed}
    for name, value in changed.items():
        setattr(field, name, value)
    _require_consistent(field)
    if "field_type" in changed:
        _require_compatible(field)
    field.version += 1
    field.save(update_fields=[*changed, "version", "updated_at"])
    field.boards.set([board for board in locked if board.pk in after])
    spread(before | after)
    _tell_updated(actor, field, changed, previous, (before, after))
    return field


def _tell_updated(
    actor: Actor,
    field: CustomField,
    changed: Mapping[str, Any],
    previous: Mapping[str, Any],
    bound: tuple[set[UUID], set[UUID]],
) -> None:
    """One event with old and new values."""
    now, old = custom_fields.excerpt(changed), custom_fields.excerpt(previous)
    before, after = bound
    if before != after:
        now["board_ids"] = sorted(str(pk) for pk in after)
        old["board_ids"] = sorted(str(pk) for pk in before)
    data: dict[str, Any] = {
        "changes": rules.event_values(now),
        "previous": rules.event_values(old),
        **_bound_to(before | after),
    }
    _publish(actor, field, "custom_field.updated", data)


@service
def delete_custom_field(
    actor: Actor, field_id: Any, *, expected_version: int | None = None
) -> None:
    """Delete a field that no task has a value of.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no admin.
        StaleVersion: somebody else changed it since ``expected_version``.
        Conflict: ``values_exist`` with their ``count``.
    """
    # The full lock: nothing may be bound to it while it goes.
    field: CustomField = CustomField.objects.open_for(actor, field_id, for_delete=True)
    authz.authorize(actor, actions.MANAGE_FIELDS, field)
    opening.require_seen(field, expected_version)
    bound = set(field.boards.values_list("pk", flat=True))
    _lock(bound)
    count = _with_value(field).count()
    if count:
        raise Conflict(
            _("Tasks have values of this field. Clear them first."),
            code="values_exist",
            count=count,
        )
    data = {"field_key": field.field_key, **_bound_to(bound)}
    _publish(actor, field, "custom_field.deleted", data)
    field.boards.clear()
    field.delete()
    spread(bound)


# --- inputs ---------------------------------------------------------------------------------------


def _key(raw: str) -> str:
    key = raw.strip()
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid(_("A key has 1 to 200 characters."), field="field_key")
    return key


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values in their stored form."""
    wanted = dict(values)
    for name, value in wanted.items():
        if name not in FIELDS:
            raise Invalid(_("Unknown field."), field=name, code="unknown_field")
        if value is None and name in NOT_NULL:
            raise Invalid(_("This field cannot be empty."), field=name)
    if "label" in wanted:
        wanted["label"] = str(wanted["label"]).strip()
        if not 1 <= len(wanted["label"]) <= 200:
            raise Invalid(_("A name has 1 to 200 characters."), field="label")
    for name, choices in (
        ("field_type", CustomField.Type.values),
        ("ui_visibility", CustomField.Visibility.values),
    ):
        if name in wanted:
            wanted[name] = custom_fields.word(wanted[name])
            if wanted[name] not in choices:
                words = {"choices": ", ".join(choices)}
                raise Invalid(_("Choose one of %(choices)s.") % words, field=name)
    if "board_ids" in wanted:
        wanted["board_ids"] = list(dict.fromkeys(wanted["board_ids"]))
        if not 1 <= len(wanted["board_ids"]) <= MAX_BOARDS:
            raise Invalid(_("Choose at least one board."), field="board_ids")
    if "validation_regex" in wanted:
        wanted["validation_regex"] = wanted["validation_regex"] or None
    return wanted


def _require_consistent(field: CustomField) -> None:
    """Refuse a pattern that does not go with the type, or a default that fits neither."""
    pattern = field.validation_regex
    if pattern is not None:
        if field.field_type not in custom_fields.WITH_REGEX:
            raise Invalid(_("This type of field has no pattern."), field="validation_regex")
        fault = custom_fields.regex_fault(pattern)
        if fault is not None:
            raise Invalid(fault, field="validation_regex")
    if field.default_value is not None:
        reason = custom_fields.reason(field.field_type, pattern, field.default_value)
        if reason is not None:
            raise Invalid(reason, field="default_value")


def _require_boards(organization_id: UUID, wanted: Iterable[UUID]) -> None:
    ids = list(wanted)
    boards = Board.objects.filter(organization_id=organization_id, pk__in=ids)
    known = set(boards.values_list("pk", flat=True))
    invalid = [str(pk) for pk in ids if pk not in known]
    if invalid:
        raise Invalid(
            _("Some selected boards are invalid for this organization."),
            field="board_ids",
            invalid_board_ids=invalid,
        )


def _with_value(field: CustomField) -> Any:
    return Task.objects.filter(
        organization_id=field.organization_id, custom_field_values__has_key=field.field_key
    )


def _require_compatible(field: CustomField) -> None:
    """Refuse a type that values of tasks do not fit; the boards are locked."""
    values = _with_value(field).values_list("custom_field_values", flat=True)
    count = sum(
        custom_fields.reason(field.field_type, None, stored[field.field_key]) is not None
        for stored in values.iterator()
    )
    if count:
        raise Conflict(
            _("Tasks have values that do not fit this type."),
            code="values_incompatible",
            count=count,
        )


# --- the copy on the boards -----------------------------------------------------------------------


def _lock(board_ids: Iterable[UUID]) -> list[Board]:
    """The boards, held so that no task is written by the fields of before."""
    boards = Board.objects.select_for_update(of=("self",), no_key=True)
    return list(boards.filter(pk__in=list(board_ids)).order_by("pk").only("pk"))


def spread(board_ids: Iterable[UUID]) -> None:
    """Write the fields bound to each of the boards onto it; the boards are locked."""
    ids = sorted(board_ids)
    bound: dict[UUID, list[FieldSpec]] = {pk: [] for pk in ids}
    links = CustomField.boards.through.objects.filter(board_id__in=ids)
    for link in links.select_related("customfield").order_by(
        "customfield__label", "customfield__field_key"
    ):
        bound[link.board_id].append(spec_of(link.customfield))
    for pk in ids:
        packed, digest = custom_fields.pack(bound[pk])
        Board.objects.filter(pk=pk).update(custom_fields=packed, custom_fields_digest=digest)


def spec_of(field: CustomField) -> FieldSpec:
    """A field as its boards carry it."""
    return FieldSpec(
        key=field.field_key,
        label=field.label,
        type=field.field_type,
        visibility=field.ui_visibility,
        required=field.required,
        default=field.default_value,
        regex=field.validation_regex,
        description=field.description,
    )


def _bound_to(board_ids: Iterable[UUID]) -> dict[str, list[str]]:
    """The boards whose agents have to know."""
    return {"bound_to": sorted(str(pk) for pk in board_ids)[:MOST_TOLD]}


def _publish(actor: Actor, field: CustomField, type_: str, data: Mapping[str, Any]) -> None:
    publish(
        type_,
        actor=actor,
        target=field,
        organization_id=field.organization_id,
        data={"custom_field_id": str(field.pk), **data},
    )
