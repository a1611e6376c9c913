"""Agents, their life cycle on a gateway, and their signs of life."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from agents import querysets
from missioncontrol.kernel.models import LeasedWork, TenantEntity, Versioned


class Agent(TenantEntity, Versioned, LeasedWork):
    """An AI agent: in the pool, or attached to a board or (main) to a gateway.

    The lease fields carry its life-cycle run on the gateway (ruling 18).
    """

    class Type(models.TextChoices):
        """At most one lead per board and one main per gateway."""

        WORKER = "worker", _("Worker")
        LEAD = "lead", _("Lead")
        MAIN = "main", _("Gateway agent")

    class Status(models.TextChoices):
        """Stored state; what is shown is computed by ``agents.rules.displayed``."""

        DRAFT = "draft", _("Draft")
        PROVISIONING = "provisioning", _("Provisioning")
        UPDATING = "updating", _("Updating")
        ONLINE = "online", _("Online")
        OFFLINE = "offline", _("Offline")
        ERROR = "error", _("Error")
        PAUSED = "paused", _("Paused")
        DELETING = "deleting", _("Deleting")

    class Work(models.TextChoices):
        """What the next life-cycle run has to do."""

        NONE = "", _("Nothing")
        PROVISION = "provision", _("Provision")
        UPDATE = "update", _("Update")
        AWAIT_CHECK_IN = "await_check_in", _("Wait for check-in")
        CLEAN_UP = "clean_up", _("Remove from a former gateway")
        DELETE = "delete", _("Delete")

    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.SET_NULL, null=True, blank=True, related_name="agents"
    )
    board = models.ForeignKey(
        "boards.Board", on_delete=models.SET_NULL, null=True, blank=True, related_name="agents"
    )
    agent_type = models.CharField(max_length=8, choices=Type.choices, default=Type.WORKER)
    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)
    capabilities: Any = models.JSONField(default=list, blank=True)
    config: Any = models.JSONField(default=dict, blank=True)
    heartbeat_config: Any = models.JSONField(default=dict, blank=True)
    heartbeat_sync_pending = models.BooleanField(default=False)
    identity_profile: Any = models.JSONField(null=True, blank=True)
    identity_template = models.TextField(null=True, blank=True)
    soul_template = models.TextField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    status_before_pause = models.CharField(max_length=12, blank=True, default="")
    #: SHA-256 of the token in force (ruling 17); ``pending`` is accepted too and promoted at use.
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    pending_token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    token_sealed = models.TextField(blank=True, default="")
    pending_token_sealed = models.TextField(blank=True, default="")
    previous_token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    previous_token_until = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    #: When the gateway last showed an adopted agent at work, or vouched for one without heartbeat.
    gateway_seen_at = models.DateTimeField(null=True, blank=True)
    #: Life cycle on the gateway.
    work = models.CharField(max_length=16, choices=Work.choices, blank=True, default=Work.NONE)
    work_options: Any = models.JSONField(default=dict, blank=True)
    #: Remote agents left behind: ``[{gateway_id, remote_id}]``, removed by the next run.
    left_behind: Any = models.JSONField(default=list, blank=True)
    lifecycle_generation = models.PositiveIntegerField(default=0)
    provision_action = models.CharField(max_length=12, blank=True, default="")
    provision_requested_at = models.DateTimeField(null=True, blank=True)
    provisioned_at = models.DateTimeField(null=True, blank=True)
    wake_attempts = models.PositiveIntegerField(default=0)
    last_wake_sent_at = models.DateTimeField(null=True, blank=True)
    checkin_deadline_at = models.DateTimeField(null=True, blank=True)
    last_provision_error = models.TextField(blank=True, default="")
    last_provision_code = models.CharField(max_length=40, blank=True, default="")
    #: Id of a remote agent that was there before and was adopted; it is never deleted from here.
    linked_remote_id = models.CharField(max_length=120, blank=True, default="")
    #: The budget that paused it; empty when a person did.
    paused_by_budget_id = models.UUIDField(null=True, blank=True)
    active_run_id = models.CharField(max_length=80, blank=True, default="")
    active_run_at = models.DateTimeField(null=True, blank=True)
    #: A message was delivered and no call has come since; the next call is written down at once.
    awaiting_answer_since = models.DateTimeField(null=True, blank=True)

    objects = querysets.AgentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "board",
                Lower("name"),
                condition=models.Q(board__isnull=False),
                name="agent_name_on_board",
            ),
            models.UniqueConstraint(
                "gateway",
                Lower("name"),
                condition=models.Q(gateway__isnull=False),
                name="agent_name_on_gateway",
            ),
            models.UniqueConstraint(
                fields=["board"], condition=models.Q(agent_type="lead"), name="one_lead_per_board"
            ),
            models.UniqueConstraint(
                fields=["gateway"],
                condition=models.Q(agent_type="main"),
                name="one_main_per_gateway",
            ),
            models.UniqueConstraint(
                fields=["gateway", "linked_remote_id"],
                condition=~models.Q(linked_remote_id=""),
                name="one_agent_per_linked_remote",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="agent_newest"),
            models.Index(
                fields=["work", "next_attempt_at"],
                condition=~models.Q(work=""),
                name="agent_work_due",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the agent."""
        return Target("agent", self.id, self.name)

    @property
    def remote_id(self) -> str:
        """Id of the agent on its gateway; never from its name."""
        if self.linked_remote_id:
            return self.linked_remote_id
        if self.agent_type == self.Type.MAIN:
            return f"mc-gateway-{self.gateway_id}"
        if self.agent_type == self.Type.LEAD:
            return f"lead-{self.board_id}"
        return f"mc-{self.id}"

    @property
    def session_key(self) -> str:
        """Key of the agent's main session on its gateway."""
        return f"agent:{self.remote_id}:main"


class AgentBeat(models.Model):
    """One sign of life, kept 24 hours for the strip; no event (ruling 31)."""

    id = models.BigAutoField(primary_key=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="beats")
    at = models.DateTimeField()
    late = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["agent", "-at"], name="beat_recent")]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.at}"
