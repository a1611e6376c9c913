"""Addresses of the API of groups, boards, tasks and comments, relative to ``/api/v1/``."""

from __future__ import annotations

from uuid import UUID

from django.urls import path, register_converter

from boards.api.views import (
    agent,
    approvals,
    boards,
    bulk,
    comments,
    custom_fields,
    groups,
    memory,
    tags,
    tasks,
    webhooks,
)


class TaskRefConverter:
    """A task by its id or its key, ``OPS-214``."""

    regex = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z]{2,5}-[0-9]{1,9}"

    def to_python(self, value: str) -> UUID | str:
        """A UUID, or the key in capitals."""
        return UUID(value) if len(value) == 36 else value.upper()

    def to_url(self, value: UUID | str) -> str:
        """Its text."""
        return str(value)


register_converter(TaskRefConverter, "task")
approvals.register()

_BOARD = "boards/<uuid:board_id>"
_TASK = "tasks/<task:task_ref>"
_COMMENT = "comments/<uuid:comment_id>"
_WEBHOOK = f"{_BOARD}/webhooks/<uuid:webhook_id>"
_PAYLOAD = f"{_WEBHOOK}/payloads/<uuid:payload_id>"

urlpatterns = [
    path("board-groups", groups.GroupListView.as_view(), name="board-groups"),
    path("board-groups/<uuid:group_id>", groups.GroupView.as_view(), name="board-group"),
    path("board-groups/<uuid:group_id>/snapshot", groups.GroupSnapshotView.as_view()),
    path("board-groups/<uuid:group_id>/memory", memory.GroupMemoryView.as_view()),
    path("boards", boards.BoardListView.as_view(), name="boards"),
    path(_BOARD, boards.BoardView.as_view(), name="board"),
    path(f"{_BOARD}/snapshot", boards.SnapshotView.as_view()),
    path(f"{_BOARD}/group-snapshot", boards.BoardGroupSnapshotView.as_view()),
    path(f"{_BOARD}/events", boards.BoardEventsView.as_view()),
    path(f"{_BOARD}/memory", memory.BoardMemoryView.as_view()),
    path(f"{_BOARD}/memory/<str:key>", memory.BoardMemoryValueView.as_view()),
    path(f"{_BOARD}/group-memory", memory.BoardGroupMemoryView.as_view()),
    path(f"{_BOARD}/tasks", tasks.TaskListView.as_view()),
    path(f"{_BOARD}/tasks/bulk", bulk.BulkView.as_view()),
    path(f"{_BOARD}/{_TASK}", tasks.TaskView.as_view()),
    path(f"{_BOARD}/{_TASK}/comments", comments.CommentListView.as_view()),
    path(f"{_BOARD}/{_TASK}/{_COMMENT}", comments.CommentView.as_view()),
    path(f"{_BOARD}/approvals", approvals.BoardApprovalsView.as_view()),
    path("tags", tags.TagListView.as_view(), name="tags"),
    path("tags/<uuid:tag_id>", tags.TagView.as_view(), name="tag"),
    path("organizations/me/custom-fields", custom_fields.CustomFieldListView.as_view()),
    path("organizations/me/custom-fields/<uuid:field_id>", custom_fields.CustomFieldView.as_view()),
    path("tasks", tasks.TaskListView.as_view(), name="tasks"),
    path(_TASK, tasks.TaskView.as_view(), name="task"),
    path(f"{_TASK}/comments", comments.CommentListView.as_view()),
    path(f"{_TASK}/{_COMMENT}", comments.CommentView.as_view()),
    path(f"{_TASK}/assign-agent", tasks.AssignView.as_view()),
    path(f"{_TASK}/move", tasks.RelocateView.as_view()),
    path(f"{_BOARD}/webhooks", webhooks.WebhookListView.as_view()),
    path(_WEBHOOK, webhooks.WebhookView.as_view()),
    path(f"{_WEBHOOK}/payloads", webhooks.PayloadListView.as_view()),
    path(_PAYLOAD, webhooks.PayloadView.as_view()),
    path(f"{_PAYLOAD}/redeliver", webhooks.RedeliverView.as_view()),
    path(f"agent/{_PAYLOAD}", webhooks.AgentPayloadView.as_view()),
    path("agent/boards", agent.AgentBoardListView.as_view()),
    path(f"agent/{_BOARD}", agent.AgentBoardView.as_view()),
    path(f"agent/{_BOARD}/tags", tags.AgentTagListView.as_view()),
    path(f"agent/{_BOARD}/tasks", agent.AgentTaskListView.as_view()),
    path(f"agent/{_BOARD}/{_TASK}", agent.AgentTaskView.as_view()),
    path(f"agent/{_BOARD}/{_TASK}/comments", agent.AgentCommentListView.as_view()),
    path(f"agent/{_BOARD}/memory", agent.AgentMemoryView.as_view()),
    path(f"agent/{_BOARD}/approvals", agent.AgentApprovalsView.as_view()),
]
