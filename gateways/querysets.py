"""Who sees which gateway."""

from __future__ import annotations

from typing import Any, Self

from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.querysets import VisibleQuerySet


class GatewayQuerySet(VisibleQuerySet[Any]):
    """Gateways of the actor's organizations; the role is asked by ``authorize``."""

    def visible_to(self, actor: Actor) -> Self:
        """Gateways of own organizations; an agent sees its own."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        if isinstance(actor, AgentActor):
            return self.filter(organization_id=actor.organization_id, pk=actor.gateway_id)
        return self.all() if actor.kind == "system" else self.none()


class CleanupQuerySet(VisibleQuerySet[Any]):
    """What is left to remove at gateways that are gone."""

    def visible_to(self, actor: Actor) -> Self:
        """Of own organizations."""
        if isinstance(actor, UserActor):
            return self.filter(organization_id__in=list(actor.memberships))
        return self.all() if actor.kind == "system" else self.none()
