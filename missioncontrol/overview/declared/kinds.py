"""The kinds of things that a file may declare: how they are found, read, made and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

from boards import rules
from boards.models import Board, BoardGroup, CustomField, Tag
from boards.services import boards, custom_fields, groups, tags
from gateways.models import Gateway
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Invalid

Facts = dict[str, Any]


class Names:
    """Ids of what other things name: boards by key, groups and gateways by name."""

    def __init__(self, organization_id: UUID) -> None:
        """Read on demand, since an earlier step may have made something."""
        self.organization_id = organization_id

    def id_of(self, model: type[Model], field: str, word: str | None) -> UUID | None:
        """Id of a named row.

        Raises:
            Invalid: nothing has this name.
        """
        if word is None:
            return None
        rows = model._default_manager.filter(organization_id=self.organization_id)  # noqa: SLF001
        found = rows.filter(**{field: word}).values_list("pk", flat=True).first()
        if found is None:
            kind = model._meta.verbose_name  # noqa: SLF001 - the documented way to a model's name
            raise Invalid(f"There is no {kind} {word!r}.")
        return UUID(str(found))


@dataclass(frozen=True)
class Kind:
    """One list of the file."""

    name: str
    key: str
    fields: tuple[str, ...]
    model: type[Model]
    shown: Callable[[Any], Facts]
    make: Callable[[Actor, Names, Facts], object]
    change: Callable[[Actor, Names, Any, Facts], object]
    drop: Callable[[Actor, Any], object]


_GROUP = ("description",)
_TAG = ("name", "color", "description")
_FIELD = (
    "label", "field_type", "ui_visibility", "validation_regex", "description", "required",
    "default_value", "boards",
)  # fmt: skip
_BOARD = (
    "name", "description", "group", "gateway", "board_type", "objective", "success_metrics",
    "wip_limits", *sorted(rules.POLICY_FIELDS),
)  # fmt: skip


def _plain(row: Any, fields: tuple[str, ...]) -> Facts:
    return {name: getattr(row, name) for name in fields}


def _board_facts(board: Board) -> Facts:
    facts = _plain(board, tuple(name for name in _BOARD if name not in ("group", "gateway")))
    facts["group"] = board.board_group.name if board.board_group else None
    facts["gateway"] = board.gateway.name if board.gateway else None
    return {name: facts[name] for name in _BOARD}


def _board_inputs(names: Names, facts: Facts) -> Facts:
    inputs = {key: value for key, value in facts.items() if key not in ("group", "gateway")}
    if "group" in facts:
        inputs["board_group_id"] = names.id_of(BoardGroup, "name", facts["group"])
    if "gateway" in facts:
        inputs["gateway_id"] = names.id_of(Gateway, "name", facts["gateway"])
    return inputs


def _make_board(actor: Actor, names: Names, facts: Facts) -> object:
    inputs = {"name": facts["key"], **_board_inputs(names, facts)}
    return boards.create_board(actor, names.organization_id, **inputs)


def _field_facts(field: CustomField) -> Facts:
    facts = _plain(field, tuple(name for name in _FIELD if name != "boards"))
    return {**facts, "boards": sorted(field.boards.values_list("key", flat=True))}


def _field_inputs(names: Names, facts: Facts) -> Facts:
    inputs = {key: value for key, value in facts.items() if key != "boards"}
    if "boards" in facts:
        keys = facts["boards"] or []
        inputs["board_ids"] = [names.id_of(Board, "key", key) for key in keys]
    return inputs


def _make_field(actor: Actor, names: Names, facts: Facts) -> object:
    inputs = {"board_ids": [], **_field_inputs(names, facts)}
    return custom_fields.create_custom_field(actor, names.organization_id, **inputs)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "groups", "name", _GROUP, BoardGroup,
            shown=lambda row: _plain(row, _GROUP),
            make=lambda actor, names, facts: groups.create_group(
                actor, names.organization_id, **facts
            ),
            change=lambda actor, _names, row, facts: groups.update_group(
                actor, row.pk, changes=facts
            ),
            drop=lambda actor, row: groups.delete_group(actor, row.pk),
        ),
        Kind(
            "tags", "slug", _TAG, Tag,
            shown=lambda row: _plain(row, _TAG),
            make=lambda actor, names, facts: tags.create_tag(
                actor, names.organization_id, **{"name": facts["slug"], **facts}
            ),
            change=lambda actor, _names, row, facts: tags.update_tag(actor, row.pk, changes=facts),
            drop=lambda actor, row: tags.delete_tag(actor, row.pk),
        ),
        Kind(
            "boards", "key", _BOARD, Board,
            shown=_board_facts,
            make=_make_board,
            change=lambda actor, names, row, facts: boards.update_board(
                actor, row.pk, changes=_board_inputs(names, facts)
            ),
            drop=lambda actor, row: boards.delete_board(actor, row.pk),
        ),
        Kind(
            "custom_fields", "field_key", _FIELD, CustomField,
            shown=_field_facts,
            make=_make_field,
            change=lambda actor, names, row, facts: custom_fields.update_custom_field(
                actor, row.pk, changes=_field_inputs(names, facts)
            ),
            drop=lambda actor, row: custom_fields.delete_custom_field(actor, row.pk),
        ),
    )
}  # fmt: skip
