"""Look-up of notifications, channels and deliveries; what is sealed is never shown."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from missioncontrol.kernel.admin import ReadOnlyAdmin
from orgs.notices.models import Notification, NotificationChannel, NotificationDelivery


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Who was told of what."""

    list_display = ("kind", "subject", "user", "organization", "read_at", "created_at")
    list_filter = ("kind",)
    list_select_related = ("user", "organization")
    search_fields: ClassVar = ["subject", "user__username", "user__email", "=subject_id"]


@admin.register(NotificationChannel)
class NotificationChannelAdmin(ReadOnlyAdmin):
    """Channels without their addresses and keys; their owners change them."""

    list_display = ("name", "type", "user", "hint", "is_enabled", "created_at")
    list_filter = ("type", "is_enabled")
    list_select_related = ("user",)
    search_fields: ClassVar = ["name", "user__username", "hint"]
    exclude = ("address_sealed", "secret_sealed")


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(ReadOnlyAdmin):
    """How each message went."""

    list_display = ("channel", "state", "attempts", "last_error", "next_attempt_at", "sent_at")
    list_filter = ("state", "channel__type")
    list_select_related = ("channel",)
    search_fields: ClassVar = ["channel__user__username", "last_error", "=id"]
