"""Tasks, boards and comments as plain facts, read in a fixed number of queries.

One shaping function serves the API, events, sockets and refusals: :func:`shape_task` over a tuple
in the order of :data:`TASK_FIELDS`, taken from ``values_list`` or from a loaded row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Case, F, IntegerField, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from boards import custom_fields, rows, rules
from boards.models import Board, Task, TaskComment
from governance import gates
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import NotFound

TASK_FIELDS = (
    "id", "board_id", "number", "key", "title", "description", "status", "rank", "priority",
    "due_at", "assigned_agent_id", "in_progress_at", "previous_in_progress_at",
    "first_in_progress_at", "review_at", "done_at", "reopened_at", "created_by_id",
    "created_by_agent_id", "auto_created", "auto_reason", "comments_count", "delivery",
    "delivery_detail", "version", "created_at", "updated_at",
)  # fmt: skip
_of_instance = attrgetter(*TASK_FIELDS)
Specs = tuple[custom_fields.FieldSpec, ...]
MOST_SPECS = 2_000
#: Fields of boards by their digest: the same digest always means the same fields.
_specs: dict[str, Specs] = {}


def shape_task(
    values: Sequence[Any],
    assignee: str | None,
    needs: tuple[Sequence[Any], Sequence[Any]],
    labels: tuple[list[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """A task as the API has it.

    Args:
        values: Columns in the order of :data:`TASK_FIELDS`.
        assignee: Name of the assigned agent.
        needs: Ids it depends on, and those of them that are not done.
        labels: Its tags in order, and the values of all fields of its board.
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
        "tag_ids": [tag["id"] for tag in labels[0]],
        "tags": labels[0],
        "custom_field_values": labels[1],
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
        (
            facts["tags"],
            custom_fields.shown(facts["field_specs"], task.custom_field_values),
        ),
    )
    if task.warnings:
        shape["warnings"] = list(task.warnings)
    return shape


def tasks(wanted: QuerySet[Task]) -> list[dict[str, Any]]:
    """Tasks of a queryset as the API has them, in its order, in two queries."""
    ids = list(wanted.values_list("pk", flat=True))
    if not ids:
        return []
    found = {task["id"]: task for task in select(rows.Where().add("t.id = ANY(%s)", ids))}
    return [found[pk] for pk in ids if pk in found]


def select(
    where: rows.Where, *, order: str = rows.NEWEST, limit: int | None = None, offset: int = 0
) -> list[dict[str, Any]]:
    """Tasks that fit as the API has them, in one query.

    Another one reads the fields of boards whose digest this process has not met.
    """
    found = rows.tasks(where, order=order, limit=limit, offset=offset)
    specs = _specs_of(found)
    shapes = []
    for row in found:
        assignee, depends, unfinished, tags, stored, digest = row[-6:]
        values = (
            custom_fields.shown(specs[digest], orjson.loads(stored) if stored != "{}" else {})
            if digest
            else {}
        )
        needs = (rows.ids_of(depends), rows.ids_of(unfinished))
        labels = (orjson.loads(tags) if tags else [], values)
        shapes.append(shape_task(row[:-6], assignee, needs, labels))
    return shapes


def _specs_of(found: list[rows.Row]) -> Mapping[str, Specs]:
    """Fields that the boards of task rows ask for, by the digest in the rows."""
    wanted = {row[-1]: row[1] for row in found if row[-1]}
    if not wanted:
        return {}
    specs = {digest: _specs[digest] for digest in wanted if digest in _specs}
    unknown = {board_id: digest for digest, board_id in wanted.items() if digest not in specs}
    if unknown:
        if len(_specs) > MOST_SPECS:
            _specs.clear()
        for board_id, digest, packed in rows.fields_of_boards(unknown):
            fresh = _specs[digest] = custom_fields.unpack(packed)
            # The fields may have changed between the two statements.
            specs[unknown[board_id]] = fresh
    return {digest: specs.get(digest, ()) for digest in wanted}


def with_approvals(
    found: list[dict[str, Any]], counts: Mapping[UUID, tuple[int, int]]
) -> list[dict[str, Any]]:
    """The tasks with their numbers of approvals."""
    for task in found:
        task["approvals_count"], task["approvals_pending_count"] = counts.get(task["id"], (0, 0))
    return found


def card(where: rows.Where) -> dict[str, Any] | None:
    """One task with its numbers of approvals, in two queries."""
    found = select(where, limit=1)
    if not found:
        return None
    return with_approvals(found, gates.counts_for([found[0]["id"]]))[0]


def cards_of_board(board_id: UUID, *, limit: int | None = None) -> list[dict[str, Any]]:
    """Tasks of a board by column, priority, newest first, with approvals, in two queries."""
    where = rows.Where().add("t.board_id = %s", board_id)
    found = select(where, order=rows.BOARD_ORDER, limit=limit)
    return with_approvals(found, rows.approval_counts(board_id))


def event_card(task: Task) -> dict[str, Any]:
    """A task as ``task.created`` carries it: JSON-ready, without the description."""
    shape = task_of(task)
    shape.pop("description")
    shape["custom_field_values"] = custom_fields.excerpt(shape["custom_field_values"])
    for name, value in shape.items():
        if name == "tags":
            shape[name] = value[:50]
        elif isinstance(value, UUID):
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


def board(actor: Actor, board_id: UUID) -> dict[str, Any] | None:
    """A readable board as the API has it."""
    found = rows.board(actor, board_id)
    return board_of(found) if found else None


def boards(wanted: QuerySet[Board]) -> list[dict[str, Any]]:
    """Boards as the API has them, in one query."""
    return list(wanted.values(*BOARD_FIELDS))


def task_counts(board_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Number of tasks per column of each board, in one query."""
    wanted = list(board_ids)
    found: dict[UUID, dict[str, int]] = {pk: dict.fromkeys(rules.STATUSES, 0) for pk in wanted}
    for pk, status, count in rows.counts_by_status(wanted):
        found[pk][status] = count
    return found


def _place(field: str, order: Sequence[str]) -> Case:
    whens = [When(**{field: value}, then=Value(place)) for place, value in enumerate(order)]
    return Case(*whens, default=Value(len(order)), output_field=IntegerField())


def in_group_order(wanted: QuerySet[Task]) -> QuerySet[Task]:
    """What is worked on first, then priority, newest change first: the order of group snapshots."""
    return wanted.order_by(
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
    found = board(actor, board_id)
    if found is None:
        raise NotFound
    return {
        "board": found,
        "tasks": cards_of_board(board_id),
        "pending_approvals_count": gates.pending_on_board(board_id),
    }


# --- comments -------------------------------------------------------------------------------------

COMMENT_FIELDS = (
    "id", "task_id", "message", "author_kind", "author_id", "author_name", "created_at",
    "edited_at",
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
    wanted = Task.objects.filter(board_id__in=board_ids)
    if not with_done:
        wanted = wanted.exclude(status=Task.Status.DONE)
    ordered = in_group_order(wanted)
    by: Any = ordered.query.order_by
    place = Window(RowNumber(), partition_by=["board_id"], order_by=by)
    for task in tasks(ordered.annotate(place=place).filter(place__lte=limit)):
        found[task["board_id"]].append(task)
    return found
