"""Everything that the panel of a task shows, read in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F

from activity import types
from activity.models import ActivityEvent
from activity.reads import shown_titles, worded
from agents.models import Execution
from boards import custom_fields
from boards.models import Tag, Task, TaskComment
from boards.pages import choices, field_inputs
from boards.services.comments import EDITABLE_FOR
from gateways.models import Gateway
from governance.models import Approval, ApprovalTask
from governance.subjects import subject_of
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import UserActor

MOST_EVENTS = 40
MOST_COMMENTS = 200
MOST_RUNS = 5
QUIET = {"task.commented", "task.woken", "task.notified"}
STATUS_TIMES = {
    "in_progress": "in_progress_at",
    "review": "review_at",
    "done": "done_at",
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A task at the other end of a dependency."""

    id: UUID
    key: str
    title: str
    status: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a decision that names the task."""

    approval: Approval
    title: str

    def __getattr__(self, name: str) -> Any:
        """Facts of the approval itself."""
        return getattr(self.approval, name)


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A comment or a trace of something that happened."""

    id: UUID
    at: datetime
    is_comment: bool
    text: str
    author: str = ""
    kind: str = "user"
    type: str = ""
    glyph: str = ""
    outcome: str = ""
    is_edited: bool = False
    can_edit: bool = False
    can_delete: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A task as its panel shows it."""

    task: Task
    dependencies: list[Neighbour]
    dependents: list[Neighbour]
    approvals: list[Question]
    stream: list[StreamEntry]
    tags: list[Tag]
    values: list[tuple[str, str, Any]]
    same: list[Neighbour]
    runs: list[Execution]
    gateways: list[tuple[UUID, str]]

    def __getattr__(self, name: str) -> Any:
        """Facts of the task itself."""
        return getattr(self.task, name)

    @property
    def task_key(self) -> str:
        """Name of the task for people."""
        return str(self.task.key)

    @property
    def link(self) -> str:
        """Address that opens the task."""
        return f"{settings.BASE_URL}/boards/{self.task.board_id}?task={self.task.key}"

    @property
    def blocked_by(self) -> list[str]:
        """Keys of unfinished dependencies."""
        if self.task.status == Task.Status.DONE:
            return []
        return [task.key for task in self.dependencies if task.status != Task.Status.DONE]

    @property
    def is_blocked(self) -> bool:
        """Something unfinished stands in the way."""
        return bool(self.blocked_by)

    @property
    def is_overdue(self) -> bool:
        """Its date has passed and it is not done."""
        due = self.task.due_at
        return bool(due and due < clock.now() and self.task.status != Task.Status.DONE)

    @property
    def status_since(self) -> datetime | None:
        """When it came into its column, as far as that is kept."""
        name = STATUS_TIMES.get(self.task.status)
        return getattr(self.task, name) if name else None

    @property
    def pending_approvals(self) -> list[Question]:
        """Questions that wait for a person."""
        return [entry for entry in self.approvals if entry.status == Approval.Status.PENDING]

    @property
    def has_active_run(self) -> bool:
        """An agent is asked to run it, or runs it."""
        return any(run.finished_at is None for run in self.runs)

    @property
    def decided_approvals(self) -> list[Question]:
        """Questions that are settled."""
        return [entry for entry in self.approvals if entry.status != Approval.Status.PENDING]


def panel_of(task: Task, who: UserActor) -> Panel:
    """The panel of one task for a reader; `task` comes with its agent, creator and board."""
    return Panel(
        task=task,
        dependencies=_neighbours(task.dependency_links.order_by("position", "id"), "depends_on"),
        dependents=_neighbours(task.dependent_links.order_by("id"), "task"),
        approvals=_approvals(task),
        stream=_stream(task, who),
        tags=_tags(task),
        values=_values(task),
        same=_same(task),
        runs=_runs(task),
        gateways=_gateways(task),
    )


def _tags(task: Task) -> list[Tag]:
    if not task.tag_ids:
        return []
    return choices.shown_tags(task.tag_ids, Tag.objects.filter(pk__in=task.tag_ids))


def _values(task: Task) -> list[tuple[str, str, Any]]:
    """Label, type and value of the custom fields that readers see."""
    specs = custom_fields.unpack(task.board.custom_fields)
    values = custom_fields.shown(specs, task.custom_field_values)
    return [
        (spec.label, spec.type, _as_text(spec.type, values[spec.key]))
        for spec in specs
        if field_inputs.is_shown(spec, values)
    ]


def _as_text(kind: str, value: Any) -> Any:
    if value is None or kind == "boolean":
        return value
    if kind == "date_time":
        return field_inputs.initial_of(kind, value)
    return field_inputs.as_json(value) if isinstance(value, dict | list) else value


def _same(task: Task) -> list[Neighbour]:
    """Other unfinished tasks of the board that say the same."""
    if task.status == Task.Status.DONE:
        return []
    rows = Task.objects.filter(board_id=task.board_id, fingerprint=task.fingerprint)
    rows = rows.exclude(pk=task.pk).exclude(status=Task.Status.DONE).order_by("created_at")
    return [Neighbour(*row) for row in rows.values_list("pk", "key", "title", "status")[:3]]


def _runs(task: Task) -> list[Execution]:
    """The newest runs, an active one first."""
    rows = Execution.objects.filter(task_id=task.id).select_related("agent")
    return list(rows.order_by(F("finished_at").desc(nulls_first=True), "-id")[:MOST_RUNS])


def _gateways(task: Task) -> list[tuple[UUID, str]]:
    """Where a run may be asked for."""
    rows = Gateway.objects.filter(organization_id=task.organization_id)
    return list(rows.order_by("name", "pk").values_list("pk", "name"))


def _neighbours(links: Any, end: str) -> list[Neighbour]:
    rows = links.values_list(f"{end}__id", f"{end}__key", f"{end}__title", f"{end}__status")
    return [Neighbour(*row) for row in rows]


def _approvals(task: Task) -> list[Question]:
    """What is asked about the task, which is named by its key: its title stands above."""
    found = Approval.objects.filter(task_links__task_id=task.id).order_by("-created_at", "id")
    links = ApprovalTask.objects.filter(approval__in=found).values_list("approval_id")
    numbers = dict(links.annotate(n=Count("id")).order_by())
    return [
        Question(approval, subject_of(approval, [task.key] * numbers[approval.pk]))
        for approval in found
    ]


def _stream(task: Task, who: UserActor) -> list[StreamEntry]:
    said = TaskComment.objects.filter(task_id=task.id).order_by("-created_at", "-id")
    entries = [_comment(comment, task, who) for comment in said[:MOST_COMMENTS]]
    happened = ActivityEvent.objects.filter(task_id=task.id).order_by("-seq")[:MOST_EVENTS]
    told = [event for event in happened if event.type not in QUIET]
    titles = shown_titles(told)
    entries += [_trace(event, titles[event.id]) for event in told]
    return sorted(entries, key=lambda entry: entry.at)


def _comment(comment: TaskComment, task: Task, who: UserActor) -> StreamEntry:
    is_own = comment.author_kind == who.kind and comment.author_id == who.id
    is_fresh = clock.now() - comment.created_at <= EDITABLE_FOR
    return StreamEntry(
        id=comment.id,
        at=comment.created_at,
        is_comment=True,
        text=comment.message,
        author=comment.author_name,
        kind=comment.author_kind,
        is_edited=comment.edited_at is not None,
        can_edit=is_own and is_fresh,
        can_delete=is_own or who.is_admin_in(task.organization_id),
    )


def _trace(event: ActivityEvent, title: str) -> StreamEntry:
    entry = types.TYPES.get(event.type)
    text = types.sentence_of(
        event.type,
        actor=event.actor_name,
        target=title,
        data=worded(event.data or {}),
    )
    return StreamEntry(
        id=event.id,
        at=event.at,
        is_comment=False,
        text=text,
        type=event.type,
        glyph=entry.icon if entry else "",
        outcome=str((event.data or {}).get("to") or (event.data or {}).get("status") or ""),
    )
