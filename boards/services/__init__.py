"""Every change of groups, boards, tasks, comments and grants. One function each."""

from .approvals import request_approval
from .boards import create_board, delete_board, pause_board, resume_board, update_board
from .comments import add_comment, delete_comment, edit_comment
from .custom_fields import create_custom_field, delete_custom_field, update_custom_field
from .grants import BoardRight, grant_board, replace_grants, rights_of, withdraw_grants
from .groups import create_group, delete_group, update_group
from .memory import (
    add_board_memory,
    add_group_memory,
    add_group_memory_from_board,
    put_board_memory,
)
from .moves import move_task, relocate_task
from .ranks import rerank_column
from .tags import create_tag, delete_tag, update_tag
from .tasks import assign_task, create_task, delete_task, record_delivery, update_task

__all__ = [
    "BoardRight",
    "add_board_memory",
    "add_comment",
    "add_group_memory",
    "add_group_memory_from_board",
    "assign_task",
    "create_board",
    "create_custom_field",
    "create_group",
    "create_tag",
    "create_task",
    "delete_board",
    "delete_comment",
    "delete_custom_field",
    "delete_group",
    "delete_tag",
    "delete_task",
    "edit_comment",
    "grant_board",
    "move_task",
    "pause_board",
    "put_board_memory",
    "record_delivery",
    "relocate_task",
    "replace_grants",
    "request_approval",
    "rerank_column",
    "resume_board",
    "rights_of",
    "update_board",
    "update_custom_field",
    "update_group",
    "update_tag",
    "update_task",
    "withdraw_grants",
]
