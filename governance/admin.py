"""Approvals for look-up; what has to change goes through the service."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError

from . import services
from .models import Approval, ApprovalTask


class ReadOnly:
    """No adding, changing or deleting: rows are facts."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows change by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A decision is kept."""
        return False


class TaskInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold ships no types
    """Tasks that the approval names."""

    model = ApprovalTask
    fields = ("task_id", "title", "position")
    extra = 0


@admin.register(Approval)
class ApprovalAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Look an approval up; withdraw one that nobody can decide any more."""

    list_display = (
        "__str__", "status", "source", "organization", "requested_by_name", "decided_by_name",
        "answer_state", "created_at", "expires_at",
    )  # fmt: skip
    list_filter = ("status", "source", "answer_state", "organization")
    search_fields = ("id", "action_type", "command", "requested_by_name", "external_id")
    date_hierarchy = "created_at"
    inlines: ClassVar = [TaskInline]
    actions: ClassVar = ["withdraw"]

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        """Repair is for who may use the admin at all."""
        return bool(request.user.is_active and request.user.is_staff)

    @admin.action(description=_("Withdraw pending requests"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Approval]) -> None:
        """Cancel each selected request that still waits."""
        actor = SystemActor(f"admin: {request.user}"[:200])
        for approval in queryset.order_by("pk"):
            try:
                services.cancel_approval(actor, approval.pk)
            except DomainError as refusal:
                self.message_user(request, f"{approval}: {refusal.detail}", messages.WARNING)
