"""Base models: identity, tenancy, row version, leased work; and the idempotency table."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models


class Entity(models.Model):
    """A row with a UUID and its times."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class TenantEntity(Entity):
    """A row owned by one organization."""

    organization = models.ForeignKey(
        "orgs.Organization", on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True


class Versioned(models.Model):
    """A row version, +1 per write, sent as ``ETag``."""

    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True


class LeasedWork(models.Model):
    """Work that survives a killed worker: claimed by a lease, retried by a sweep.

    A row is *due* when it is open, its lease has run out and ``next_attempt_at`` has passed.
    See :mod:`missioncontrol.kernel.leases`.
    """

    lease_owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class IdempotencyRecord(models.Model):
    """First answer to a POST with an ``Idempotency-Key``, kept 24 hours.

    Inserted in the transaction of the change itself: a second request waits on the unique index
    and then replays; a rolled-back first request leaves nothing. Where the work waits for others,
    the row is committed first and claims the key until ``claimed_until``.
    """

    actor_key = models.CharField(max_length=80)
    path = models.CharField(max_length=300)
    key = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body: Any = models.JSONField(null=True)
    headers: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor_key", "path", "key"], name="idempotency_once"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_key} {self.path} {self.key}"
