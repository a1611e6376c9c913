"""Look-up and repair of boards, groups, tasks and comments; repairs call services."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boards import rules, services
from boards.models import (
    Board,
    BoardGroup,
    BoardMemory,
    BoardUserObjectPermission,
    BoardWebhook,
    CustomField,
    GroupMemory,
    Tag,
    Task,
    TaskAlias,
    TaskComment,
    TaskDependency,
    WebhookPayload,
)
from boards.services import webhooks
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.admin import ReadOnlyAdmin
from missioncontrol.kernel.errors import DomainError


def _repairer(request: HttpRequest) -> SystemActor:
    """A repair is recorded with the name of who asked for it."""
    return SystemActor(f"repair by {request.user}")


@admin.register(BoardGroup)
class BoardGroupAdmin(ReadOnlyAdmin):
    """Board groups."""

    list_display = ("name", "organization", "created_at")
    list_select_related = ("organization",)
    search_fields: ClassVar = ["name", "slug", "=id"]


@admin.register(Board)
class BoardAdmin(ReadOnlyAdmin):
    """Boards; a stuck one can be paused, released, and its columns put in order."""

    list_display = ("name", "key", "organization", "gateway", "paused", "created_at")
    list_filter = ("paused", "board_type")
    list_select_related = ("organization", "gateway")
    search_fields: ClassVar = ["name", "=key", "=id"]
    actions: ClassVar = ["pause", "resume", "put_in_order"]

    @admin.action(description=gettext_lazy("Pause the chosen boards"), permissions=["view"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Board]) -> None:
        """Their agents get nothing until somebody lets them go on."""
        self._each(request, chosen, services.pause_board)

    @admin.action(description=gettext_lazy("Let the chosen boards go on"), permissions=["view"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Board]) -> None:
        """Their agents go on."""
        self._each(request, chosen, services.resume_board)

    @admin.action(
        description=gettext_lazy("Renew the order keys of all columns"), permissions=["view"]
    )
    def put_in_order(self, request: HttpRequest, chosen: QuerySet[Board]) -> None:
        """Keep the order, shorten its keys."""

        def columns(who: SystemActor, board_id: Any) -> None:
            for status in rules.STATUSES:
                services.rerank_column(who, board_id, status=status)

        self._each(request, chosen, columns)

    def _each(self, request: HttpRequest, chosen: QuerySet[Board], repair: Any) -> None:
        who = _repairer(request)
        for board in chosen:
            try:
                repair(who, board.pk)
            except DomainError as refusal:
                self.message_user(request, f"{board}: {refusal.detail}", messages.ERROR)
        self.message_user(request, _("The chosen boards were repaired."))


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Tasks; one that hangs can be taken back."""

    list_display = ("key", "title", "board", "status", "assigned_agent", "delivery", "updated_at")
    list_filter = ("status", "delivery")
    list_select_related = ("board", "assigned_agent")
    search_fields: ClassVar = ["=key", "title", "=id"]
    actions: ClassVar = ["take_back"]

    @admin.action(description=gettext_lazy("Put the chosen tasks back to do"), permissions=["view"])
    def take_back(self, request: HttpRequest, chosen: QuerySet[Task]) -> None:
        """Nobody works on them any more."""
        who = _repairer(request)
        for task in chosen:
            try:
                services.move_task(who, task.pk, to=Task.Status.TODO)
            except DomainError as refusal:
                self.message_user(request, f"{task}: {refusal.detail}", messages.ERROR)
        self.message_user(request, _("The chosen tasks are back in To do."))


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    """Tags."""

    list_display = ("name", "slug", "color", "organization")
    list_select_related = ("organization",)
    search_fields: ClassVar = ["name", "=slug", "=id"]


@admin.register(CustomField)
class CustomFieldAdmin(ReadOnlyAdmin):
    """Custom fields."""

    list_display = ("label", "field_key", "field_type", "required", "organization")
    list_filter = ("field_type", "required")
    list_select_related = ("organization",)
    search_fields: ClassVar = ["label", "=field_key", "=id"]


@admin.register(TaskComment)
class TaskCommentAdmin(ReadOnlyAdmin):
    """Comments."""

    list_display = ("author_name", "author_kind", "task", "created_at")
    list_select_related = ("task",)
    search_fields: ClassVar = ["author_name", "=task__key", "message"]


@admin.register(TaskDependency)
class TaskDependencyAdmin(ReadOnlyAdmin):
    """Dependencies."""

    list_display = ("task", "depends_on", "position")
    list_select_related = ("task", "depends_on")
    search_fields: ClassVar = ["=task__key", "=depends_on__key"]


@admin.register(TaskAlias)
class TaskAliasAdmin(ReadOnlyAdmin):
    """Old keys of tasks."""

    list_display = ("key", "task", "organization")
    list_select_related = ("task", "organization")
    search_fields: ClassVar = ["=key", "=task__key"]


@admin.register(BoardUserObjectPermission)
class BoardGrantAdmin(ReadOnlyAdmin):
    """Who may use which board by a direct grant."""

    list_display = ("content_object", "user", "permission")
    list_select_related = ("content_object", "user", "permission__content_type")
    search_fields: ClassVar = ["content_object__name", "user__username"]


@admin.register(BoardMemory)
class BoardMemoryAdmin(ReadOnlyAdmin):
    """Notes and messages of boards."""

    list_display = ("author_name", "author_kind", "board", "is_chat", "created_at")
    list_filter = ("is_chat", "author_kind")
    list_select_related = ("board",)
    search_fields: ClassVar = ["author_name", "board__name", "content", "=id"]


@admin.register(GroupMemory)
class GroupMemoryAdmin(ReadOnlyAdmin):
    """Notes and messages of groups."""

    list_display = ("author_name", "author_kind", "board_group", "is_chat", "created_at")
    list_filter = ("is_chat", "author_kind")
    list_select_related = ("board_group",)
    search_fields: ClassVar = ["author_name", "board_group__name", "content", "=id"]


@admin.register(BoardWebhook)
class BoardWebhookAdmin(ReadOnlyAdmin):
    """Inbound webhooks, without their secrets."""

    list_display = ("title", "board", "agent", "enabled", "has_secret", "created_at")
    list_filter = ("enabled",)
    list_select_related = ("board", "agent")
    search_fields: ClassVar = ["description", "board__name", "=id"]
    exclude = ("secret_sealed",)


@admin.register(WebhookPayload)
class WebhookPayloadAdmin(ReadOnlyAdmin):
    """What webhooks received; the agent can be told again."""

    list_display = (
        "webhook",
        "received_at",
        "size_bytes",
        "source_ip",
        "delivery_status",
        "attempts",
    )
    list_filter = ("delivery_status",)
    list_select_related = ("webhook",)
    search_fields: ClassVar = ["=id", "=webhook__id"]
    actions: ClassVar = ["redeliver"]

    @admin.action(
        description=gettext_lazy("Send the chosen payloads to the agent again"),
        permissions=["view"],
    )
    def redeliver(self, request: HttpRequest, chosen: QuerySet[WebhookPayload]) -> None:
        """Those that still wait stay as they are."""
        who = _repairer(request)
        for payload in chosen:
            try:
                webhooks.redeliver_payload(who, payload.board_id, payload.webhook_id, payload.pk)
            except DomainError as refusal:
                self.message_user(request, f"{payload}: {refusal.detail}", messages.ERROR)
        self.message_user(request, _("The chosen payloads are on their way."))
