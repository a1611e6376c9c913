"""Gateways: where agents run. Tokens and device identities are sealed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from missioncontrol.kernel.models import Entity, LeasedWork, TenantEntity, Versioned

from . import querysets


class Gateway(TenantEntity, Versioned):
    """An OpenClaw gateway that this organization uses."""

    class Status(models.TextChoices):
        """What the last contact showed."""

        UNVERIFIED = "unverified", _("Not checked yet")
        CHECKING = "checking", _("Checking")
        ONLINE = "online", _("Online")
        DEGRADED = "degraded", _("Degraded")
        OFFLINE = "offline", _("Offline")
        RESTARTING = "restarting", _("Restarting")
        INCOMPATIBLE = "incompatible", _("Incompatible")
        UNAUTHORIZED = "unauthorized", _("Unauthorized")
        PAIRING_REQUIRED = "pairing_required", _("Waiting for pairing")
        ERROR = "error", _("Error")
        REVOKED = "revoked", _("Revoked")

    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500)
    token_sealed = models.TextField(blank=True, default="")
    token_hint = models.CharField(max_length=4, blank=True, default="")
    workspace_root = models.CharField(max_length=500, default="~/.openclaw")
    allow_insecure_tls = models.BooleanField(default=False)
    disable_device_pairing = models.BooleanField(default=False)
    capabilities: Any = models.JSONField(default=list, blank=True)
    metadata: Any = models.JSONField(default=dict, blank=True)
    is_default = models.BooleanField(default=False)
    is_simulated = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNVERIFIED)
    status_code = models.CharField(max_length=40, blank=True, default="")
    status_detail = models.TextField(blank=True, default="")
    status_since = models.DateTimeField(null=True, blank=True)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    runtime_version = models.CharField(max_length=60, blank=True, default="")
    boot_id = models.CharField(max_length=60, blank=True, default="")
    #: Last doctor report: list of checks with finding and next step.
    checks: Any = models.JSONField(default=list, blank=True)
    pairing_request_id = models.CharField(max_length=120, blank=True, default="")
    #: An agent of this gateway has called us: our address works from there (ruling 30).
    agents_reach_us_at = models.DateTimeField(null=True, blank=True)
    #: When the periodic check looks again, and how often it failed in a row.
    next_check_at = models.DateTimeField(null=True, blank=True)
    check_failures = models.PositiveIntegerField(default=0)
    #: Sessions at the last sample of the permanent connection: how many, and the newest of them.
    sessions_total = models.PositiveIntegerField(null=True, blank=True)
    latest_sessions: Any = models.JSONField(default=list, blank=True)
    sessions_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.GatewayQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="gateway_by_org"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the gateway."""
        return Target("gateway", self.id, self.name)

    @property
    def has_token(self) -> bool:
        """Whether a token is stored."""
        return bool(self.token_sealed)


class GatewayIdentity(models.Model):
    """Device identity of one gateway, sealed, and the device token it issued (ruling 22)."""

    gateway = models.OneToOneField(
        Gateway, on_delete=models.CASCADE, primary_key=True, related_name="identity"
    )
    device_id = models.CharField(max_length=64)
    public_key = models.CharField(max_length=64)
    identity_sealed = models.TextField()
    device_token_sealed = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.device_id


class GatewayLease(models.Model):
    """Who holds a gateway's permanent connection (:mod:`gateways.leases`, ruling 21)."""

    gateway = models.OneToOneField(
        Gateway, on_delete=models.CASCADE, primary_key=True, related_name="lease"
    )
    owner = models.CharField(max_length=80, blank=True, default="")
    epoch = models.BigIntegerField(default=0)
    until = models.DateTimeField(null=True, blank=True)
    #: Whether the holder's connection is up; counts only while the lease is valid.
    is_online = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.gateway_id} held by {self.owner or 'nobody'}"


class GatewayCleanup(TenantEntity, LeasedWork):
    """Agents that a removed gateway still has: what reaches it, and what is left to delete there.

    Kept until the last of them is gone, or until nobody has reached the gateway for a day.
    """

    gateway_id = models.UUIDField()
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500)
    token_sealed = models.TextField(blank=True, default="")
    identity_sealed = models.TextField(blank=True, default="")
    device_token_sealed = models.TextField(blank=True, default="")
    allow_insecure_tls = models.BooleanField(default=False)
    disable_device_pairing = models.BooleanField(default=False)
    #: Remote ids of agents that Mission Control created there.
    remote_ids: Any = models.JSONField(default=list)
    #: Remote ids of agents that were there before: they stay, what we wrote to them goes.
    adopted_ids: Any = models.JSONField(default=list)
    last_error = models.TextField(blank=True, default="")

    objects = querysets.CleanupQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.left_count} left"

    @property
    def left_count(self) -> int:
        """Agents that still need a visit."""
        return len(self.remote_ids) + len(self.adopted_ids)

    @property
    def target(self) -> Target:
        """How events name the gateway that is gone."""
        return Target("gateway", self.gateway_id, self.name)


class GatewayCheck(Entity):
    """One result of a health check or status change, for the history strip (30 days)."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="history")
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=40, blank=True, default="")
    latency_ms = models.FloatField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["gateway", "-created_at"], name="gateway_check_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_id} {self.status}"
