"""Addresses of the pages of boards, tasks and board groups."""

from django.urls import path

from boards.pages.views import (
    board,
    bulk,
    custom_fields,
    group,
    relations,
    tags,
    talk,
    task,
    webhook,
)

app_name = "boards"
_TASK = "boards/<uuid:board_id>/tasks/<uuid:task_id>"
_COMMENT = f"{_TASK}/comments/<uuid:comment_id>"
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
    path("boards/<uuid:board_id>/list", bulk.task_list, name="task-list"),
    path("boards/<uuid:board_id>/tasks/bulk", bulk.task_bulk, name="task-bulk"),
    path("boards/<uuid:board_id>/tasks/search", relations.task_search, name="task-search"),
    path(f"{_TASK}/needs", relations.task_needs, name="task-needs"),
    path(f"{_TASK}/tags", relations.task_tags, name="task-tags"),
    path(f"{_TASK}/relocate", relations.task_relocate, name="task-relocate"),
    path(f"{_TASK}/ask", relations.task_ask, name="task-ask"),
    path(f"{_COMMENT}/edit", relations.comment_edit, name="comment-edit"),
    path(f"{_COMMENT}/delete", relations.comment_delete, name="comment-delete"),
    path("tags", tags.tag_list, name="tag-list"),
    path("tags/new", tags.tag_new, name="tag-new"),
    path("tags/<uuid:tag_id>/edit", tags.tag_edit, name="tag-edit"),
    path("tags/<uuid:tag_id>/delete", tags.tag_delete, name="tag-delete"),
    path("custom-fields", custom_fields.field_list, name="field-list"),
    path("custom-fields/new", custom_fields.field_new, name="field-new"),
    path("custom-fields/<uuid:field_id>/edit", custom_fields.field_edit, name="field-edit"),
    path("custom-fields/<uuid:field_id>/delete", custom_fields.field_delete, name="field-delete"),
    path("board-groups", group.group_list, name="group-list"),
    path("board-groups/new", group.group_new, name="group-new"),
    path("board-groups/<uuid:group_id>", group.group_detail, name="group-detail"),
    path("board-groups/<uuid:group_id>/edit", group.group_edit, name="group-edit"),
    path("board-groups/<uuid:group_id>/delete", group.group_delete, name="group-delete"),
]
