"""Everything that stands on boards, one module for each subject."""

from boards.models.board import Board, BoardGroup, BoardUserObjectPermission
from boards.models.custom_field import CustomField
from boards.models.memory import BoardMemory, GroupMemory
from boards.models.tag import Tag
from boards.models.task import Task, TaskAlias, TaskComment, TaskDependency
from boards.models.webhook import BoardWebhook, WebhookPayload

__all__ = [
    "Board",
    "BoardGroup",
    "BoardMemory",
    "BoardUserObjectPermission",
    "BoardWebhook",
    "CustomField",
    "GroupMemory",
    "Tag",
    "Task",
    "TaskAlias",
    "TaskComment",
    "TaskDependency",
    "WebhookPayload",
]
