"""From a credential to an actor. Apps register one resolver per credential; doors only ask here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from .actors import Actor, AgentActor, UserActor

AGENT_TOKEN_PREFIX = "mca_"  # noqa: S105 - a public prefix, no secret


class SessionResolver(Protocol):
    """User of a signed-in browser session; a ``session_hash`` must fit the person's password."""

    def __call__(
        self, user_id: UUID, organization_id: UUID | None, session_hash: str | None = None
    ) -> UserActor | None:
        """Resolve."""


class BearerResolver(Protocol):
    """User of a bearer token, ``None`` if it proves nothing."""

    def __call__(self, token: str, organization_id: UUID | None) -> UserActor | None:
        """Resolve."""


class AgentResolver(Protocol):
    """Agent of a token, ``None`` if it proves nothing. ``touch`` records that it was seen."""

    def __call__(self, token: str) -> AgentActor | None:
        """Resolve."""


_session: SessionResolver | None = None
_bearer: list[BearerResolver] = []
_agent: AgentResolver | None = None


def register_session(resolver: SessionResolver) -> None:
    """Name the resolver of browser sessions (``orgs``)."""
    global _session  # noqa: PLW0603 - one registration at start
    _session = resolver


def register_bearer(resolver: BearerResolver) -> None:
    """Add a resolver of operator bearer tokens (``orgs``)."""
    if resolver not in _bearer:
        _bearer.append(resolver)


def register_agent(resolver: AgentResolver) -> None:
    """Name the resolver of agent tokens (``agents``)."""
    global _agent  # noqa: PLW0603 - one registration at start
    _agent = resolver


def from_session(
    user_id: UUID, organization_id: UUID | None, session_hash: str | None = None
) -> UserActor | None:
    """Actor of a signed-in user id; with ``session_hash`` only if the password is the same."""
    return _session(user_id, organization_id, session_hash) if _session else None


def from_bearer(token: str, organization_id: UUID | None) -> Actor | None:
    """Actor of a bearer token: an operator first, then an agent (its prefix skips the first)."""
    if not token.startswith(AGENT_TOKEN_PREFIX):
        for resolve in _bearer:
            user = resolve(token, organization_id)
            if user is not None:
                return user
    return from_agent_token(token)


def from_agent_token(token: str) -> AgentActor | None:
    """Actor of an agent token."""
    return _agent(token) if _agent else None


Resolver = Callable[..., Actor | None]
