"""Gateways for look-up and repair; every repair goes through a service."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from missioncontrol.kernel.jobs import enqueue_now

from . import jobs, records
from .models import Gateway, GatewayCheck, GatewayCleanup, GatewayLease

_SECRET_FREE = tuple(f.name for f in Gateway._meta.concrete_fields if f.name != "token_sealed")  # noqa: SLF001


class ReadOnly:
    """No adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows change by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows go by services."""
        return False

    def has_repair_permission(self, request: HttpRequest) -> bool:
        """Repair is for who may use the admin at all."""
        return bool(request.user.is_active and request.user.is_staff)


@admin.register(Gateway)
class GatewayAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Look a gateway up, check it, connect it anew."""

    list_display = (
        "name", "organization", "url", "status", "status_code", "runtime_version",
        "last_seen_at", "last_checked_at",
    )  # fmt: skip
    list_filter = ("status", "is_simulated", "organization")
    search_fields = ("id", "name", "url")
    fields = _SECRET_FREE
    actions: ClassVar = ["run_doctor", "reconnect"]

    @admin.action(description=_("Run the connection doctor"), permissions=["repair"])
    def run_doctor(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        """Check the selected gateways in jobs."""
        for pk in queryset.values_list("pk", flat=True):
            enqueue_now(jobs.check_gateway, pk)

    @admin.action(description=_("Connect anew"), permissions=["repair"])
    def reconnect(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        """Let the links of the selected gateways try again at once."""
        for pk in queryset.values_list("pk", flat=True):
            records.nudge(pk)


@admin.register(GatewayLease)
class GatewayLeaseAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Which process holds which gateway."""

    list_display = ("gateway", "owner", "epoch", "until", "is_online")


@admin.register(GatewayCheck)
class GatewayCheckAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """History of checks and changes of status."""

    list_display = ("gateway", "status", "code", "latency_ms", "created_at")
    list_filter = ("status",)
    date_hierarchy = "created_at"


@admin.register(GatewayCleanup)
class GatewayCleanupAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What removed gateways still run; it is given up on the page of gateways."""

    list_display = ("name", "organization", "url", "attempts", "next_attempt_at", "last_error")
    exclude = ("token_sealed", "identity_sealed", "device_token_sealed")
