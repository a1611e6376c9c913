"""The forms of groups, boards, tasks and comments outside; one function each."""

from __future__ import annotations

from typing import Any

from boards.models import BoardGroup
from boards.reads import board_of as board
from boards.reads import comment_of as comment
from boards.reads import shape_comment, shape_task
from boards.reads import task_of as task

__all__ = ["board", "comment", "group", "shape_comment", "shape_task", "task"]


def group(row: BoardGroup) -> dict[str, Any]:
    """A board group."""
    return {
        "id": row.pk,
        "organization_id": row.organization_id,
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
