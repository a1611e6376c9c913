"""Opening a board and a task to change them: visible, locked in order, with what the rules ask.

Every change of a task that touches its status, place, dependencies or uniqueness first locks the
board, so changes of one board follow one another and no two rows are ever locked crosswise.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from boards import custom_fields, rows
from boards.models import Board, Task
from boards.rules import Mover
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import Forbidden, NotFound, StaleVersion
from missioncontrol.kernel.querysets import as_uuid


def open_board(actor: Actor, board_id: Any, *, for_delete: bool = False) -> Board:
    """A readable board, locked.

    Raises:
        NotFound: absent or invisible.
    """
    if for_delete:
        opened: Board = Board.objects.open_for(actor, board_id, for_delete=True)
        return opened
    board = rows.lock_board(actor, as_uuid(board_id))
    if board is None:
        raise NotFound
    return board


def open_task(
    actor: Actor, task_id: Any, *, board_id: UUID | None = None, for_delete: bool = False
) -> tuple[Board, Task]:
    """A task of a readable board; board and task are locked, in this order.

    The task carries ``dependency_ids``, ``unfinished_ids``, ``assignee_name``, ``tags`` and
    ``field_specs``.

    Raises:
        NotFound: absent, invisible, or not on ``board_id``.
    """
    key = as_uuid(task_id)
    board = rows.lock_board_of(actor, key, board_id)
    task = rows.lock_task(key, board.pk, for_delete=for_delete) if board else None
    if board is None or task is None:
        raise NotFound
    task.__dict__["field_specs"] = custom_fields.unpack(board.custom_fields)
    return board, task


def require_seen(row: Any, expected_version: int | None) -> None:
    """Refuse to take away what somebody changed since the caller looked.

    Raises:
        StaleVersion: another row version.
    """
    if expected_version is not None and expected_version != row.version:
        raise StaleVersion(
            _("Somebody else changed it since."),
            current={"id": str(row.pk), "version": row.version},
        )


def mover_of(actor: Actor, *, acting_for: str = "") -> Mover:
    """As what the actor changes tasks of a board that he may write on.

    Raises:
        Forbidden: a main agent that does not act for a person.
    """
    if not isinstance(actor, AgentActor):
        return Mover.USER
    if actor.is_lead:
        return Mover.LEAD
    if actor.is_main and acting_for != "user":
        raise Forbidden(
            _("A gateway's main agent changes tasks only for a person; send X-Acting-For: user."),
            code="acting_for_required",
        )
    return Mover.WORKER
