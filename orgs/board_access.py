"""Board rights of members, kept by ``boards``: this app asks for them without knowing boards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.authz import Grant
from missioncontrol.kernel.errors import Invalid


class BoardAccess(NamedTuple):
    """Right of a person on one board; writing implies reading."""

    board_id: UUID
    can_read: bool
    can_write: bool


@dataclass(frozen=True, slots=True)
class Store:
    """Where the rights lie.

    Attributes:
        read: ``(organization_id, user_ids) -> rights per person``, in the order of board names.
        replace: ``(actor, organization_id, user_id, rights)`` puts exactly these rights in place;
            it raises ``Invalid`` when a board is not of the organization, with nothing changed.
        people: ``(organization_id, board_id, right) -> ids of the members who have it``; the right
            is ``read`` or ``write``.
        names: ``(organization_id, board_ids or None for all) -> name per board``, by name.
    """

    read: Callable[[UUID, Sequence[UUID]], Mapping[UUID, list[BoardAccess]]]
    replace: Callable[[Actor, UUID, UUID, Sequence[BoardAccess]], None]
    people: Callable[[UUID, UUID, Grant], set[UUID]]
    names: Callable[[UUID, Sequence[UUID] | None], Mapping[UUID, str]]


_store: Store | None = None


def register(store: Store) -> None:
    """Name the store (``boards``)."""
    global _store  # noqa: PLW0603 - one registration at start
    _store = store


def rights_of(organization_id: UUID, user_ids: Sequence[UUID]) -> Mapping[UUID, list[BoardAccess]]:
    """Rights per person; people without any are absent."""
    return _store.read(organization_id, user_ids) if _store else {}


def replace(
    actor: Actor, organization_id: UUID, user_id: UUID, rights: Sequence[BoardAccess]
) -> None:
    """Give a person exactly these rights on the boards of one organization."""
    if _store is not None:
        _store.replace(actor, organization_id, user_id, rights)


def names_of(organization_id: UUID, board_ids: Sequence[UUID] | None = None) -> Mapping[UUID, str]:
    """Boards of an organization by their ids, in the order of their names; unknown ids are absent.

    For those who give rights on boards, whatever they may read themselves.
    """
    return _store.names(organization_id, board_ids) if _store else {}


def require_known(organization_id: UUID, board_ids: Sequence[UUID]) -> None:
    """Refuse boards that are not of the organization.

    Raises:
        Invalid: with ``invalid_board_ids``.
    """
    known = names_of(organization_id, board_ids) if board_ids else {}
    unknown = [str(pk) for pk in board_ids if pk not in known]
    if unknown:
        raise Invalid(
            _("Some of the boards do not belong to this organization."),
            field="board_access",
            invalid_board_ids=unknown,
        )


def people_of(organization_id: UUID, board_id: UUID, right: Grant) -> set[UUID]:
    """Members who may read or write a board, by a flag for all boards or a right on this one."""
    return _store.people(organization_id, board_id, right) if _store else set()
