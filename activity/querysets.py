"""Queries over the event log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet


class EventQuerySet(models.QuerySet[Any]):
    """Events, narrowed to what an actor may read."""

    def visible_to(self, actor: Actor, *, boards: Iterable[UUID]) -> EventQuerySet:
        """Events of readable ``boards``, organization-level ones for admins, an agent's own.

        The caller supplies the readable board ids, since the log knows no boards.
        """
        if isinstance(actor, UserActor):
            admin_of = [o for o in actor.memberships if actor.is_admin_in(o)]
            return self.filter(
                Q(board_id__in=list(boards))
                | Q(board_id__isnull=True, organization_id__in=admin_of)
            )
        if isinstance(actor, AgentActor):
            return self.filter(organization_id=actor.organization_id).filter(
                Q(agent_id=actor.id) | Q(actor_id=actor.id) | Q(target_id=actor.id)
            )
        if actor.kind == "system":
            return self.all()
        return self.none()

    def newest_first(self) -> EventQuerySet:
        """Stable order of feeds."""
        return self.order_by("-at", "-seq", "-id")


class OwnedQuerySet(VisibleQuerySet[Any]):
    """Rows of the actor's organizations; the role is asked by ``authorize``."""

    def visible_to(self, actor: Actor) -> Self:
        """Of own organizations; a system actor sees all."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        return self.all() if actor.kind == "system" else self.none()
