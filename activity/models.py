"""Event log, stream counters, listener cursors and the audit chain.

No foreign keys: an event must cost one insert, and an audit entry outlives what it names.
``ActivityEvent`` and ``AuditEntry`` are append-only; triggers in the database enforce it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from missioncontrol.kernel.models import Entity, LeasedWork, TenantEntity, Versioned

from . import querysets

if TYPE_CHECKING:
    from .publish import Target


class EventStream(models.Model):
    """Last number of one stream: an organization's (``seq``) or a board's (``board_seq``)."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=8)
    last_seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} {self.id} at {self.last_seq}"


class ActivityEvent(models.Model):
    """One fact. ``seq`` is gap-free per organization, ``board_seq`` per board."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization_id = models.UUIDField()
    seq = models.BigIntegerField()
    board_id = models.UUIDField(null=True)
    board_seq = models.BigIntegerField(null=True)
    task_id = models.UUIDField(null=True)
    agent_id = models.UUIDField(null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=200)
    target_kind = models.CharField(max_length=24)
    target_id = models.UUIDField(null=True)
    target_title = models.CharField(max_length=500)
    type = models.CharField(max_length=48)
    data: Any = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128, blank=True, default="")
    at = models.DateTimeField()

    objects = querysets.EventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization_id", "seq"], name="event_seq_once"),
            models.UniqueConstraint(
                fields=["board_id", "board_seq"],
                condition=models.Q(board_id__isnull=False),
                name="event_board_seq_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization_id", "type", "-seq"], name="event_by_type"),
            models.Index(fields=["task_id", "-seq"], name="event_by_task"),
            models.Index(fields=["target_id", "-seq"], name="event_by_target"),
            models.Index(fields=["agent_id", "-seq"], name="event_by_agent"),
            models.Index(fields=["organization_id", "actor_id", "-seq"], name="event_by_actor"),
            models.Index(fields=["organization_id", "at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type} {self.target_title}"


class EventTally(models.Model):
    """How many events about tasks a board had in a quarter of an hour, and how many tell a failure.

    Kept by :mod:`activity.tally`; figures over long ranges read these instead of the events.
    """

    organization_id = models.UUIDField()
    board_id = models.UUIDField()
    slot = models.DateTimeField()
    events = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "event tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["board_id", "slot"], include=["events", "failed"], name="tally_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.board_id} {self.slot:%Y-%m-%d %H:%M}: {self.events}"


class TallyHead(models.Model):
    """Number of the organization's last event that the tallies hold."""

    organization_id = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.seq}"


class AuditHead(models.Model):
    """End of an organization's audit chain; its row is locked by whoever appends."""

    organization_id = models.UUIDField(primary_key=True)
    last_number = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.organization_id} at {self.last_number}"


class AuditEntry(models.Model):
    """One link of the chain: ``hash = SHA-256(previous_hash + canonical JSON of the body)``."""

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    number = models.BigIntegerField()
    event_id = models.UUIDField(unique=True)
    body = models.TextField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization_id", "number"], name="audit_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.number}"


class ListenerCursor(models.Model):
    """How far a named listener has read an organization's stream."""

    listener = models.CharField(max_length=80)
    organization_id = models.UUIDField()
    seq = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["listener", "organization_id"], name="cursor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.listener} at {self.seq}"


class EventDelivery(models.Model):
    """An event that a listener could not take, parked with its retries."""

    class Status(models.TextChoices):
        """Whether it is still tried."""

        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    event = models.ForeignKey(ActivityEvent, on_delete=models.CASCADE, related_name="deliveries")
    listener = models.CharField(max_length=80)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, db_index=True)
    last_error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "event deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "listener"], name="delivery_once"),
        ]

    def __str__(self) -> str:
        return f"{self.listener} {self.status}"


class WebhookEndpoint(TenantEntity, Versioned, LeasedWork):
    """An address elsewhere that is told of events, signed and in order.

    The lease fields carry the worker that sends to it; ``next_attempt_at`` is the pause after a
    failure.
    """

    name = models.CharField(max_length=200)
    url = models.CharField(max_length=1000)
    #: Types as the feed names them, ``task.*`` for all of a kind; empty means every type.
    event_types: Any = models.JSONField(default=list, blank=True)
    #: Only events of this board; ``None`` means the whole organization.
    board_id = models.UUIDField(null=True, blank=True)
    secret_sealed = models.TextField()
    secret_hint = models.CharField(max_length=4)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True, default="")
    #: Events up to this number happened before it was asked for.
    since_seq = models.BigIntegerField(default=0)
    #: Attempts that failed in a row.
    failures = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.OwnedQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="endpoint_by_org"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the endpoint."""
        from .publish import Target

        return Target("webhook_endpoint", self.id, self.name)


class WebhookDelivery(Entity):
    """One event on its way to one endpoint: the body that is sent, and what became of it."""

    class Status(models.TextChoices):
        """Whether it is still tried."""

        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    body = models.TextField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    replays = models.PositiveIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_excerpt = models.TextField(blank=True, default="")
    latency_ms = models.FloatField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-seq"], name="webhook_log"),
            models.Index(
                fields=["endpoint", "seq"],
                condition=models.Q(status="waiting"),
                name="webhook_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.status}"
