"""The event log as plain rows, without model instances: pages of the REST feed and of streams.

What a reader may see is a :class:`Scope`, computed by the caller, since the log knows no boards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet

from .models import ActivityEvent, EventStream

FIELDS = (
    "id", "organization_id", "seq", "board_id", "board_seq", "task_id", "agent_id", "actor_kind",
    "actor_id", "actor_name", "target_kind", "target_id", "target_title", "type", "data",
    "request_id", "at",
)  # fmt: skip


class Row(NamedTuple):
    """One event as the database driver gives it; ``data`` is JSON text."""

    id: UUID
    organization_id: UUID
    seq: int
    board_id: UUID | None
    board_seq: int | None
    task_id: UUID | None
    agent_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    target_kind: str
    target_id: UUID | None
    target_title: str
    type: str
    data: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrganizationScope:
    """What somebody may read of one organization's events.

    Attributes:
        boards: Readable boards; ``None`` means every board, those that are gone included.
        sees_organization: Also the events that belong to no board.
    """

    organization_id: UUID
    boards: frozenset[UUID] | None = frozenset()
    sees_organization: bool = False

    @property
    def is_whole(self) -> bool:
        """Every event of the organization."""
        return self.boards is None and self.sees_organization

    def admits(self, row: Row) -> bool:
        """Whether this event may be read."""
        if row.organization_id != self.organization_id:
            return False
        if row.board_id is None:
            return self.sees_organization
        return self.boards is None or row.board_id in self.boards

    def condition(self) -> Q:
        """The same as a database condition."""
        inside = Q(organization_id=self.organization_id)
        if self.is_whole:
            return inside
        if self.boards is None:
            return inside & Q(board_id__isnull=False)
        readable = Q(board_id__in=list(self.boards))
        if self.sees_organization:
            readable |= Q(board_id__isnull=True)
        return inside & readable


@dataclass(frozen=True, slots=True)
class AgentScope:
    """An agent reads the events that concern it or that it caused."""

    organization_id: UUID
    agent_id: UUID

    def admits(self, row: Row) -> bool:
        """Whether this event may be read."""
        mine = (row.agent_id, row.actor_id, row.target_id)
        return row.organization_id == self.organization_id and self.agent_id in mine

    def condition(self) -> Q:
        """The same as a database condition."""
        mine = Q(agent_id=self.agent_id) | Q(actor_id=self.agent_id) | Q(target_id=self.agent_id)
        return Q(organization_id=self.organization_id) & mine


@dataclass(frozen=True, slots=True)
class TargetScope:
    """The events about one row; nothing without a row."""

    organization_id: UUID
    target_id: UUID | None

    def admits(self, row: Row) -> bool:
        """Whether this event may be read."""
        is_here = row.organization_id == self.organization_id
        return is_here and self.target_id is not None and row.target_id == self.target_id

    def condition(self) -> Q:
        """The same as a database condition."""
        if self.target_id is None:
            return Q(pk__in=[])
        return Q(organization_id=self.organization_id, target_id=self.target_id)


Scope = OrganizationScope | AgentScope | TargetScope


def events_in(scopes: Sequence[Scope]) -> QuerySet[ActivityEvent]:
    """Events that the scopes admit together."""
    if not scopes:
        return ActivityEvent.objects.none()
    return ActivityEvent.objects.filter(reduce(or_, (scope.condition() for scope in scopes)))


def fetch(events: QuerySet[ActivityEvent]) -> list[Row]:
    """Run the query and give plain rows; field converters and model instances are left out."""
    try:
        sql, parameters = events.values_list(*FIELDS).query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Row._make(found) for found in cursor.fetchall()]


def total_of(scopes: Sequence[Scope]) -> int | None:
    """How many events the scopes hold, from the stream counters; ``None`` where they do not tell.

    Numbers have no gaps, so last minus first plus one is the count; retention removes from the
    beginning only.
    """
    total = 0
    for scope in scopes:
        if not isinstance(scope, OrganizationScope):
            return None
        if scope.is_whole:
            total += _length(_ORGANIZATIONS, {scope.organization_id})
        elif scope.boards is not None and not scope.sees_organization:
            total += _length(_BOARDS, scope.boards)
        else:
            return None
    return total


def total_of_board(board_id: UUID) -> int:
    """How many events a board holds."""
    return _length(_BOARDS, {board_id})


def head_of(stream_id: UUID) -> int:
    """Last number of an organization's or a board's stream; 0 before its first event."""
    found = EventStream.objects.filter(pk=stream_id).values_list("last_seq", flat=True).first()
    return found or 0


_LENGTH = """
SELECT coalesce(sum(s.last_seq - f.first + 1), 0) FROM activity_eventstream s
CROSS JOIN LATERAL (SELECT min({number}) AS first FROM activity_activityevent e
                    WHERE e.{owner} = s.id) f
WHERE s.id = ANY(%s) AND f.first IS NOT NULL
"""
_ORGANIZATIONS = _LENGTH.format(number="seq", owner="organization_id")
_BOARDS = _LENGTH.format(number="board_seq", owner="board_id")


def _length(sql: str, streams: Iterable[UUID]) -> int:
    """Events between the first that is left and the last number of the streams together."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(streams)])
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class Stream:
    """A numbered stream of events: an organization's, or one of its boards'."""

    organization_id: UUID
    board_id: UUID | None = None

    @property
    def topic(self) -> str:
        """Name at the hub."""
        if self.board_id is not None:
            return f"board.{self.board_id}"
        return f"org.{self.organization_id}"

    @property
    def _number(self) -> str:
        return "seq" if self.board_id is None else "board_seq"

    def _events(self) -> QuerySet[ActivityEvent]:
        rows = ActivityEvent.objects.filter(organization_id=self.organization_id)
        return rows if self.board_id is None else rows.filter(board_id=self.board_id)

    def last(self) -> tuple[int, UUID | None]:
        """Number and id of the newest event; 0 and ``None`` before the first."""
        rows = self._events().order_by(f"-{self._number}").values_list(self._number, "pk")
        found: tuple[int, UUID] | None = rows.first()
        return found or (0, None)

    def number_of(self, row: Row) -> int:
        """Number of an event in this stream."""
        return row.seq if self.board_id is None else row.board_seq or 0

    def after(self, number: int, limit: int) -> list[Row]:
        """Events after a number, in order."""
        later = self._events().filter(**{f"{self._number}__gt": number})
        return fetch(later.order_by(self._number)[:limit])

    def number_of_event(self, event_id: UUID) -> int | None:
        """Number of an event by its id; ``None`` when it is not of this stream, or gone."""
        found: int | None = (
            self._events().filter(pk=event_id).values_list(self._number, flat=True).first()
        )
        return found

    def number_before(self, moment: datetime) -> int | None:
        """Number after which everything later than ``moment`` lies; ``None`` when nothing is.

        Times of neighbours may be out of order by a transaction's length, so the least number of
        the first few is taken.
        """
        later = self._events().filter(at__gt=moment).order_by("at", self._number)
        first: list[Any] = list(later.values_list(self._number, flat=True)[:50])
        return min(first) - 1 if first else None
