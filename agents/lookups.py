"""What other apps may ask about agents, registered with them at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from boards import assignees
from boards.assignees import AssigneeFacts

from .models import Agent


def assignees_by_id(ids: Iterable[UUID]) -> Mapping[UUID, AssigneeFacts]:
    """Facts of the agents that exist, for the rules of assignment."""
    rows = Agent.objects.filter(pk__in=list(ids)).values_list(
        "id", "name", "organization_id", "board_id", "agent_type", "gateway_id", "status"
    )
    return {row[0]: AssigneeFacts(*row) for row in rows}


def lead_of(board_id: UUID) -> UUID | None:
    """The lead of a board, unless it is being deleted."""
    leads = Agent.objects.filter(board_id=board_id, agent_type=Agent.Type.LEAD)
    return leads.exclude(status=Agent.Status.DELETING).values_list("pk", flat=True).first()


def register() -> None:
    """Offer the look-ups."""
    assignees.register(assignees_by_id)
    assignees.register_lead(lead_of)
