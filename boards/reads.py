"""Tasks, boards and comments as plain facts, read in a fixed number of queries.

One shaping function serves the API, events, sockets and refusals: :func:`shape_task` over a tuple
in the order of :data:`TASK_FIELDS`, taken from ``values_list`` or from a loaded row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from boards.models import Board, Task, TaskComment, TaskDependency
from governance import gates
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor

TASK_FIELDS = (
    "id", "board_id", "number", "key", "title", "description", "status", "rank", "priority",
    "due_at", "assigned_agent_id", "in_progress_at", "previous_in_progress_at",
    "first_in_progress_at", "review_at", "done_at", "reopened_at", "created_by_id",
    "created_by_agent_id", "auto_created", "auto_reason", "comments_count", "delivery",
    "delivery_detail", "version", "created_at", "updated_at",
)  # fmt: skip
_of_instance = attrgetter(*TASK_FIELDS)
NONE: tuple[list[UUID], list[UUID]] = ([], [])


def shape_task(
    values: Sequence[Any], assignee: str | None, needs: tuple[list[UUID], list[UUID]]
) -> dict[str, Any]:
    """A task as the API has it.

    Args:
        values: Columns in the order of :data:`TASK_FIELDS`.
        assignee: Name of the assigned agent.
        needs: Ids it depends on, and those of them that are not done.
    """
    (
        pk, board_id, number, key, title, description, status, rank, priority, due_at, agent_id,
        in_progress_at, previous_in_progress_at, first_in_progress_at, review_at, done_at,
        reopened_at, created_by, created_by_agent, auto_created, auto_reason, comments, delivery,
        delivery_detail, version, created_at, updated_at,
    ) = values  # fmt: skip
    depends, unfinished = needs
    waits = [] if status == "done" else unfinished
    return {
        "id": pk,
        "board_id": board_id,
        "key": key,
        "number": number,
        "title": title,
        "description": description,
        "status": status,
        "rank": rank,
        "priority": priority,
        "due_at": due_at,
        "assigned_agent_id": agent_id,
        "assignee": assignee,
        "in_progress_at": in_progress_at,
        "previous_in_progress_at": previous_in_progress_at,
        "first_in_progress_at": first_in_progress_at,
        "review_at": review_at,
        "done_at": done_at,
        "reopened_at": reopened_at,
        "created_by_user_id": created_by,
        "created_by_agent_id": created_by_agent,
        "auto_created": auto_created,
        "auto_reason": auto_reason,
        "depends_on_task_ids": depends,
        "dependencies": depends,
        "blocked_by_task_ids": waits,
        "is_blocked": bool(waits),
        "tag_ids": [],
        "tags": [],
        "custom_field_values": {},
        "comments_count": comments,
        "delivery": delivery,
        "delivery_detail": delivery_detail,
        "version": version,
        "created_at": created_at,
        "updated_at": updated_at,
    }


def task_of(task: Task) -> dict[str, Any]:
    """A task that a service returned, or that :func:`with_facts` annotated, as the API has it."""
    facts = task.__dict__
    if "dependency_ids" not in facts:
        return tasks(Task.objects.filter(pk=task.pk))[0]
    shape = shape_task(
        _of_instance(task),
        facts.get("assignee_name"),
        (list(facts["dependency_ids"]), list(facts["unfinished_ids"])),
    )
    if task.warnings:
        shape["warnings"] = list(task.warnings)
    return shape


def tasks(rows: QuerySet[Task]) -> list[dict[str, Any]]:
    """Tasks as the API has them, in two queries."""
    found = list(rows.values_list(*TASK_FIELDS, "assigned_agent__name"))
    needs = dependencies_of([row[0] for row in found])
    return [shape_task(row[:-1], row[-1], needs.get(row[0], NONE)) for row in found]


def cards(rows: QuerySet[Task]) -> list[dict[str, Any]]:
    """Tasks with their numbers of approvals, in three queries."""
    found = tasks(rows)
    counts = gates.counts_for([task["id"] for task in found])
    for task in found:
        total, pending = counts.get(task["id"], (0, 0))
        task["approvals_count"] = total
        task["approvals_pending_count"] = pending
    return found


def dependencies_of(ids: Iterable[UUID]) -> dict[UUID, tuple[list[UUID], list[UUID]]]:
    """For each task that has any: ids it depends on, and those of them that are not done."""
    wanted = list(ids)
    found: dict[UUID, tuple[list[UUID], list[UUID]]] = {}
    if not wanted:
        return found
    links = TaskDependency.objects.filter(task_id__in=wanted).order_by("position", "id")
    for task_id, other, status in links.values_list("task_id", "depends_on_id", "depends_on__status"):
        depends, unfinished = found.setdefault(task_id, ([], []))
        depends.append(other)
        if status != Task.Status.DONE:
            unfinished.append(other)
    return found


def event_card(task: Task) -> dict[str, Any]:
    """A task as ``task.created`` carries it: JSON-ready, without the description."""
    shape = task_of(task)
    shape.pop("description")
    for name, value in shape.items():
        if isinstance(value, UUID):
            shape[name] = str(value)
        elif hasattr(value, "astimezone"):
            shape[name] = clock.iso(value)
        elif isinstance(value, list):
            shape[name] = [str(entry) for entry in value[:50]]
    return shape


# --- boards ---------------------------------------------------------------------------------------

BOARD_FIELDS = (
    "id", "organization_id", "name", "slug", "key", "description", "gateway_id", "board_group_id",
    "board_type", "objective", "success_metrics", "target_date", "goal_confirmed", "goal_source",
    "require_approval_for_done", "approval_gate_scope", "require_review_before_done",
    "comment_required_for_review", "block_status_changes_with_pending_approval",
    "only_lead_can_change_status", "max_agents", "execution_policy", "paused", "wip_limits",
    "version", "created_at", "updated_at",
)  # fmt: skip
_board_values = attrgetter(*BOARD_FIELDS)


def board_of(board: Board) -> dict[str, Any]:
    """A loaded board as the API has it."""
    return dict(zip(BOARD_FIELDS, _board_values(board), strict=True))


def boards(rows: QuerySet[Board]) -> list[dict[str, Any]]:
    """Boards as the API has them, in one query."""
    return list(rows.values(*BOARD_FIELDS))


def task_counts(board_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Number of tasks per column of each board, in one query."""
    wanted = list(board_ids)
    found = {pk: dict.fromkeys(Task.Status.values, 0) for pk in wanted}
    rows = Task.objects.filter(board_id__in=wanted).order_by().values_list("board_id", "status")
    for pk, status, count in rows.annotate(n=Count("id")):
        found[pk][status] = count
    return found


def _place(field: str, order: Sequence[str]) -> Case:
    whens = [When(**{field: value}, then=Value(place)) for place, value in enumerate(order)]
    return Case(*whens, default=Value(len(order)), output_field=IntegerField())


def in_board_order(rows: QuerySet[Task]) -> QuerySet[Task]:
    """By column, priority, newest first: the order of a board's detail and snapshot."""
    return rows.order_by(
        _place("status", Task.Status.values),
        _place("priority", ("critical", "high", "medium", "low")),
        "-created_at",
        "id",
    )


def in_group_order(rows: QuerySet[Task]) -> QuerySet[Task]:
    """What is worked on first, then priority, newest change first: the order of group snapshots."""
    return rows.order_by(
        _place("status", ("in_progress", "review", "todo", "done")),
        _place("priority", ("critical", "high", "medium", "low")),
        F("updated_at").desc(),
        F("created_at").desc(),
        "id",
    )


def snapshot(actor: Actor, board_id: UUID) -> dict[str, Any]:
    """A board with its cards and the number of its pending approvals.

    Raises:
        NotFound: absent or not readable.
    """
    board = Board.objects.seen_by(actor, board_id)
    return {
        "board": board_of(board),
        "tasks": cards(in_board_order(Task.objects.filter(board_id=board.pk))),
        "pending_approvals_count": gates.pending_on_board(board.pk),
    }


# --- comments -------------------------------------------------------------------------------------

COMMENT_FIELDS = (
    "id", "task_id", "message", "author_kind", "author_id", "author_name", "created_at", "edited_at",
)  # fmt: skip


def shape_comment(values: Sequence[Any]) -> dict[str, Any]:
    """A comment as the API has it, from its columns in the order of :data:`COMMENT_FIELDS`."""
    pk, task_id, message, kind, author_id, author, created_at, edited_at = values
    return {
        "id": pk,
        "task_id": task_id,
        "message": message,
        "agent_id": author_id if kind == "agent" else None,
        "author_type": kind,
        "author_id": author_id,
        "author_name": author,
        "created_at": created_at,
        "edited_at": edited_at,
    }


def comment_of(comment: TaskComment) -> dict[str, Any]:
    """A loaded comment as the API has it."""
    return shape_comment([getattr(comment, name) for name in COMMENT_FIELDS])




def first_tasks(
    board_ids: list[UUID], limit: int, *, with_done: bool
) -> dict[UUID, list[dict[str, Any]]]:
    """The most important tasks of each board, in two queries whatever the number of boards."""
    found: dict[UUID, list[dict[str, Any]]] = {pk: [] for pk in board_ids}
    if not limit or not board_ids:
        return found
    rows = Task.objects.filter(board_id__in=board_ids)
    if not with_done:
        rows = rows.exclude(status=Task.Status.DONE)
    ordered = in_group_order(rows)
    place = Window(RowNumber(), partition_by=["board_id"], order_by=ordered.query.order_by)
    for task in tasks(ordered.annotate(place=place).filter(place__lte=limit)):
        found[task["board_id"]].append(task)
    return found
