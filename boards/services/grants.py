"""Rights of people on boards: direct grants, and all that go with a membership."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, querysets
from boards.models import Board, BoardUserObjectPermission
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.errors import Invalid, NotFound
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.unit import service
from orgs.models import Membership
from orgs.services import users


class BoardRight(NamedTuple):
    """What somebody may do on one board; writing implies reading."""

    board_id: UUID
    can_read: bool
    can_write: bool


@service
def grant_board(
    actor: Actor, board_id: Any, user_id: UUID, *, can_read: bool, can_write: bool
) -> None:
    """Set what a member may do on one board; both off takes the grant away.

    Raises:
        NotFound: no such board in an organization of the actor, or no such member of it.
        Forbidden: no admin.
    """
    board = _administered(actor, as_uuid(board_id))
    if not Membership.objects.filter(
        organization_id=board.organization_id, user_id=user_id
    ).exists():
        raise NotFound(_("No such member."))
    _set(actor, board, user_id, can_read=can_read, can_write=can_write)


def _administered(actor: Actor, board_id: UUID) -> Board:
    """A board that an admin may give rights on, even without a right of his own; locked."""
    boards = Board.objects.select_for_update(of=("self",), no_key=True).filter(pk=board_id)
    if isinstance(actor, UserActor):
        boards = boards.filter(organization_id__in=list(actor.memberships))
    board: Board | None = boards.first()
    if board is None:
        raise NotFound
    authz.authorize(actor, actions.GRANT_BOARD, board)
    return board


def _set(actor: Actor, board: Board, user_id: UUID, *, can_read: bool, can_write: bool) -> None:
    before = _rights(board.pk, user_id)
    wanted = {"read_board"} if can_read or can_write else set()
    if can_write:
        wanted.add("write_board")
    if wanted == before:
        return
    ids = querysets.permission_ids()
    grants = BoardUserObjectPermission.objects.filter(content_object_id=board.pk, user_id=user_id)
    grants.filter(permission_id__in=[ids[name] for name in before - wanted]).delete()
    BoardUserObjectPermission.objects.bulk_create(
        BoardUserObjectPermission(
            content_object_id=board.pk, user_id=user_id, permission_id=ids[name]
        )
        for name in sorted(wanted - before)
    )
    Board.objects.filter(pk=board.pk).update(permission_epoch=F("permission_epoch") + 1)
    users.note_rights_changed(user_id)
    publish(
        "board.access_changed",
        actor=actor,
        target=board,
        organization_id=board.organization_id,
        board_id=board.pk,
        data={
            "user_id": str(user_id),
            "can_read": bool(wanted),
            "can_write": can_write,
            "previous": {"can_read": bool(before), "can_write": "write_board" in before},
        },
    )


def _rights(board_id: UUID, user_id: UUID) -> set[str]:
    names = {pk: name for name, pk in querysets.permission_ids().items()}
    held = BoardUserObjectPermission.objects.filter(content_object_id=board_id, user_id=user_id)
    return {names[pk] for pk in held.values_list("permission_id", flat=True) if pk in names}


def rights_of(organization_id: UUID, user_id: UUID) -> list[BoardRight]:
    """Direct grants of a member in one organization, by board name."""
    ids = querysets.permission_ids()
    held = BoardUserObjectPermission.objects.filter(
        user_id=user_id, content_object__organization_id=organization_id
    ).order_by("content_object__name", "content_object_id")
    found: dict[UUID, bool] = {}
    for board_id, permission in held.values_list("content_object_id", "permission_id"):
        found[board_id] = found.get(board_id, False) or permission == ids["write_board"]
    return [BoardRight(pk, can_read=True, can_write=writes) for pk, writes in found.items()]


@service
def replace_grants(
    actor: Actor, organization_id: UUID, user_id: UUID, *, rights: Iterable[BoardRight]
) -> None:
    """Give a member exactly these grants in one organization.

    Raises:
        Invalid: a board of another organization; nothing is applied.
        Forbidden: no admin.
    """
    wanted = {right.board_id: right for right in rights}
    present = {right.board_id: right for right in rights_of(organization_id, user_id)}
    every = sorted({*wanted, *present})
    boards = {
        board.pk: board
        for board in Board.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=every, organization_id=organization_id)
        .order_by("pk")
    }
    unknown = [str(pk) for pk in every if pk not in boards]
    if unknown:
        raise Invalid(
            _("Some of the boards do not belong to this organization."),
            field="board_access",
            invalid_board_ids=unknown,
        )
    for pk in every:
        right = wanted.get(pk, BoardRight(pk, can_read=False, can_write=False))
        authz.authorize(actor, actions.GRANT_BOARD, boards[pk])
        _set(actor, boards[pk], user_id, can_read=right.can_read, can_write=right.can_write)


@service
def withdraw_grants(actor: Actor, organization_id: UUID, user_id: UUID) -> None:
    """Take every grant of somebody in one organization, because his membership changed.

    Its reason is recorded by the membership's own event.
    """
    held = BoardUserObjectPermission.objects.filter(
        user_id=user_id, content_object__organization_id=organization_id
    )
    boards = sorted(set(held.values_list("content_object_id", flat=True)))
    if not boards:
        return
    held.delete()
    Board.objects.filter(pk__in=boards).update(permission_epoch=F("permission_epoch") + 1)
