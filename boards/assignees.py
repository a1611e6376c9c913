"""Who can be given a task. ``agents`` registers the look-ups; boards know no agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class AssigneeFacts:
    """What the rules of assignment ask about an agent."""

    id: UUID
    name: str
    organization_id: UUID
    board_id: UUID | None
    agent_type: str
    gateway_id: UUID | None
    status: str


Lookup = Callable[[Iterable[UUID]], Mapping[UUID, AssigneeFacts]]
LeadLookup = Callable[[UUID], UUID | None]
Roster = Callable[[Iterable[UUID]], list[dict[str, Any]]]
_lookup: Lookup | None = None
_lead: LeadLookup | None = None
_roster: Roster | None = None


def register(lookup: Lookup) -> None:
    """Name the look-up of agents by id."""
    global _lookup  # noqa: PLW0603 - one registration at start
    _lookup = lookup


def register_lead(lookup: LeadLookup) -> None:
    """Name the look-up of a board's lead."""
    global _lead  # noqa: PLW0603 - one registration at start
    _lead = lookup


def register_roster(lookup: Roster) -> None:
    """Name the look-up of the agents of boards, in the form that their readers see."""
    global _roster  # noqa: PLW0603 - one registration at start
    _roster = lookup


def on_boards(board_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Agents of some boards as their readers see them, the lead of each first."""
    return _roster(board_ids) if _roster else []


def facts_of(ids: Iterable[UUID]) -> Mapping[UUID, AssigneeFacts]:
    """Facts of the agents that exist."""
    return _lookup(ids) if _lookup else {}


def lead_of(board_id: UUID) -> UUID | None:
    """The board's lead, if it has one."""
    return _lead(board_id) if _lead else None


def require_assignable(agent_id: UUID, *, organization_id: UUID, board_id: UUID) -> AssigneeFacts:
    """The agent, if a task of the board may be given to it (core specification 10.4).

    Raises:
        NotFound: unknown, or of another organization.
        Conflict: on another board, a gateway's main agent, or about to be deleted.
    """
    agent = facts_of([agent_id]).get(agent_id)
    if agent is None or agent.organization_id != organization_id:
        raise NotFound(_("No such agent."), missing_agent_ids=[str(agent_id)])
    if agent.agent_type == "main":
        raise Conflict(_("A gateway's main agent takes no tasks."), code="agent_is_main")
    if agent.board_id not in (None, board_id):
        raise Conflict(_("This agent works on another board."), code="agent_other_board")
    if agent.status == "deleting":
        raise Conflict(_("This agent is being deleted."), code="agent_deleting")
    return agent
