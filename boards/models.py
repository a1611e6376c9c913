"""Board groups, boards with their rules, tasks, dependencies, comments, board grants."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from activity.publish import Target
from missioncontrol.kernel.models import Entity, TenantEntity, Versioned

from . import querysets


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


class Task(TenantEntity, Versioned):
    """A piece of work. Its number is counted per board; ``OPS-214`` names it for people."""

    class Status(models.TextChoices):
        """Columns of the board."""

        TODO = "todo", _("To do")
        IN_PROGRESS = "in_progress", _("In progress")
        REVIEW = "review", _("Review")
        DONE = "done", _("Done")

    class Delivery(models.TextChoices):
        """What became of the message that assigned it."""

        NONE = "", _("None")
        WAITING = "waiting", _("Waiting to be sent")
        DELIVERED = "delivered", _("Delivered")
        WORKING = "working", _("Working")
        UNANSWERED = "unanswered", _("Delivered, no answer")
        FAILED = "failed", _("Could not be delivered")

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="tasks")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=16)
    title = models.CharField(max_length=500)
    description = models.TextField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.TODO)
    rank = models.CharField(max_length=64, db_collation="C")
    priority = models.CharField(max_length=32, default="medium")
    due_at = models.DateTimeField(null=True, blank=True)
    assigned_agent = models.ForeignKey(
        "agents.Agent", on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    in_progress_at = models.DateTimeField(null=True, blank=True)
    previous_in_progress_at = models.DateTimeField(null=True, blank=True)
    first_in_progress_at = models.DateTimeField(null=True, blank=True)
    review_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)
    #: The last worker who moved it to review; a lead who sends it back returns it to him.
    last_worker_id = models.UUIDField(null=True, blank=True)
    previous_assignee_id = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(
        "orgs.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by_agent_id = models.UUIDField(null=True, blank=True)
    auto_created = models.BooleanField(default=False)
    auto_reason = models.CharField(max_length=200, null=True, blank=True)
    fingerprint = models.CharField(max_length=64)
    comments_count = models.PositiveIntegerField(default=0)
    delivery = models.CharField(max_length=10, choices=Delivery.choices, blank=True, default="")
    delivery_detail = models.CharField(max_length=300, blank=True, default="")
    #: Row version that last changed each field; tells a real conflict from a mere newer version.
    field_versions: Any = models.JSONField(default=dict, blank=True)

    #: Hints of the service that made or changed it, e.g. ``duplicate_of:<id>``; not stored.
    warnings: ClassVar[tuple[str, ...]] = ()

    objects = querysets.TaskQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key"], name="task_key_once"),
            models.UniqueConstraint(fields=["board", "number"], name="task_number_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["board", "status", "rank"], name="task_by_column"),
            models.Index(fields=["board", "-created_at"], name="task_newest"),
            models.Index(fields=["board", "fingerprint"], name="task_by_fingerprint"),
            models.Index(fields=["assigned_agent", "status"], name="task_by_assignee"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def target(self) -> Target:
        """How events name the task."""
        return Target("task", self.id, f"{self.key} {self.title}")


class TaskAlias(models.Model):
    """An old key of a relocated task."""

    organization = models.ForeignKey(
        "orgs.Organization", on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=16)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key"], name="task_alias_once"),
        ]

    def __str__(self) -> str:
        return self.key


class TaskDependency(models.Model):
    """``task`` waits until ``depends_on`` is done. Both on one board, never a cycle."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="dependency_links")
    depends_on = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="dependent_links")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task", "depends_on"], name="dependency_once"),
            models.CheckConstraint(
                condition=~models.Q(task=models.F("depends_on")), name="dependency_not_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} after {self.depends_on_id}"


class TaskComment(Entity):
    """What somebody said on a task."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    message = models.TextField()
    author_kind = models.CharField(max_length=10)
    author_id = models.UUIDField(null=True, blank=True)
    author_name = models.CharField(max_length=200)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task", "created_at"], name="comment_by_task")]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.message[:60]}"
