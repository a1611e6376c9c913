"""What can be done to groups, boards and tasks, and what it takes (core 4.2, 6, 10)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from missioncontrol.kernel.actors import Actor, AgentActor, Role, UserActor
from missioncontrol.kernel.authz import USER_AGENT, Action, register_question
from missioncontrol.kernel.errors import Forbidden

CREATE_GROUP = Action("board_group.create", role=Role.ADMIN)
UPDATE_GROUP = Action("board_group.update", role=Role.ADMIN)
DELETE_GROUP = Action("board_group.delete", role=Role.ADMIN)

CREATE_BOARD = Action("board.create", role=Role.ADMIN)
UPDATE_BOARD = Action("board.update", grant="write")
CONFIGURE_BOARD = Action("board.configure", role=Role.ADMIN, grant="write")
DELETE_BOARD = Action("board.delete", role=Role.ADMIN, grant="write")
PAUSE_BOARD = Action("board.pause", kinds=USER_AGENT, grant="write")
GRANT_BOARD = Action("board.grant", role=Role.ADMIN)

CREATE_TASK = Action("task.create", kinds=USER_AGENT, grant="write")
UPDATE_TASK = Action("task.update", kinds=USER_AGENT, grant="write")
DELETE_TASK = Action("task.delete", kinds=USER_AGENT, grant="write")
MANAGE_TAGS = Action("tag.manage", role=Role.ADMIN)
MANAGE_FIELDS = Action("custom_field.manage", role=Role.ADMIN)
RELOCATE_TASK = Action("task.relocate", grant="write")
WRITE_MEMORY = Action("memory.write", kinds=USER_AGENT, grant="write")
WRITE_GROUP_MEMORY = Action("group_memory.write", kinds=USER_AGENT)
COMMENT_TASK = Action("task.comment", kinds=USER_AGENT, grant="write")
MANAGE_WEBHOOK = Action("webhook.manage", grant="write")
REQUEST_APPROVAL = Action("approval.request", kinds=USER_AGENT, grant="write")


def ask_grant(actor: Actor, action: Action, row: Any) -> None:
    """Question 3b of the permission order: the right on the board that the row belongs to.

    Visibility (reading) was settled when the row was opened, so only ``write`` asks anything.

    Raises:
        Forbidden: the actor may read the board and not change it.
    """
    board_id = getattr(row, "board_id", None)
    if action.grant is None or board_id is None:
        return
    if isinstance(actor, UserActor):
        facts = actor.memberships.get(row.organization_id)
        if facts is not None and facts.all_boards_write:
            return
        if action.grant == "read" and facts is not None and facts.all_boards_read:
            return
    elif isinstance(actor, AgentActor) and actor.board_id == board_id:
        return
    from .models import Board
    from .querysets import board_q

    if not Board.objects.filter(board_q(actor, action.grant), pk=board_id).exists():
        raise Forbidden(_("You may read this board, but not change it."), action=action.name)


def register() -> None:
    """Register the grant question with the kernel."""
    register_question(20, ask_grant)
