"""What later rows need to know of the ones before them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


class Left(Exception):
    """This row stays behind; the text says why."""


@dataclass
class Moved:
    """Ids and keys of what has moved, or was there."""

    #: People whom this installation knew under another id (same Clerk id): old id to ours.
    users: dict[UUID, UUID] = field(default_factory=dict)
    organizations: set[UUID] = field(default_factory=set)
    members: dict[UUID, tuple[UUID, UUID]] = field(default_factory=dict)
    gateways: dict[UUID, UUID] = field(default_factory=dict)
    groups: dict[UUID, UUID] = field(default_factory=dict)
    #: Board to (organization, key).
    boards: dict[UUID, tuple[UUID, str]] = field(default_factory=dict)
    board_keys: dict[UUID, set[str]] = field(default_factory=lambda: defaultdict(set))
    invites: dict[UUID, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    agents: dict[UUID, tuple[UUID, str]] = field(default_factory=dict)
    fields: dict[UUID, str] = field(default_factory=dict)
    tags: set[UUID] = field(default_factory=set)
    tags_of_tasks: dict[UUID, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    values_of_tasks: dict[UUID, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    #: Task to (board, title).
    tasks: dict[UUID, tuple[UUID, str]] = field(default_factory=dict)
    numbers: Counter[UUID] = field(default_factory=Counter)
    last_rank: dict[tuple[UUID, str], str] = field(default_factory=dict)
    approvals: dict[UUID, UUID] = field(default_factory=dict)
    positions: Counter[UUID] = field(default_factory=Counter)
    webhooks: dict[UUID, UUID] = field(default_factory=dict)
    packs: dict[str, UUID] = field(default_factory=dict)
    skills: dict[UUID, UUID] = field(default_factory=dict)

    def user(self, key: UUID | None) -> UUID | None:
        """Our id of a person."""
        return self.users.get(key) if key else None

    def board(self, key: UUID | None) -> tuple[UUID, str]:
        """Organization and key of a board that has moved."""
        found = self.boards.get(key) if key else None
        if found is None:
            raise Left("its board is not there")
        return found

    def task(self, key: UUID | None) -> tuple[UUID, str]:
        """Board and title of a task that has moved."""
        found = self.tasks.get(key) if key else None
        if found is None:
            raise Left("its task is not there")
        return found

    def organization(self, key: UUID | None) -> UUID:
        """An organization that has moved."""
        if key is None or key not in self.organizations:
            raise Left("its organization is not there")
        return key
