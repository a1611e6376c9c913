"""Cards and columns of a board page, read in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from boards.models import Board, Tag, Task, TaskDependency
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel import clock

SHOWN_PER_COLUMN = 60
SHOWN_WHEN_ALL = 1_000
SHOWN_TAGS = 3
LEVELS = ("critical", "high", "medium", "low")
FIELDS = (
    "id", "key", "title", "status", "rank", "version", "priority", "due_at", "board_id",
    "assigned_agent__name", "comments_count", "tag_ids",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows."""

    id: UUID
    board_id: UUID
    key: str
    title: str
    status: str
    rank: str
    version: int
    priority: str
    assignee: str
    due_at: datetime | None
    is_overdue: bool
    comments: int
    dependencies: int
    dependencies_done: int
    blocked_by: list[str]
    approvals_pending: int
    needs_review: bool
    tags: list[tuple[str, str]]

    @property
    def first_tags(self) -> list[tuple[str, str]]:
        """Tags that the card names; the task itself shows them all."""
        return self.tags if len(self.tags) <= SHOWN_TAGS + 1 else self.tags[:SHOWN_TAGS]

    @property
    def more_tags(self) -> list[str]:
        """Names of the tags that the card only counts."""
        return [name for name, _color in self.tags[len(self.first_tags) :]]

    @property
    def has_meta(self) -> bool:
        """Whether the second line of facts is drawn."""
        return bool(self.tags or self.due_at or self.dependencies or self.comments)


@dataclass(slots=True)
class Column:
    """One status of the board with the cards shown and the number there are."""

    status: str
    total: int
    limit: int | None
    cards: list[Card] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """More tasks than the column's limit."""
        return self.limit is not None and self.total > self.limit

    @property
    def hidden(self) -> int:
        """Tasks that are not shown."""
        return max(0, self.total - len(self.cards))

    @property
    def more_url(self) -> str:
        """Address that shows them all; empty when nothing is hidden."""
        return f"?all={self.status}" if self.hidden else ""


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What the reader asked for, from the address."""

    q: str = ""
    agent: str = ""
    priority: str = ""
    tag: str = ""
    status: str = ""
    all: str = ""

    @property
    def any(self) -> bool:
        """Whether cards are hidden by it."""
        return bool(self.q or self.agent or self.priority or self.tag or self.status)

    def narrow(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        """Tasks that match."""
        if self.q:
            tasks = tasks.filter(Q(title__icontains=self.q) | Q(key__iexact=self.q))
        if self.agent == "none":
            tasks = tasks.filter(assigned_agent__isnull=True)
        elif self.agent:
            tasks = tasks.filter(assigned_agent_id=UUID(self.agent))
        if self.priority:
            tasks = tasks.filter(priority=self.priority)
        if self.status in Task.Status.values:
            tasks = tasks.filter(status=self.status)
        if self.tag:
            tasks = tasks.filter(tag_ids__contains=[UUID(self.tag)])
        return tasks


def columns(board: Board, wanted: BoardFilter) -> list[Column]:
    """The four columns, each with its first cards and its whole number."""
    tasks = wanted.narrow(Task.objects.filter(board_id=board.id))
    totals = dict(tasks.values_list("status").annotate(n=Count("id")))
    place = Window(RowNumber(), partition_by=["status"], order_by=["rank", "id"])
    shown = Q(place__lte=SHOWN_PER_COLUMN)
    if wanted.all in Task.Status.values:
        shown |= Q(status=wanted.all, place__lte=SHOWN_WHEN_ALL)
    rows = tasks.annotate(place=place).filter(shown).order_by("rank", "id").values(*FIELDS)
    limits = board.wip_limits or {}
    found = {
        status: Column(status, totals.get(status, 0), limits.get(status) or None)
        for status in Task.Status.values
    }
    for card in cards(list(rows)):
        found[card.status].cards.append(card)
    return list(found.values())


def card_of(task: Task) -> Card:
    """Card of one task."""
    rows = list(Task.objects.filter(pk=task.pk).values(*FIELDS))
    return cards(rows)[0]


def cards(rows: Sequence[dict[str, Any]]) -> list[Card]:
    """Rows of `FIELDS` as cards; three more queries at most, whatever their number."""
    ids = [row["id"] for row in rows]
    needs = _dependencies(ids)
    pending = _pending_approvals(ids)
    tags = _tags({pk for row in rows for pk in row["tag_ids"]})
    now = clock.now()
    return [
        Card(
            id=row["id"],
            board_id=row["board_id"],
            key=row["key"],
            title=row["title"],
            status=row["status"],
            rank=row["rank"],
            version=row["version"],
            priority=row["priority"],
            assignee=row["assigned_agent__name"] or "",
            due_at=row["due_at"],
            is_overdue=bool(row["due_at"] and row["due_at"] < now and row["status"] != "done"),
            comments=row["comments_count"],
            dependencies=len(needs[row["id"]]),
            dependencies_done=sum(1 for _key, is_done in needs[row["id"]] if is_done),
            blocked_by=_blockers(row["status"], needs[row["id"]]),
            approvals_pending=pending.get(row["id"], 0),
            needs_review=row["status"] == Task.Status.REVIEW,
            tags=[tags[pk] for pk in row["tag_ids"] if pk in tags],
        )
        for row in rows
    ]


def _tags(ids: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Name and colour of tags."""
    wanted = list(ids)
    if not wanted:
        return {}
    tags = Tag.objects.filter(pk__in=wanted).values_list("pk", "name", "color")
    return {pk: (name, color) for pk, name, color in tags}


def _blockers(status: str, needs: list[tuple[str, bool]]) -> list[str]:
    return [] if status == Task.Status.DONE else [key for key, is_done in needs if not is_done]


def _dependencies(ids: Iterable[UUID]) -> dict[UUID, list[tuple[str, bool]]]:
    found: dict[UUID, list[tuple[str, bool]]] = defaultdict(list)
    links = TaskDependency.objects.filter(task_id__in=list(ids)).order_by("position", "id")
    for task_id, key, status in links.values_list(
        "task_id", "depends_on__key", "depends_on__status"
    ):
        found[task_id].append((key, status == Task.Status.DONE))
    return found


def _pending_approvals(ids: Iterable[UUID]) -> dict[UUID, int]:
    links = ApprovalTask.objects.filter(
        task_id__in=list(ids), approval__status=Approval.Status.PENDING
    )
    return dict(links.values_list("task_id").annotate(n=Count("id")))
