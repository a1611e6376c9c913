"""What an actor may read of the event log, from his rights on boards."""

from __future__ import annotations

from uuid import UUID

from activity.feed import AgentScope, OrganizationScope, Scope
from boards.models import Board
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor


def scopes_of(actor: Actor, *, everywhere: bool = False) -> list[Scope]:
    """Scopes of the active organization, or of all the actor's organizations."""
    if isinstance(actor, AgentActor):
        return [AgentScope(actor.organization_id, actor.id)]
    if not isinstance(actor, UserActor):
        return []
    wanted = list(actor.memberships) if everywhere else [actor.organization_id]
    return [scope_in(actor, o) for o in wanted if o is not None and o in actor.memberships]


def scope_in(actor: UserActor, organization_id: UUID) -> OrganizationScope:
    """A member's scope in one organization; one query unless a flag opens all boards."""
    facts = actor.memberships[organization_id]
    boards: frozenset[UUID] | None = None
    if not (facts.all_boards_read or facts.all_boards_write):
        readable = Board.objects.visible_to(actor).filter(organization_id=organization_id)
        boards = frozenset(readable.values_list("pk", flat=True))
    return OrganizationScope(organization_id, boards, actor.is_admin_in(organization_id))
