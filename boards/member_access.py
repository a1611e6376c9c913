"""Board rights of members as ``orgs`` asks for them, over the grants of this app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import Q

from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.authz import Grant
from orgs.board_access import BoardAccess, Store, register
from orgs.models import Membership

from . import querysets
from .models import Board, BoardUserObjectPermission
from .services import grants


def read(organization_id: UUID, user_ids: Sequence[UUID]) -> Mapping[UUID, list[BoardAccess]]:
    """Grants per person in the order of board names; one query."""
    writes = querysets.permission_ids()["write_board"]
    rows = (
        BoardUserObjectPermission.objects.filter(
            content_object__organization_id=organization_id, user_id__in=list(user_ids)
        )
        .order_by("content_object__name", "content_object_id")
        .values_list("user_id", "content_object_id", "permission_id")
    )
    held: dict[tuple[UUID, UUID], bool] = {}
    for user_id, board_id, permission_id in rows:
        key = (user_id, board_id)
        held[key] = held.get(key, False) or permission_id == writes
    found: dict[UUID, list[BoardAccess]] = {}
    for (user_id, board_id), can_write in held.items():
        found.setdefault(user_id, []).append(
            BoardAccess(board_id, can_read=True, can_write=can_write)
        )
    return found


def replace(
    actor: Actor, organization_id: UUID, user_id: UUID, rights: Sequence[BoardAccess]
) -> None:
    """Put exactly these grants in place; raises what :func:`grants.replace_grants` raises."""
    grants.replace_grants(
        actor,
        organization_id,
        user_id,
        rights=[grants.BoardRight(*right) for right in rights],
    )


def names(organization_id: UUID, board_ids: Sequence[UUID] | None) -> Mapping[UUID, str]:
    """Names of an organization's boards, all or those of the given ids; one query."""
    boards = Board.objects.filter(organization_id=organization_id)
    if board_ids is not None:
        boards = boards.filter(pk__in=list(board_ids))
    return dict(boards.order_by("name", "pk").values_list("pk", "name"))


def people(organization_id: UUID, board_id: UUID, right: Grant) -> set[UUID]:
    """Active members with that right on a board; two queries."""
    wide = Q(all_boards_write=True)
    if right == "read":
        wide |= Q(all_boards_read=True)
    members = Membership.objects.filter(organization_id=organization_id, user__is_active=True)
    ids = querysets.permission_ids()
    wanted = [ids["write_board"]] if right == "write" else list(ids.values())
    granted = BoardUserObjectPermission.objects.filter(
        content_object_id=board_id, permission_id__in=wanted
    )
    holders = members.filter(wide | Q(user_id__in=granted.values("user_id")))
    return set(holders.values_list("user_id", flat=True))


def register_store() -> None:
    """Offer the grants to ``orgs``."""
    register(Store(read=read, replace=replace, people=people, names=names))
