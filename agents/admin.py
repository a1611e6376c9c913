"""Look-up of agents, and the orders that repair one. Every write goes through a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError

from . import services
from .models import (
    Agent,
    AgentNotification,
    Budget,
    Execution,
    Onboarding,
    Skill,
    SkillInstall,
    SkillPack,
    TemplateSync,
    UsageEntry,
)

SECRET = frozenset(
    {
        "token_hash", "pending_token_hash", "previous_token_hash", "token_sealed",
        "pending_token_sealed",
    }
)  # fmt: skip


class LookUp(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """A table that is read here and changed elsewhere."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field."""
        return [f.name for f in self.opts.fields if f.name not in SECRET]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every field but secrets."""
        return self.get_readonly_fields(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are deleted by services."""
        return False


def _order(name: str, words: Any, **options: Any) -> Callable[..., None]:
    """An action that gives every chosen agent one order."""

    def run(_admin: Any, request: HttpRequest, rows: models.QuerySet[Agent]) -> None:
        done, refused = 0, []
        who = SystemActor(f"repair by {request.user.get_username()}")
        for agent in rows.order_by("pk"):
            try:
                getattr(services, name)(who, agent.pk, **options)
                done += 1
            except DomainError as refusal:
                refused.append(f"{agent.name}: {refusal.detail}")
        messages.info(request, _("Ordered for %(n)s agents.") % {"n": done})
        for text in refused:
            messages.warning(request, text)

    run.__name__ = name
    run.short_description = words  # type: ignore[attr-defined]  # Django's label of an action
    return run


@admin.register(Agent)
class AgentAdmin(LookUp):
    """Agents with their life cycle."""

    list_display = (
        "name", "agent_type", "status", "work", "organization", "board", "gateway", "last_seen_at",
        "last_provision_code",
    )  # fmt: skip
    list_filter = ("status", "agent_type", "work")
    list_select_related = ("organization", "board", "gateway")
    search_fields = ("name", "id")
    actions = (
        _order("wake_agent", gettext_lazy("Wake")),
        _order("retry_agent", gettext_lazy("Set up again")),
        _order("rotate_token", gettext_lazy("Rotate token")),
        _order("pause_agent", gettext_lazy("Pause")),
        _order("resume_agent", gettext_lazy("Resume")),
        _order("delete_agent", gettext_lazy("Delete, whatever the gateway says"), force=True),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders need it; every field stays read-only."""
        return bool(request.user.is_staff)


@admin.register(AgentNotification)
class AgentNotificationAdmin(LookUp):
    """Messages to agents and what became of them."""

    list_display = ("kind", "agent", "state", "created_at", "sent_at", "attempts", "last_error")
    list_filter = ("state", "kind")
    list_select_related = ("agent",)
    search_fields = ("agent__name", "task_id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False


@admin.register(Execution)
class ExecutionAdmin(LookUp):
    """Runs of tasks."""

    list_display = ("title", "status", "agent", "gateway", "created_at", "finished_at", "error")
    list_filter = ("status",)
    list_select_related = ("agent", "gateway")
    search_fields = ("title", "id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False


@admin.register(Onboarding)
class OnboardingAdmin(LookUp):
    """Interviews about boards."""

    list_display = ("board", "status", "created_at", "updated_at")
    list_filter = ("status",)
    list_select_related = ("board",)
    search_fields = ("board__name", "id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False


@admin.register(Skill)
class SkillAdmin(LookUp):
    """Skills and what was found in them."""

    list_display = ("name", "organization", "category", "risk", "scanned_at")
    search_fields = ("name", "source_url")


@admin.register(SkillInstall)
class SkillInstallAdmin(LookUp):
    """Where skills are installed."""

    list_display = ("skill", "gateway", "state", "installed_at")
    list_filter = ("state",)


@admin.register(SkillPack)
class SkillPackAdmin(LookUp):
    """Packs and their last reading."""

    list_display = ("name", "organization", "branch", "sync_state", "synced_at")
    search_fields = ("name", "source_url")
    list_filter = ("sync_state",)


@admin.register(TemplateSync)
class TemplateSyncAdmin(LookUp):
    """Writings of agent files."""

    list_display = ("gateway", "state", "requested_by_name", "created_at", "finished_at")
    list_filter = ("state",)


@admin.register(UsageEntry)
class UsageEntryAdmin(LookUp):
    """Used tokens and money."""

    list_display = (
        "agent_name",
        "model",
        "input_tokens",
        "output_tokens",
        "cost",
        "currency",
        "at",
    )
    search_fields = ("agent_name", "model", "run_id")


@admin.register(Budget)
class BudgetAdmin(LookUp):
    """Budgets."""

    list_display = ("scope", "organization", "board", "agent", "period", "limit", "currency")
    list_filter = ("scope", "period")
