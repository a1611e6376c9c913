"""Tokens and money that agents used, and the budgets that watch them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from activity.publish import Target
from agents import querysets
from agents.models.agent import Agent
from missioncontrol.kernel.models import TenantEntity, Versioned


class UsageEntry(TenantEntity):
    """What one answer of a model took. Entries are written once and never changed."""

    class Source(models.TextChoices):
        """Who said so."""

        GATEWAY = "gateway", _("Gateway")
        AGENT = "agent", _("Agent")

    agent = models.ForeignKey(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="usage"
    )
    agent_name = models.CharField(max_length=200)
    gateway = models.ForeignKey(
        "gateways.Gateway", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    board = models.ForeignKey(
        "boards.Board", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    task = models.ForeignKey(
        "boards.Task", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    source = models.CharField(max_length=8, choices=Source.choices)
    provider = models.CharField(max_length=100, blank=True, default="")
    model = models.CharField(max_length=200, blank=True, default="")
    session_key = models.CharField(max_length=300, blank=True, default="")
    run_id = models.CharField(max_length=80, blank=True, default="")
    #: Id of the answer in the transcript, or the agent's own key: read twice, counted once.
    external_id = models.CharField(max_length=120)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    #: ``None``: nobody named a price.
    cost = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=12, default="USD")
    at = models.DateTimeField()

    objects = querysets.UsageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "source", "agent", "external_id"], name="usage_once"
            ),
            models.CheckConstraint(
                condition=models.Q(input_tokens__gte=0, output_tokens__gte=0, cached_tokens__gte=0),
                name="usage_not_negative",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-at"], name="usage_newest"),
            models.Index(fields=["agent", "-at"], name="usage_by_agent"),
            models.Index(fields=["board", "-at"], name="usage_by_board"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_name} {self.at}"


class Budget(TenantEntity, Versioned):
    """A limit of money in a period, for the organization, one board or one agent."""

    class Scope(models.TextChoices):
        """Whose spending counts."""

        ORGANIZATION = "organization", _("Organization")
        BOARD = "board", _("Board")
        AGENT = "agent", _("Agent")

    class Period(models.TextChoices):
        """Calendar periods in UTC."""

        DAY = "day", _("Day")
        WEEK = "week", _("Week")
        MONTH = "month", _("Month")
        TOTAL = "total", _("Total")

    scope = models.CharField(max_length=12, choices=Scope.choices)
    board = models.ForeignKey(
        "boards.Board", on_delete=models.CASCADE, null=True, blank=True, related_name="budgets"
    )
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, null=True, blank=True, related_name="budgets"
    )
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    limit = models.DecimalField(max_digits=18, decimal_places=6)
    currency = models.CharField(max_length=12, default="USD")
    pauses_agents = models.BooleanField(default=True)
    #: Highest of 50, 80, 100 that was told in the period that began at ``told_for``.
    told_percent = models.PositiveSmallIntegerField(default=0)
    told_for = models.DateTimeField(null=True, blank=True)

    objects = querysets.AdminQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(limit__gt=0), name="budget_above_zero"),
            models.CheckConstraint(
                condition=(
                    models.Q(scope="organization", board__isnull=True, agent__isnull=True)
                    | models.Q(scope="board", board__isnull=False, agent__isnull=True)
                    | models.Q(scope="agent", board__isnull=True, agent__isnull=False)
                ),
                name="budget_has_its_scope",
            ),
            models.UniqueConstraint(
                fields=["organization", "scope", "board", "agent", "period", "currency"],
                nulls_distinct=False,
                name="budget_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.limit} {self.currency}"

    @property
    def target(self) -> Target:
        """How events name the budget: by what it limits."""
        about = self.board.name if self.board else self.agent.name if self.agent else ""
        return Target("budget", self.id, about or str(self.get_scope_display()))
