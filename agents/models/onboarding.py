"""Interviews in which a gateway's own agent asks a person what a board is for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agents import querysets
from missioncontrol.kernel.models import TenantEntity


class Onboarding(TenantEntity):
    """One interview about one board: what was said, and the goal and lead that came of it.

    ``messages`` holds ``{role: user|assistant, content, timestamp}``; the content of an assistant
    is the JSON text of a question or of a completion.
    """

    class Status(models.TextChoices):
        """``completed`` has a draft that waits for a person's confirmation."""

        ACTIVE = "active", _("In progress")
        COMPLETED = "completed", _("Waits for confirmation")
        CONFIRMED = "confirmed", _("Confirmed")
        CANCELLED = "cancelled", _("Ended")

    board = models.ForeignKey("boards.Board", on_delete=models.CASCADE, related_name="onboardings")
    #: Session of the gateway's own agent.
    session_key = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    messages: Any = models.JSONField(default=list, blank=True)
    draft_goal: Any = models.JSONField(null=True, blank=True)

    objects = querysets.OnboardingQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["board"],
                condition=models.Q(status="active"),
                name="one_active_onboarding",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["board", "-created_at"], name="onboarding_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.board_id}"
