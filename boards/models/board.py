"""Board groups, boards with their rules, board grants."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from activity.publish import Target
from boards import querysets
from missioncontrol.kernel.models import TenantEntity, Versioned


class BoardGroup(TenantEntity, Versioned):
    """Boards that belong together."""

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)

    objects = querysets.BoardGroupQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the group."""
        return Target("board_group", self.id, self.name)


class Board(TenantEntity, Versioned):
    """A board: a goal, rules, tasks, and the agents that work on it."""

    class Type(models.TextChoices):
        """Whether the board works towards a goal."""

        GOAL = "goal", _("Goal")
        GENERAL = "general", _("General")

    class GateScope(models.TextChoices):
        """Whom the approval gate binds."""

        AGENTS = "agents", _("Agents")
        EVERYONE = "everyone", _("Everyone")

    class ExecutionPolicy(models.TextChoices):
        """Whether assigning a task also starts it."""

        MANUAL = "manual", _("By hand")
        ON_ASSIGN = "on_assign", _("On assignment")

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=200)
    key = models.CharField(max_length=5)
    description = models.TextField(blank=True, default="")
    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.SET_NULL, null=True, blank=True, related_name="boards"
    )
    board_group = models.ForeignKey(
        BoardGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="boards"
    )
    board_type = models.CharField(max_length=8, choices=Type.choices, default=Type.GOAL)
    objective = models.TextField(null=True, blank=True)
    success_metrics: Any = models.JSONField(null=True, blank=True)
    target_date = models.DateTimeField(null=True, blank=True)
    goal_confirmed = models.BooleanField(default=False)
    goal_source = models.CharField(max_length=60, null=True, blank=True)
    require_approval_for_done = models.BooleanField(default=True)
    approval_gate_scope = models.CharField(
        max_length=8, choices=GateScope.choices, default=GateScope.AGENTS
    )
    require_review_before_done = models.BooleanField(default=False)
    comment_required_for_review = models.BooleanField(default=False)
    block_status_changes_with_pending_approval = models.BooleanField(default=False)
    only_lead_can_change_status = models.BooleanField(default=False)
    max_agents = models.PositiveIntegerField(default=1)
    execution_policy = models.CharField(
        max_length=12, choices=ExecutionPolicy.choices, default=ExecutionPolicy.MANUAL
    )
    paused = models.BooleanField(default=False)
    wip_limits: Any = models.JSONField(default=dict, blank=True)
    next_task_number = models.PositiveIntegerField(default=1)
    #: Copy of the custom fields bound to the board, kept by their services.
    custom_fields: Any = models.JSONField(default=list, blank=True)
    #: Digest of that copy, by which readers keep it in memory; empty without fields.
    custom_fields_digest = models.CharField(max_length=32, blank=True, default="")
    #: Row version that last changed each field; tells a real conflict from a mere newer version.
    field_versions: Any = models.JSONField(default=dict, blank=True)
    #: +1 whenever somebody's right on this board changes (ruling 20).
    permission_epoch = models.PositiveIntegerField(default=0)

    objects = querysets.BoardQuerySet.as_manager()

    class Meta:
        permissions: ClassVar = [
            ("read_board", "Read the board"),
            ("write_board", "Write on the board"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key"], name="board_key_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> Target:
        """How events name the board."""
        return Target("board", self.id, self.name)

    @property
    def board_id(self) -> UUID:
        """A board is its own board: permission questions read this of every row."""
        return self.id


class BoardUserObjectPermission(UserObjectPermissionBase):
    """A person's grant on one board (direct-key guardian table)."""

    content_object = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="user_grants")
