"""Tags and custom field values that a caller wants on a task, checked against its board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from boards import custom_fields, rows
from boards.custom_fields import FieldSpec
from boards.models import Board
from missioncontrol.kernel.errors import Invalid, NotFound

MAX_TAGS = 200


def known_tags(organization_id: UUID, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """The wanted tags once and in order, as tasks show them.

    Raises:
        Invalid: more than 200.
        NotFound: a tag that the organization does not have, with ``missing_tag_ids``.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_TAGS:
        raise Invalid(_("A task has at most 200 tags."), field="tag_ids")
    if not wanted:
        return []
    found = rows.tags_of(organization_id, wanted)
    missing = [str(pk) for pk in wanted if pk not in found]
    if missing:
        raise NotFound(_("Some of the tags do not exist."), missing_tag_ids=missing)
    return [found[pk] for pk in wanted]


def first_values(board: Board, wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a new task of a board stores.

    Raises:
        Invalid: as :func:`values_of`.
    """
    return values_of(custom_fields.unpack(board.custom_fields), {}, wanted or {})


def values_of(
    specs: Sequence[FieldSpec], stored: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """What the task stores after the wanted values; null deletes one.

    Raises:
        Invalid: an unknown key, a value that does not fit, or a required field without a value.
    """
    by_key = {spec.key: spec for spec in specs}
    unknown = sorted(set(wanted) - set(by_key))
    if unknown:
        raise Invalid(
            _("Unknown custom field keys for this board."),
            field="custom_field_values",
            unknown_field_keys=unknown,
        )
    for key, value in wanted.items():
        if value is not None:
            _require_fitting(by_key[key], value)
    values = custom_fields.merged(stored, wanted)
    missing = custom_fields.missing(specs, values)
    if missing:
        raise Invalid(
            _("Required custom fields must have values."),
            errors=[_error(key, _("This field needs a value.")) for key in missing],
            missing_field_keys=missing,
        )
    return values


def _require_fitting(spec: FieldSpec, value: Any) -> None:
    reason = custom_fields.reason(spec.type, spec.regex, value)
    if reason is not None:
        raise Invalid(
            _("Invalid custom field value."),
            errors=[_error(spec.key, reason)],
            field_key=spec.key,
            field_type=spec.type,
            reason=reason,
        )


def _error(key: str, message: str) -> Any:
    return {"loc": ["body", "custom_field_values", key], "msg": message, "type": "value_error"}
