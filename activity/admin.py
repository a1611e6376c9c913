"""Look-up of events, audit entries and parked deliveries."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from activity import subscribe
from activity.audit import verify
from activity.models import (
    ActivityEvent,
    AuditEntry,
    AuditHead,
    EventDelivery,
    EventTally,
    ListenerCursor,
    TallyHead,
    WebhookDelivery,
    WebhookEndpoint,
)
from missioncontrol.kernel.admin import ReadOnlyAdmin


@admin.register(ActivityEvent)
class EventAdmin(ReadOnlyAdmin):
    """Events, newest first."""

    list_display = (
        "at",
        "type",
        "actor_name",
        "target_kind",
        "target_title",
        "organization_id",
        "seq",
    )
    list_filter = ("type", "actor_kind")
    search_fields: ClassVar = ["target_title", "actor_name", "=id", "=request_id"]
    ordering = ("-at", "-seq")
    date_hierarchy = None


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Links of the audit chains."""

    list_display = ("at", "number", "organization_id", "hash")
    search_fields: ClassVar = ["=organization_id", "=event_id", "=hash"]
    ordering = ("-id",)


@admin.register(AuditHead)
class AuditHeadAdmin(ReadOnlyAdmin):
    """Ends of the chains; a chain can be checked from here."""

    list_display = ("organization_id", "last_number", "last_hash")
    actions: ClassVar = ["verify_chains"]

    @admin.action(description=gettext_lazy("Verify the chosen chains"), permissions=["view"])
    def verify_chains(self, request: HttpRequest, chosen: QuerySet[AuditHead]) -> None:
        """Recompute every hash and tell what does not fit."""
        for head in chosen:
            verdict = verify(head.organization_id)
            if verdict.holds:
                text = _("%(id)s: %(n)s entries, none changed.")
                facts = {"id": head.organization_id, "n": verdict.entries}
                self.message_user(request, text % facts, messages.SUCCESS)
            for finding in verdict.findings[:5]:
                text = f"{head.organization_id} #{finding.number}: {finding.fault}"
                self.message_user(request, text, messages.ERROR)


@admin.register(EventDelivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Events that a listener could not take; they can be tried again."""

    list_display = ("created_at", "listener", "status", "attempts", "next_attempt_at", "last_error")
    list_filter = ("status", "listener")
    list_select_related = ("event",)
    ordering = ("-created_at",)
    actions: ClassVar = ["try_again"]

    @admin.action(description=gettext_lazy("Try again now"), permissions=["view"])
    def try_again(self, request: HttpRequest, chosen: QuerySet[EventDelivery]) -> None:
        """Give the events to their listeners once more."""
        done = subscribe.try_again(list(chosen.values_list("pk", flat=True)))
        text = ngettext("%(n)s event was taken.", "%(n)s events were taken.", done)
        self.message_user(request, text % {"n": done})


@admin.register(ListenerCursor)
class CursorAdmin(ReadOnlyAdmin):
    """How far each listener has read."""

    list_display: Any = ("listener", "organization_id", "seq", "updated_at")
    list_filter = ("listener",)


@admin.register(EventTally)
class TallyAdmin(ReadOnlyAdmin):
    """Counts that figures over long ranges are read from."""

    list_display = ("slot", "board_id", "events", "failed", "organization_id")
    search_fields: ClassVar = ["=board_id", "=organization_id"]
    ordering = ("-slot",)


@admin.register(WebhookEndpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Outbound webhooks; they are kept on the organization's own page."""

    list_display = ("name", "organization", "url", "is_enabled", "failures", "last_success_at")
    list_filter = ("is_enabled",)
    list_select_related = ("organization",)
    search_fields: ClassVar = ["name", "url"]
    exclude = ("secret_sealed",)
    ordering = ("-created_at",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent to outbound webhooks, and what came back."""

    list_display = (
        "created_at", "endpoint", "event_type", "seq", "status", "attempts", "response_status",
    )  # fmt: skip
    list_filter = ("status", "event_type")
    list_select_related = ("endpoint",)
    search_fields: ClassVar = ["=event_id", "endpoint__name"]
    ordering = ("-created_at",)


@admin.register(TallyHead)
class TallyHeadAdmin(ReadOnlyAdmin):
    """Up to which event the tallies count."""

    list_display = ("organization_id", "seq")
    search_fields: ClassVar = ["=organization_id"]
