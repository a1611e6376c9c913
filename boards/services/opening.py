"""Opening a board and a task to change them: visible, locked in order, with what the rules ask.

Every change of a task that touches its status, place, dependencies or uniqueness first locks the
board, so changes of one board follow one another and no two rows are ever locked crosswise.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q
from django.utils.translation import gettext as _

from boards.models import Board, Task, TaskDependency
from boards.querysets import board_q
from boards.rules import Mover
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import Forbidden, NotFound
from missioncontrol.kernel.querysets import as_uuid

_LINKS = TaskDependency.objects.filter(task_id=OuterRef("pk")).order_by("position", "id")
DEPENDENCIES = ArraySubquery(_LINKS.values("depends_on_id"))
UNFINISHED = ArraySubquery(
    _LINKS.filter(~Q(depends_on__status=Task.Status.DONE)).values("depends_on_id")
)


def open_board(actor: Actor, board_id: Any, *, for_delete: bool = False) -> Board:
    """A readable board, locked.

    Raises:
        NotFound: absent or invisible.
    """
    board: Board = Board.objects.open_for(actor, board_id, for_delete=for_delete)
    return board


def open_task(
    actor: Actor, task_id: Any, *, board_id: UUID | None = None, for_delete: bool = False
) -> tuple[Board, Task]:
    """A task of a readable board; board and task are locked, in this order.

    The task carries ``dependency_ids``, ``unfinished_ids`` and ``assignee_name``.

    Raises:
        NotFound: absent, invisible, or not on ``board_id``.
    """
    key = as_uuid(task_id)
    boards = Board.objects.filter(board_q(actor, "read"), tasks=key)
    if board_id is not None:
        boards = boards.filter(pk=board_id)
    board = boards.select_for_update(of=("self",), no_key=True).first()
    if board is None:
        raise NotFound
    task = locked_task(key, board.id, for_delete=for_delete)
    if task is None:
        raise NotFound
    return board, task


def locked_task(task_id: UUID, board_id: UUID, *, for_delete: bool = False) -> Task | None:
    """A task of that board with what the rules ask, locked; nothing is asked about rights."""
    return (
        Task.objects.filter(pk=task_id, board_id=board_id)
        .annotate(
            dependency_ids=DEPENDENCIES,
            unfinished_ids=UNFINISHED,
            assignee_name=F("assigned_agent__name"),
        )
        .select_for_update(of=("self",), no_key=not for_delete)
        .first()
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
