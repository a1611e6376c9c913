"""Addresses of the pages of boards, tasks and board groups."""

from django.urls import path

from boards.pages.views import board, group, talk, task, webhook

app_name = "boards"
_WEBHOOK = "boards/<uuid:board_id>/webhooks/<uuid:webhook_id>"
_PAYLOAD = f"{_WEBHOOK}/payloads/<uuid:payload_id>"
urlpatterns = [
    path("boards", board.board_list, name="board-list"),
    path("boards/new", board.board_new, name="board-new"),
    path("boards/<uuid:board_id>", board.board_detail, name="board-detail"),
    path("boards/<uuid:board_id>/columns", board.board_columns, name="board-columns"),
    path("boards/<uuid:board_id>/edit", board.board_edit, name="board-edit"),
    path("boards/<uuid:board_id>/delete", board.board_delete, name="board-delete"),
    path("boards/<uuid:board_id>/pause", board.board_pause, name="board-pause"),
    path("boards/<uuid:board_id>/tasks/new", task.task_new, name="task-new"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/panel", task.task_panel, name="task-panel"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/body", task.task_body, name="task-body"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/card", task.task_card, name="task-card"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/move", task.task_move, name="task-move"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/facts", task.task_facts, name="task-facts"),
    path("boards/<uuid:board_id>/tasks/<uuid:task_id>/edit", task.task_edit, name="task-edit"),
    path(
        "boards/<uuid:board_id>/tasks/<uuid:task_id>/delete", task.task_delete, name="task-delete"
    ),
    path(
        "boards/<uuid:board_id>/tasks/<uuid:task_id>/comments", task.comment_new, name="comment-new"
    ),
    path("boards/<uuid:board_id>/chat", talk.board_chat, name="board-chat"),
    path("boards/<uuid:board_id>/chat/messages", talk.board_messages, name="board-messages"),
    path("boards/<uuid:board_id>/memory", talk.board_notes, name="board-notes"),
    path("board-groups/<uuid:group_id>/chat", talk.group_chat, name="group-chat"),
    path("board-groups/<uuid:group_id>/chat/messages", talk.group_messages, name="group-messages"),
    path("board-groups/<uuid:group_id>/memory", talk.group_notes, name="group-notes"),
    path("boards/<uuid:board_id>/webhooks", webhook.webhook_list, name="webhook-list"),
    path("boards/<uuid:board_id>/webhooks/new", webhook.webhook_new, name="webhook-new"),
    path(f"{_WEBHOOK}/edit", webhook.webhook_edit, name="webhook-edit"),
    path(f"{_WEBHOOK}/delete", webhook.webhook_delete, name="webhook-delete"),
    path(f"{_WEBHOOK}/payloads", webhook.webhook_payloads, name="webhook-payloads"),
    path(_PAYLOAD, webhook.payload_detail, name="payload-detail"),
    path(f"{_PAYLOAD}/redeliver", webhook.payload_redeliver, name="payload-redeliver"),
    path("board-groups", group.group_list, name="group-list"),
    path("board-groups/new", group.group_new, name="group-new"),
    path("board-groups/<uuid:group_id>", group.group_detail, name="group-detail"),
    path("board-groups/<uuid:group_id>/edit", group.group_edit, name="group-edit"),
    path("board-groups/<uuid:group_id>/delete", group.group_delete, name="group-delete"),
]
