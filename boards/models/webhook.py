"""Inbound webhooks of boards and what they received."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from boards import querysets
from missioncontrol.kernel.models import TenantEntity, Versioned

TITLE_CHARS = 80


class BoardWebhook(TenantEntity, Versioned):
    """An open address of a board: what is sent there is kept and told to an agent."""

    board = models.ForeignKey("boards.Board", on_delete=models.CASCADE, related_name="webhooks")
    #: Who is told; without one the board's lead.
    agent = models.ForeignKey(
        "agents.Agent", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    #: Instruction to the agent.
    description = models.TextField()
    enabled = models.BooleanField(default=True)
    secret_sealed = models.TextField(blank=True, default="")
    signature_header = models.CharField(max_length=100, null=True, blank=True)
    replay_window_seconds = models.PositiveIntegerField(default=300)
    require_timestamp = models.BooleanField(default=False)
    retention_days = models.PositiveIntegerField(default=30)
    create_task = models.BooleanField(default=False)

    objects = querysets.WebhookQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["board", "-created_at"], name="webhook_newest")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """First line of the instruction, for lists and events."""
        first = self.description.strip().splitlines()[0] if self.description.strip() else ""
        return first if len(first) <= TITLE_CHARS else first[: TITLE_CHARS - 1] + "…"

    @property
    def target(self) -> Target:
        """How events name the webhook."""
        return Target("webhook", self.id, self.title)

    @property
    def has_secret(self) -> bool:
        """Whether senders must sign."""
        return bool(self.secret_sealed)

    @property
    def endpoint_path(self) -> str:
        """Path of the address that senders use."""
        return f"/api/v1/boards/{self.board_id}/webhooks/{self.id}"


class WebhookPayload(TenantEntity):
    """One request that came in, as text; JSON is parsed when it is read."""

    class Delivery(models.TextChoices):
        """Way of the message to the agent."""

        QUEUED = "queued", _("Waiting to be sent")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Could not be delivered")
        SKIPPED = "skipped", _("Nobody to tell")

    board = models.ForeignKey("boards.Board", on_delete=models.CASCADE, related_name="+")
    webhook = models.ForeignKey(BoardWebhook, on_delete=models.CASCADE, related_name="payloads")
    body = models.TextField(blank=True)
    is_json = models.BooleanField(default=False)
    size_bytes = models.PositiveIntegerField(default=0)
    headers: Any = models.JSONField(default=dict, blank=True)
    source_ip = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=200, blank=True, default="")
    received_at = models.DateTimeField()
    #: What a repeat within the webhook's window would have in common; empty: nothing tells repeats.
    replay_key = models.CharField(max_length=64, blank=True, default="")
    delivery_status = models.CharField(
        max_length=10, choices=Delivery.choices, default=Delivery.QUEUED
    )
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True, default="")
    #: The task that it opened, where the webhook opens tasks.
    task_id = models.UUIDField(null=True, blank=True)

    objects = querysets.WebhookQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["webhook", "-received_at"], name="payload_newest"),
            models.Index(fields=["webhook", "replay_key", "received_at"], name="payload_repeat"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_id} {self.received_at}"

    @property
    def inspect_path(self) -> str:
        """Path at which an agent reads it."""
        return f"/api/v1/agent/boards/{self.board_id}/webhooks/{self.webhook_id}/payloads/{self.id}"
