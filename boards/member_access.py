"""Board rights of members for ``orgs``: read and replaced as direct grants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import F
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid
from orgs.board_access import BoardAccess, Store, register

from .models import Board, BoardUserObjectPermission


def _permission_ids() -> dict[str, int]:
    found = Permission.objects.filter(
        content_type__app_label="boards", codename__in=["read_board", "write_board"]
    )
    return dict(found.values_list("codename", "pk"))


def read(organization_id: UUID, user_ids: Sequence[UUID]) -> Mapping[UUID, list[BoardAccess]]:
    """Grants per person in the order of board names; one query."""
    rows = (
        BoardUserObjectPermission.objects.filter(
            content_object__organization_id=organization_id, user_id__in=list(user_ids)
        )
        .order_by("content_object__name", "content_object_id")
        .values_list("user_id", "content_object_id", "permission__codename")
    )
    writes: dict[tuple[UUID, UUID], bool] = {}
    for user_id, board_id, codename in rows:
        key = (user_id, board_id)
        writes[key] = writes.get(key, False) or codename == "write_board"
    found: dict[UUID, list[BoardAccess]] = {}
    for (user_id, board_id), can_write in writes.items():
        found.setdefault(user_id, []).append(BoardAccess(board_id, True, can_write))
    return found


def replace(organization_id: UUID, user_id: UUID, rights: Sequence[BoardAccess]) -> None:
    """Put exactly these grants in place on the boards of one organization.

    Raises:
        Invalid: a board is not of the organization.
    """
    wanted = {r.board_id: r for r in rights if r.can_read or r.can_write}
    own = Board.objects.filter(organization_id=organization_id)
    boards = {b.pk for b in own.filter(pk__in=list(wanted)).only("pk")}
    if boards != set(wanted):
        raise Invalid(_("A board is not of this organization."), field="board_access")
    before = BoardUserObjectPermission.objects.filter(
        user_id=user_id, content_object__organization_id=organization_id
    )
    touched = boards | set(before.values_list("content_object_id", flat=True))
    before.delete()
    ids = _permission_ids()
    BoardUserObjectPermission.objects.bulk_create(
        BoardUserObjectPermission(
            content_object_id=board_id,
            user_id=user_id,
            permission_id=ids["write_board" if wanted[board_id].can_write else "read_board"],
        )
        for board_id in sorted(boards)
    )
    for board_id in sorted(touched):
        Board.objects.filter(pk=board_id).update(permission_epoch=F("permission_epoch") + 1)


def register_store() -> None:
    """Offer the grants to ``orgs``."""
    register(Store(read=read, replace=replace))
