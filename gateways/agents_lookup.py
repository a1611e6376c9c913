"""Which of our agents a gateway speaks of; ``agents`` registers the look-up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What a question of a gateway needs to know about the agent that asks."""

    id: UUID
    name: str
    board_id: UUID | None


Lookup = Callable[[UUID, str], AgentFacts | None]
_lookup: Lookup | None = None
RemoteIds = Callable[[UUID], Collection[str]]
Roster = Callable[[UUID], Mapping[str, AgentFacts]]
Release = Callable[[Any, str], None]
_adopted: RemoteIds | None = None
_release: Release | None = None
_remote_ids: RemoteIds | None = None
_roster: Roster | None = None


def register(lookup: Lookup) -> None:
    """Name the look-up by gateway and remote agent id."""
    global _lookup  # noqa: PLW0603 - one registration at start
    _lookup = lookup


def find(gateway_id: UUID, remote_agent_id: str) -> AgentFacts | None:
    """The agent, none when it is not ours."""
    return _lookup(gateway_id, remote_agent_id) if _lookup and remote_agent_id else None


def register_remote_ids(lookup: RemoteIds) -> None:
    """Name the look-up of everything that Mission Control created on a gateway."""
    global _remote_ids  # noqa: PLW0603 - one registration at start
    _remote_ids = lookup


def remote_ids(gateway_id: UUID) -> Collection[str]:
    """Remote ids of our agents on a gateway."""
    return _remote_ids(gateway_id) if _remote_ids else ()


def register_adopted(lookup: RemoteIds, release: Release) -> None:
    """Name the look-up of agents that a gateway had before, and how they are let go."""
    global _adopted, _release
    _adopted, _release = lookup, release


def adopted_ids(gateway_id: UUID) -> Collection[str]:
    """Remote ids of agents that the gateway had before us."""
    return _adopted(gateway_id) if _adopted else ()


def release(session: Any, remote_id: str) -> None:
    """Take back over an open session what was written to an adopted agent."""
    if _release is not None:
        _release(session, remote_id)


def register_roster(lookup: Roster) -> None:
    """Name the look-up of all our agents on a gateway by their remote id."""
    global _roster  # noqa: PLW0603 - one registration at start
    _roster = lookup


def roster(gateway_id: UUID) -> Mapping[str, AgentFacts]:
    """Our agents on a gateway by their remote id."""
    return _roster(gateway_id) if _roster else {}
