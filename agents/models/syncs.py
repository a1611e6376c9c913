"""One writing of agent files for a whole gateway, as a job with a result."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agents import querysets
from missioncontrol.kernel.models import LeasedWork, TenantEntity


class TemplateSync(TenantEntity, LeasedWork):
    """Files of all agents of a gateway, written anew: what was asked and what came of it."""

    class State(models.TextChoices):
        """Way of the job."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.CASCADE, related_name="template_syncs"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    options: Any = models.JSONField(default=dict)
    result: Any = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    requested_by_id = models.UUIDField(null=True, blank=True)
    requested_by_name = models.CharField(max_length=200, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = querysets.AdminQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["gateway", "-created_at"], name="sync_newest"),
            models.Index(fields=["state", "next_attempt_at"], name="sync_due"),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.gateway_id}"
