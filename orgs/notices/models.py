"""Notifications, the channels on which people want them, and their way on each channel."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from missioncontrol.kernel.models import Entity, LeasedWork, TenantEntity
from orgs import querysets


class Kind(models.TextChoices):
    """Why somebody is told."""

    APPROVAL_WAITING = "approval_waiting", _("An approval waits for me")
    MENTION = "mention", _("Somebody mentions me")
    AGENT_FAILED = "agent_failed", _("An agent failed")
    GATEWAY_DOWN = "gateway_down", _("A gateway is down")
    INVITE = "invite", _("I am invited")


class Notification(TenantEntity):
    """One fact that concerns one person; one per event and person."""

    user = models.ForeignKey("orgs.User", on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    event_id = models.UUIDField()
    #: What it is about: the approval, task, agent, gateway or invitation.
    subject_id = models.UUIDField(null=True, blank=True)
    subject = models.CharField(max_length=500, blank=True, default="")
    actor_name = models.CharField(max_length=200, blank=True, default="")
    #: Some words of it: a comment, the reason of a failure.
    detail = models.CharField(max_length=500, blank=True, default="")
    #: Path of the page behind it, without a secret.
    path = models.CharField(max_length=300, blank=True, default="")
    read_at = models.DateTimeField(null=True, blank=True)
    #: When it asked for nothing any more, because somebody decided.
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.OwnQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "event_id"], name="user_notification_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_newest"),
            models.Index(
                fields=["user"],
                condition=models.Q(read_at__isnull=True),
                name="notification_unread",
            ),
            models.Index(fields=["subject_id"], name="notification_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class NotificationChannel(Entity):
    """A way to a person outside of the pages. Addresses are sealed: they let others write there."""

    class Type(models.TextChoices):
        """What speaks at the other end."""

        EMAIL = "email", _("E-mail")
        WEBHOOK = "webhook", _("Webhook")
        SLACK = "slack", _("Slack or compatible")
        TELEGRAM = "telegram", _("Telegram or compatible")

    user = models.ForeignKey(
        "orgs.User", on_delete=models.CASCADE, related_name="notification_channels"
    )
    type = models.CharField(max_length=10, choices=Type.choices)
    name = models.CharField(max_length=120)
    #: Webhook, Slack: the address. Telegram: address of the bot's server.
    address_sealed = models.TextField(blank=True, default="")
    #: Webhook: key of the signature. Telegram: token of the bot.
    secret_sealed = models.TextField(blank=True, default="")
    chat_id = models.CharField(max_length=64, blank=True, default="")
    #: What may be shown of the address: its host.
    hint = models.CharField(max_length=255, blank=True, default="")
    kinds: Any = models.JSONField(default=list)
    is_enabled = models.BooleanField(default=True)

    objects = querysets.OwnQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user"], name="channel_of_user")]

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def target(self) -> Target:
        """How events name the channel."""
        return Target("notification_channel", self.id, self.name)


class NotificationDelivery(Entity, LeasedWork):
    """The way of one notification on one channel; without a notification it is a test."""

    class State(models.TextChoices):
        """How far it came."""

        WAITING = "waiting", _("On its way")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Not needed")

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries"
    )
    channel = models.ForeignKey(
        NotificationChannel, on_delete=models.CASCADE, related_name="deliveries"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    last_error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "notification deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["notification", "channel"], name="notification_delivery_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state="waiting"),
                name="notification_delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.state}"
