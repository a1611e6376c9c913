"""Tasks with their old keys, dependencies and comments."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from boards import querysets
from boards.models.board import Board
from missioncontrol.kernel.models import Entity, TenantEntity, Versioned


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
    #: Tags in the order of assignment.
    tag_ids: Any = ArrayField(models.UUIDField(), default=list, blank=True)
    #: Values of custom fields by key; those of fields that are not bound now are kept.
    custom_field_values: Any = models.JSONField(default=dict, blank=True)
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
            models.Index(
                fields=["board", "done_at"],
                condition=models.Q(done_at__isnull=False),
                name="task_by_completion",
            ),
            GinIndex(fields=["tag_ids"], name="task_by_tag", condition=~models.Q(tag_ids=[])),
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
