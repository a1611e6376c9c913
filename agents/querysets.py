"""Who sees which agent, and what only admins or readers of a board see."""

from __future__ import annotations

from typing import Any, Self

from django.apps import apps
from django.db.models import Q
from django.db.models.functions import Lower, Trim

from boards.querysets import board_q
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet


class OnboardingQuerySet(VisibleQuerySet[Any]):
    """Interviews by the right on their board."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of readable boards."""
        return self.filter(board_q(actor, "read", path="board"))


class AgentQuerySet(VisibleQuerySet[Any]):
    """Agents: an admin's whole organization, readable boards for members, peers for agents."""

    def visible_to(self, actor: Actor) -> Self:
        """Visible agents; main agents and the pool only to admins."""
        if isinstance(actor, UserActor):
            admin_of = [o for o in actor.memberships if actor.is_admin_in(o)]
            boards = apps.get_model("boards", "Board").objects.filter(board_q(actor, "read"))
            return self.filter(
                Q(organization_id__in=admin_of)
                | (Q(board__in=boards.values("pk")) & ~Q(agent_type="main"))
            )
        if isinstance(actor, AgentActor):
            if actor.is_main:
                return self.filter(
                    organization_id=actor.organization_id, gateway_id=actor.gateway_id
                )
            return self.filter(Q(board_id=actor.board_id, board__isnull=False) | Q(pk=actor.id))
        return self.all() if actor.kind == "system" else self.none()


class ExecutionQuerySet(VisibleQuerySet[Any]):
    """Runs by the right on their task."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of readable tasks."""
        tasks = apps.get_model("boards", "Task").objects.visible_to(actor)
        return self.filter(task__in=tasks.values("pk"))

    def newest_first(self) -> Self:
        """Stable."""
        return self.order_by("-created_at", "-id")


class AdminQuerySet(VisibleQuerySet[Any]):
    """Rows of the organizations that a person belongs to; the role is asked by ``authorize``."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows of own organizations; agents see none."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        return self.all() if actor.kind == "system" else self.none()


class SkillQuerySet(AdminQuerySet):
    """Skills, and the filters of the marketplace."""

    def matching(
        self, *, search: str = "", category: str = "", risk: str = "", pack_id: Any = None
    ) -> Self:
        """Skills that fit; ``uncategorized`` means no category, signs of patterns are plain."""
        rows = self.defer("content")
        if search.strip():
            text = search.strip()
            fields = ("name", "description", "category", "risk", "source")
            fits = Q()
            for field in fields:
                fits |= Q(**{f"{field}__icontains": text})
            rows = rows.filter(fits)
        for field, wanted in (("category", category), ("risk", risk)):
            plain = wanted.strip().lower()
            if plain:
                value = "" if plain == "uncategorized" else plain
                rows = rows.alias(**{f"plain_{field}": Lower(Trim(field))}).filter(
                    **{f"plain_{field}": value}
                )
        return rows.filter(pack_id=pack_id) if pack_id else rows


class UsageQuerySet(VisibleQuerySet[Any]):
    """Used tokens and money: an admin's whole organization, readable boards for members."""

    def visible_to(self, actor: Actor) -> Self:
        """Visible entries; an agent sees its own."""
        if isinstance(actor, UserActor):
            admin_of = [o for o in actor.memberships if actor.is_admin_in(o)]
            boards = apps.get_model("boards", "Board").objects.filter(board_q(actor, "read"))
            return self.filter(Q(organization_id__in=admin_of) | Q(board__in=boards.values("pk")))
        if isinstance(actor, AgentActor):
            return self.filter(agent_id=actor.id)
        return self.all() if actor.kind == "system" else self.none()
