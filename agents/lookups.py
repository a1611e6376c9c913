"""What other apps may ask about agents, registered with them at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from boards import assignees
from boards.assignees import AssigneeFacts
from gateways import agents_lookup
from gateways.agents_lookup import AgentFacts
from missioncontrol.kernel import clock

from . import linked, rules
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


def id_of_remote(gateway_id: UUID, remote_id: str) -> UUID | None:
    """Our agent behind a remote id of a gateway."""
    agent = _of_remote(gateway_id, remote_id)
    return agent.pk if agent else None


def facts_of_remote(gateway_id: UUID, remote_id: str) -> AgentFacts | None:
    """Facts of our agent behind a remote id, for a gateway's questions."""
    agent = _of_remote(gateway_id, remote_id)
    return AgentFacts(agent.id, agent.name, agent.board_id) if agent else None


def _of_remote(gateway_id: UUID, remote_id: str) -> Agent | None:
    mine = Agent.objects.filter(gateway_id=gateway_id)
    wanted = remote_id.strip().lower()
    adopted: Agent | None = None
    if wanted:
        adopted = mine.filter(linked_remote_id__iexact=wanted).first()
    if adopted is not None:
        return adopted
    if wanted == f"mc-gateway-{gateway_id}":
        return mine.filter(agent_type=Agent.Type.MAIN).first()
    try:
        if wanted.startswith("lead-"):
            board_id = UUID(wanted.removeprefix("lead-"))
            return mine.filter(board_id=board_id, agent_type=Agent.Type.LEAD).first()
        if wanted.startswith("mc-"):
            return mine.filter(pk=UUID(wanted.removeprefix("mc-"))).first()
    except ValueError:
        return None
    return None


#: What a board's readers see of an agent; no identity, no workspace, no life cycle.
_ROSTER = (
    "id", "board_id", "gateway_id", "name", "agent_type", "status", "description", "last_seen_at",
    "heartbeat_config", "version", "created_at", "updated_at",
)  # fmt: skip


def roster(board_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Agents of boards with the state that people see, the lead of each first."""
    now = clock.now()
    rows = Agent.objects.filter(board_id__in=list(board_ids)).order_by("agent_type", "name", "id")
    return [
        {
            **{name: getattr(agent, name) for name in _ROSTER},
            "status": rules.displayed(agent, now=now),
            "last_seen_at": rules.last_sign(agent),
            "is_board_lead": agent.agent_type == Agent.Type.LEAD,
        }
        for agent in rows.only(*_ROSTER, "gateway_seen_at")
    ]


def roster_on(gateway_id: UUID) -> dict[str, AgentFacts]:
    """All our agents on a gateway by their remote id; one query."""
    agents = Agent.objects.filter(gateway_id=gateway_id)
    return {a.remote_id: AgentFacts(a.id, a.name, a.board_id) for a in agents}


def remote_ids_on(gateway_id: UUID) -> set[str]:
    """Everything that was created on a gateway and may still be there; never what was adopted."""
    mine = Agent.objects.filter(gateway_id=gateway_id, linked_remote_id="")
    left = _left_on(gateway_id)
    return {a.remote_id for a in mine} | {e["remote_id"] for e in left if not e.get("adopted")}


def adopted_on(gateway_id: UUID) -> set[str]:
    """Agents of a gateway that were there before us and hold our block and token."""
    theirs = Agent.objects.filter(gateway_id=gateway_id).exclude(linked_remote_id="")
    found = set(theirs.values_list("linked_remote_id", flat=True))
    return found | {e["remote_id"] for e in _left_on(gateway_id) if e.get("adopted")}


def _left_on(gateway_id: UUID) -> list[dict[str, str]]:
    """What agents left behind on a gateway."""
    rows = Agent.objects.filter(left_behind__contains=[{"gateway_id": str(gateway_id)}])
    return [
        entry
        for left in rows.values_list("left_behind", flat=True)
        for entry in left
        if entry.get("gateway_id") == str(gateway_id)
    ]


def register() -> None:
    """Offer the look-ups."""
    agents_lookup.register(facts_of_remote)
    agents_lookup.register_remote_ids(remote_ids_on)
    agents_lookup.register_adopted(adopted_on, linked.release)
    agents_lookup.register_roster(roster_on)
    assignees.register(assignees_by_id)
    assignees.register_lead(lead_of)
    assignees.register_roster(roster)
