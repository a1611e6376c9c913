"""Approvals: one table, three sources (an agent or script, a zone, a gateway), one inbox."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from missioncontrol.kernel.models import LeasedWork, TenantEntity, Versioned

from . import querysets


class Approval(TenantEntity, Versioned, LeasedWork):
    """A question that only a person decides.

    ``board_id`` and the task links are plain ids: governance knows no board and no task. For
    ``source=gateway`` the lease fields carry the answer's way back to the gateway.
    """

    class Status(models.TextChoices):
        """Undecided means denied."""

        PENDING = "pending", _("Pending")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    class Source(models.TextChoices):
        """Who waits for the decision."""

        REQUEST = "request", _("Agent or script")
        ZONE = "zone", _("Trust zone")
        GATEWAY = "gateway", _("Gateway command")

    class AnswerState(models.TextChoices):
        """Way of a gateway's answer."""

        NONE = "", _("None")
        PENDING = "answer_pending", _("Waiting to be sent")
        SENT = "sent", _("Sent")
        ELSEWHERE = "elsewhere", _("Decided elsewhere")
        LOST = "lost", _("No longer asked")

    board_id = models.UUIDField(null=True, blank=True, db_index=True)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.REQUEST)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    action_type = models.CharField(max_length=200)
    payload: Any = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    rubric_scores: Any = models.JSONField(null=True, blank=True)
    agent_id = models.UUIDField(null=True, blank=True, db_index=True)
    agent_name = models.CharField(max_length=200, blank=True, default="")
    requested_by_kind = models.CharField(max_length=10)
    requested_by_id = models.UUIDField(null=True, blank=True)
    requested_by_name = models.CharField(max_length=200)
    decided_by = models.ForeignKey(
        "orgs.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by_name = models.CharField(max_length=200, blank=True, default="")
    comment = models.TextField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # source = gateway
    gateway_id = models.UUIDField(null=True, blank=True)
    external_id = models.CharField(max_length=120, blank=True, default="")
    session_key = models.CharField(max_length=200, blank=True, default="")
    command = models.TextField(blank=True, default="")
    cwd = models.TextField(blank=True, default="")
    host = models.CharField(max_length=120, blank=True, default="")
    allowed_decisions: Any = models.JSONField(default=list, blank=True)
    answer_state = models.CharField(
        max_length=16, choices=AnswerState.choices, blank=True, default=AnswerState.NONE
    )
    answer_error = models.TextField(blank=True, default="")

    objects = querysets.ApprovalQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["gateway_id", "external_id"],
                condition=models.Q(source="gateway"),
                name="approval_gateway_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "status", "-created_at"], name="approval_inbox"),
            models.Index(fields=["board_id", "-created_at"], name="approval_by_board"),
            models.Index(
                fields=["answer_state"],
                condition=models.Q(answer_state="answer_pending"),
                name="approval_to_answer",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """One line: the command for a gateway's question, else the action."""
        return self.command[:200] if self.source == self.Source.GATEWAY else self.action_type

    @property
    def target(self) -> Target:
        """How events name the approval."""
        return Target("approval", self.id, self.title)


class ApprovalTask(models.Model):
    """A task that an approval names, in order, with the title at that time."""

    id = models.BigAutoField(primary_key=True)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="task_links")
    task_id = models.UUIDField(db_index=True)
    title = models.CharField(max_length=500)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["approval", "task_id"], name="approval_task_once"),
        ]

    def __str__(self) -> str:
        return self.title
