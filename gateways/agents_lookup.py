"""Which of our agents a gateway speaks of; ``agents`` registers the look-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What a question of a gateway needs to know about the agent that asks."""

    id: UUID
    name: str
    board_id: UUID | None


Lookup = Callable[[UUID, str], AgentFacts | None]
_lookup: Lookup | None = None


def register(lookup: Lookup) -> None:
    """Name the look-up by gateway and remote agent id."""
    global _lookup  # noqa: PLW0603 - one registration at start
    _lookup = lookup


def find(gateway_id: UUID, remote_agent_id: str) -> AgentFacts | None:
    """The agent, none when it is not ours."""
    return _lookup(gateway_id, remote_agent_id) if _lookup and remote_agent_id else None
