"""Addresses of the event streams, relative to ``/api/v1/``."""

from __future__ import annotations

from django.urls import path

from missioncontrol import stream_views as views

_BOARD = "boards/<uuid:board_id>"

urlpatterns = [
    path("activity/stream", views.ActivityStream.as_view()),
    path("activity/task-comments/stream", views.TaskCommentStream.as_view()),
    path("agents/stream", views.AgentStream.as_view()),
    path(f"{_BOARD}/tasks/stream", views.BoardTaskStream.as_view()),
    path(f"{_BOARD}/approvals/stream", views.BoardApprovalStream.as_view()),
    path(f"{_BOARD}/memory/stream", views.BoardMemoryStream.as_view()),
    path(f"{_BOARD}/group-memory/stream", views.GroupMemoryStream.as_view()),
    path("board-groups/<uuid:group_id>/memory/stream", views.GroupMemoryStream.as_view()),
]
