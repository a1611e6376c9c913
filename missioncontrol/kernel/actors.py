"""Who acts: five frozen kinds, taken apart with ``match`` and ``assert_never``.

An actor carries everything that visibility and authorisation ask about him, read once per
request by the resolver of his credential (:mod:`missioncontrol.kernel.credentials`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

Kind = Literal["user", "agent", "end_user", "gateway", "system"]
Scope = Literal["read", "write", "admin"]


class Role(StrEnum):
    """Role of a member in an organization, weakest first."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """0 for member, 1 for admin, 2 for owner."""
        return ("member", "admin", "owner").index(self.value)


class AgentRole(StrEnum):
    """What an agent is: ordinary worker, lead of its board, or main agent of its gateway."""

    WORKER = "worker"
    LEAD = "lead"
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class MembershipFacts:
    """What a membership says about board access, as loaded with the credential."""

    organization_id: UUID
    member_id: UUID
    role: Role
    all_boards_read: bool
    all_boards_write: bool


@dataclass(frozen=True, slots=True)
class UserActor:
    """A person. ``organization_id`` is the active organization, which only scopes lists.

    ``language`` is the one chosen for the pages, empty for that of the browser; ``time_zone`` is
    that of his clock, empty for UTC. Both are read with a session and with no other credential.
    ``ends_at`` is when the credential proves nothing any more, ``None`` for one without an end.
    """

    kind: ClassVar[Kind] = "user"
    id: UUID
    name: str
    email: str | None = None
    organization_id: UUID | None = None
    memberships: Mapping[UUID, MembershipFacts] = field(default_factory=dict, hash=False)
    scope: Scope = "admin"
    is_super_admin: bool = False
    language: str = ""
    time_zone: str = ""
    ends_at: datetime | None = field(default=None, compare=False)

    def role_in(self, organization_id: UUID | None) -> Role | None:
        """Role in that organization, ``None`` for a stranger."""
        facts = self.memberships.get(organization_id) if organization_id else None
        return facts.role if facts else None

    def is_admin_in(self, organization_id: UUID | None) -> bool:
        """Admin or owner of that organization."""
        role = self.role_in(organization_id)
        return role is not None and role.rank >= Role.ADMIN.rank


@dataclass(frozen=True, slots=True)
class AgentActor:
    """An agent that authenticated with its own token."""

    kind: ClassVar[Kind] = "agent"
    id: UUID
    name: str
    organization_id: UUID
    role: AgentRole
    board_id: UUID | None = None
    gateway_id: UUID | None = None

    @property
    def is_lead(self) -> bool:
        """Lead of its board."""
        return self.role is AgentRole.LEAD

    @property
    def is_main(self) -> bool:
        """Main agent of its gateway."""
        return self.role is AgentRole.MAIN


@dataclass(frozen=True, slots=True)
class EndUserActor:
    """A person on the mobile chat page."""

    kind: ClassVar[Kind] = "end_user"
    id: UUID
    name: str
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class GatewayActor:
    """A gateway whose connection or credential speaks."""

    kind: ClassVar[Kind] = "gateway"
    id: UUID
    name: str
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class SystemActor:
    """Code without a person behind it. ``reason`` names the job or rule."""

    kind: ClassVar[Kind] = "system"
    reason: str
    organization_id: UUID | None = None

    @property
    def id(self) -> None:
        """A system actor has no id."""
        return None

    @property
    def name(self) -> str:
        """The reason stands where others show a name."""
        return self.reason


Actor = UserActor | AgentActor | EndUserActor | GatewayActor | SystemActor


def actor_key(actor: Actor) -> str:
    """Stable text key of an actor: ``user:<uuid>``, ``system:<reason>``."""
    return f"{actor.kind}:{actor.id or actor.name}"
