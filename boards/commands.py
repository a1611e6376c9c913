"""Commands by name: what proposals, pipeline stages and suggestions may do on boards."""

from __future__ import annotations

from uuid import UUID

from missioncontrol.kernel import commands
from missioncontrol.kernel.schemas import (
    Input,
    JsonObject,
    Name,
    NonBlankText,
    Text,
    Title,
    UtcTime,
)

from . import services


class MoveTask(Input):
    """Arguments of ``boards.move_task``."""

    task_id: UUID
    to: str
    before_id: UUID | None = None
    after_id: UUID | None = None
    comment: Text | None = None


class CreateTask(Input):
    """Arguments of ``boards.create_task``."""

    board_id: UUID
    title: Title
    description: Text | None = None
    status: str = "todo"
    priority: str = "medium"
    due_at: UtcTime | None = None
    assigned_agent_id: UUID | None = None
    depends_on_task_ids: list[UUID] = []
    tag_ids: list[UUID] = []
    custom_field_values: JsonObject = {}
    allow_duplicate: bool = False
    auto_reason: str | None = None


class AssignTask(Input):
    """Arguments of ``boards.assign_task``."""

    task_id: UUID
    agent_id: UUID | None


class AddComment(Input):
    """Arguments of ``boards.add_comment``."""

    task_id: UUID
    message: NonBlankText


class RelocateTask(Input):
    """Arguments of ``boards.relocate_task``."""

    task_id: UUID
    board_id: UUID


class CreateGroup(Input):
    """Arguments of ``boards.create_group``."""

    organization_id: UUID
    name: Name
    description: Text | None = None


class OneBoard(Input):
    """Arguments of ``boards.pause_board`` and ``boards.resume_board``."""

    board_id: UUID


def register() -> None:
    """Register the commands with the kernel."""
    commands.register("boards.move_task", MoveTask, services.move_task)
    commands.register("boards.create_task", CreateTask, services.create_task)
    commands.register("boards.assign_task", AssignTask, services.assign_task)
    commands.register("boards.add_comment", AddComment, services.add_comment)
    commands.register("boards.relocate_task", RelocateTask, services.relocate_task)
    commands.register("boards.create_group", CreateGroup, services.create_group)
    commands.register("boards.pause_board", OneBoard, services.pause_board)
    commands.register("boards.resume_board", OneBoard, services.resume_board)
