"""Messages to agents and runs of tasks."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from agents import querysets
from agents.models.agent import Agent
from missioncontrol.kernel.models import LeasedWork, TenantEntity, Versioned


class AgentNotification(TenantEntity, LeasedWork):
    """A message to an agent's session, rendered once and resent verbatim (ruling 25).

    Its id is the idempotency key of ``chat.send``.
    """

    class Kind(models.TextChoices):
        """Why the agent is told."""

        TASK_ASSIGNED = "task_assigned", _("Task assigned")
        TASK_CREATED = "task_created", _("Task added")
        TASK_REWORK = "task_rework", _("Changes requested")
        TASK_BACK = "task_back", _("Task back in to do")
        TASK_COMMENT = "task_comment", _("Comment")
        APPROVAL_RESOLVED = "approval_resolved", _("Approval resolved")
        EXECUTION = "execution", _("Execution")
        BOARD_UPDATED = "board_updated", _("Board changed")
        BOARD_COMMAND = "board_command", _("Pause or resume")
        BOARD_CHAT = "board_chat", _("Board chat")
        GROUP_CHAT = "group_chat", _("Group chat")
        GROUP_JOINED = "group_joined", _("Board joined the group")
        GROUP_LEFT = "group_left", _("Board left the group")
        WAKE = "wake", _("Wake")
        WEBHOOK = "webhook", _("Webhook payload")
        COORDINATION = "coordination", _("Message of an agent")

    class State(models.TextChoices):
        """Way of the message."""

        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        ANSWERED = "answered", _("Answered")
        UNANSWERED = "unanswered", _("No answer")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    task_id = models.UUIDField(null=True, blank=True, db_index=True)
    approval_id = models.UUIDField(null=True, blank=True)
    execution_id = models.UUIDField(null=True, blank=True)
    #: The event it answers; one message per event and agent.
    event_id = models.UUIDField(null=True, blank=True)
    text = models.TextField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    sent_at = models.DateTimeField(null=True, blank=True)
    answer_deadline_at = models.DateTimeField(null=True, blank=True)
    #: When an undelivered decision was put into the heartbeat prompt (ruling 27).
    carried_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["event_id", "agent", "kind"],
                condition=models.Q(event_id__isnull=False),
                name="notification_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_attempt_at"], name="notification_due"),
            models.Index(fields=["agent", "-created_at"], name="notification_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.agent_id}"


class Execution(TenantEntity, Versioned, LeasedWork):
    """A run of a task on a gateway: asked for, dispatched, reported back by the agent."""

    class Status(models.TextChoices):
        """``waiting`` means: no agent to run it yet."""

        WAITING = "waiting", _("Waiting for an agent")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    task = models.ForeignKey("boards.Task", on_delete=models.CASCADE, related_name="executions")
    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    agent = models.ForeignKey(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="executions"
    )
    approval_id = models.UUIDField(null=True, blank=True)
    requested_by_kind = models.CharField(max_length=10)
    requested_by_id = models.UUIDField(null=True, blank=True)
    requested_by_name = models.CharField(max_length=200)
    parameters: Any = models.JSONField(default=dict, blank=True)
    #: Key and title of the task at that time.
    title = models.CharField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    output: Any = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.ExecutionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task"],
                condition=models.Q(status__in=["waiting", "queued", "running"]),
                name="one_active_execution",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.task_id}"

    @property
    def target(self) -> Target:
        """How events name the execution: by its task, as it was called then."""
        return Target("execution", self.id, self.title or "execution")
