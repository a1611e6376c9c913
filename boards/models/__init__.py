"""Everything that stands on boards, one module for each subject."""

from boards.models.board import Board, BoardGroup, BoardUserObjectPermission
from boards.models.task import Task, TaskAlias, TaskComment, TaskDependency

__all__ = [
    "Board",
    "BoardGroup",
    "BoardUserObjectPermission",
    "Task",
    "TaskAlias",
    "TaskComment",
    "TaskDependency",
]
