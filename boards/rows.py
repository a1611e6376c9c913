"""SQL written by hand for what is asked most: tasks of a list, a board, a row to change.

The ORM builds and converts each of these statements anew, which costs more than the answer.
Nothing here decides anything: visibility is :func:`boards.querysets.board_sql`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import connection, models

from boards.models import Board, Task, TaskComment
from boards.querysets import Right, board_sql
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor

M = TypeVar("M", bound=models.Model)
Row = tuple[Any, ...]
_ISO = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#: What a task waits for, as text: ids in order, and those of them that are not done.
_NEEDS = (
    "LEFT JOIN LATERAL (SELECT string_agg(d.depends_on_id::text, ',' ORDER BY d.position, d.id) AS "
    "depends, string_agg(d.depends_on_id::text, ',' ORDER BY d.position, d.id) "
    "FILTER (WHERE o.status <> 'done') AS unfinished FROM boards_taskdependency d "
    "JOIN boards_task o ON o.id = d.depends_on_id WHERE d.task_id = t.id) n ON TRUE"
)
#: Tags of a task as JSON text, in the order of assignment; nothing is looked up without any.
_TAGS = (
    "LEFT JOIN LATERAL (SELECT json_agg(json_build_object('id', g.id, 'name', g.name, "
    "'slug', g.slug, 'color', g.color) ORDER BY array_position(t.tag_ids, g.id))::text AS tags "
    "FROM boards_tag g WHERE t.tag_ids <> '{}' AND g.id = ANY(t.tag_ids)) k ON TRUE"
)
_AGENT = "LEFT JOIN agents_agent a ON a.id = t.assigned_agent_id"
#: Columns of a task in the order of ``reads.TASK_FIELDS``; times are text already. People name
#: whole seconds, so ``due_at`` looks as it does where a loaded row is shaped.
_TASK = ", ".join(
    f"replace({_ISO.format('t.due_at')}, '.000000Z', 'Z')"
    if name == "due_at"
    else _ISO.format(f"t.{name}")
    if name.endswith("_at")
    else f"t.{name}"
    for name in (
        "id", "board_id", "number", "key", "title", "description", "status", "rank", "priority",
        "due_at", "assigned_agent_id", "in_progress_at", "previous_in_progress_at",
        "first_in_progress_at", "review_at", "done_at", "reopened_at", "created_by_id",
        "created_by_agent_id", "auto_created", "auto_reason", "comments_count", "delivery",
        "delivery_detail", "version", "created_at", "updated_at",
    )
)  # fmt: skip
_COMMENT = "c.id, c.task_id, c.message, c.author_kind, c.author_id, c.author_name, " + ", ".join(
    _ISO.format(f"c.{name}") for name in ("created_at", "edited_at")
)
STATUS_ORDER = "array_position('{todo,in_progress,review,done}'::text[], t.status::text)"
PRIORITY_ORDER = (
    "coalesce(array_position('{critical,high,medium,low}'::text[], t.priority::text), 9)"
)
NEWEST = "t.created_at DESC, t.id DESC"
BOARD_ORDER = f"{STATUS_ORDER}, {PRIORITY_ORDER}, t.created_at DESC, t.id"


@dataclass(slots=True)
class Where:
    """Conditions of a statement with their parameters, joined by AND."""

    parts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, sql: str, *parameters: Any) -> Where:
        """One more condition."""
        self.parts.append(sql)
        self.parameters += parameters
        return self

    def visible(self, actor: Actor, right: Right = "read") -> Where:
        """Only boards (alias ``b``) that the actor may read or write."""
        sql, parameters = board_sql(actor, right, board="b")
        return self.add(sql, *parameters)

    @property
    def sql(self) -> str:
        """The conditions."""
        return " AND ".join(self.parts) or "TRUE"


def _fetch(sql: str, parameters: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[Row] = cursor.fetchall()
    return found


def tasks(
    where: Where, *, order: str = NEWEST, limit: int | None = None, offset: int = 0
) -> list[Row]:
    """Tasks (alias ``t``, their boards ``b``), each with six columns more.

    Name of the assignee, dependencies, unfinished ones, tags, values of custom fields, and the
    digest of the fields that the board asks for.
    """
    tail = f" LIMIT {int(limit)} OFFSET {int(offset)}" if limit is not None else ""
    return _fetch(
        f"SELECT {_TASK}, a.name, n.depends, n.unfinished, k.tags, t.custom_field_values, "  # noqa: S608
        f"b.custom_fields_digest FROM boards_task t "
        f"JOIN boards_board b ON b.id = t.board_id {_AGENT} {_NEEDS} {_TAGS} "
        f"WHERE {where.sql} ORDER BY {order}{tail}",
        where.parameters,
    )


def fields_of_boards(board_ids: Iterable[UUID]) -> list[tuple[UUID, str, list[dict[str, Any]]]]:
    """``(board_id, digest, custom fields)`` of some boards."""
    found = _fetch(
        "SELECT id, custom_fields_digest, custom_fields::text FROM boards_board WHERE id = ANY(%s)",
        [list(board_ids)],
    )
    return [(board_id, digest, orjson.loads(raw)) for board_id, digest, raw in found]


def tags_of(organization_id: UUID, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Tags of an organization by id, as tasks show them."""
    found = _fetch(
        "SELECT id, name, slug, color FROM boards_tag WHERE organization_id = %s AND id = ANY(%s)",
        [organization_id, list(ids)],
    )
    return {
        pk: {"id": str(pk), "name": name, "slug": slug, "color": color}
        for pk, name, slug, color in found
    }


def tag_counts(ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many tasks carry each of the tags; those without any are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    found = _fetch(
        "SELECT k.tag, count(*) FROM boards_task t, unnest(t.tag_ids) AS k(tag) "
        "WHERE t.tag_ids <> '{}' AND t.tag_ids && %s AND k.tag = ANY(%s) GROUP BY k.tag",
        [wanted, wanted],
    )
    return dict(found)


def count_tasks(where: Where) -> int:
    """How many tasks fit."""
    found = _fetch(
        "SELECT count(*) FROM boards_task t JOIN boards_board b ON b.id = t.board_id "  # noqa: S608
        f"WHERE {where.sql}",
        where.parameters,
    )
    return int(found[0][0])


def counts_by_status(board_ids: Iterable[UUID]) -> list[Row]:
    """``(board_id, status, count)`` of the tasks of some boards."""
    return _fetch(
        "SELECT board_id, status, count(*) FROM boards_task WHERE board_id = ANY(%s) GROUP BY 1, 2",
        [list(board_ids)],
    )


def approval_counts(board_id: UUID) -> dict[UUID, tuple[int, int]]:
    """Number of approvals, and of pending ones, of each task of a board that has any."""
    found = _fetch(
        "SELECT l.task_id, count(*), count(*) FILTER (WHERE a.status = 'pending') "
        "FROM governance_approvaltask l JOIN governance_approval a ON a.id = l.approval_id "
        "WHERE a.board_id = %s GROUP BY l.task_id",
        [board_id],
    )
    return {task_id: (total, pending) for task_id, total, pending in found}


def comments(task_id: UUID, *, limit: int, offset: int) -> list[Row]:
    """Comments of a task, oldest first, in the order of ``reads.COMMENT_FIELDS``."""
    return _fetch(
        f"SELECT {_COMMENT} FROM boards_taskcomment c WHERE c.task_id = %s "  # noqa: S608 - constants
        f"ORDER BY c.created_at, c.id LIMIT {int(limit)} OFFSET {int(offset)}",
        [task_id],
    )


def sees_board(actor: Actor, board_id: UUID) -> bool:
    """Whether the actor may read a board that exists."""
    where = Where().add("b.id = %s", board_id).visible(actor)
    sql = f"SELECT 1 FROM boards_board b WHERE {where.sql}"  # noqa: S608 - constants
    return bool(_fetch(sql, where.parameters))


def sees_task(actor: Actor, task_id: UUID, board_id: UUID | None) -> bool:
    """Whether the actor may read a task that exists (on that board)."""
    where = Where().add("t.id = %s", task_id).visible(actor)
    if board_id is not None:
        where.add("t.board_id = %s", board_id)
    return bool(
        _fetch(
            "SELECT 1 FROM boards_task t JOIN boards_board b ON b.id = t.board_id "  # noqa: S608
            f"WHERE {where.sql}",
            where.parameters,
        )
    )


# --- whole rows -----------------------------------------------------------------------------------


class _Columns:
    """Columns of a model, and which of them arrive as JSON text."""

    def __init__(self, model: type[models.Model], alias: str) -> None:
        fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented API
        self.model = model
        self.names = [f.attname for f in fields]
        self.sql = ", ".join(f"{alias}.{f.column}" for f in fields)
        self.json = [n for n, f in enumerate(fields) if isinstance(f, models.JSONField)]

    def load(self, row: Sequence[Any]) -> Any:
        """A model instance as the ORM would make it."""
        values = list(row[: len(self.names)])
        for place in self.json:
            if isinstance(values[place], str):
                values[place] = orjson.loads(values[place])
        return self.model.from_db(connection.alias, self.names, values)


_BOARD_ROW = _Columns(Board, "b")
_TASK_ROW = _Columns(Task, "t")


def board(actor: Actor, board_id: UUID) -> Board | None:
    """A readable board."""
    where = Where().add("b.id = %s", board_id).visible(actor)
    found = _fetch(
        f"SELECT {_BOARD_ROW.sql} FROM boards_board b WHERE {where.sql}",  # noqa: S608 - constants
        where.parameters,
    )
    row: Board | None = _BOARD_ROW.load(found[0]) if found else None
    return row


def lock_board_of(actor: Actor, task_id: UUID, board_id: UUID | None) -> Board | None:
    """The readable board of a task, locked against other changes."""
    where = Where().add("b.id = (SELECT board_id FROM boards_task WHERE id = %s)", task_id)
    if board_id is not None:
        where.add("b.id = %s", board_id)
    return _lock_board(where.visible(actor))


def lock_board(actor: Actor, board_id: UUID) -> Board | None:
    """A readable board, locked against other changes."""
    return _lock_board(Where().add("b.id = %s", board_id).visible(actor))


def _lock_board(where: Where) -> Board | None:
    found = _fetch(
        f"SELECT {_BOARD_ROW.sql} FROM boards_board b WHERE {where.sql} "  # noqa: S608 - constants
        "FOR NO KEY UPDATE OF b",
        where.parameters,
    )
    board: Board | None = _BOARD_ROW.load(found[0]) if found else None
    return board


def lock_task(task_id: UUID, board_id: UUID, *, for_delete: bool = False) -> Task | None:
    """A task of that board, locked.

    It carries ``dependency_ids``, ``unfinished_ids``, ``assignee_name`` and ``tags``.

    The board is locked already, so what the task waits for does not change meanwhile.
    """
    strength = "UPDATE" if for_delete else "NO KEY UPDATE"
    found = _fetch(
        f"SELECT {_TASK_ROW.sql}, a.name, n.depends, n.unfinished, k.tags FROM boards_task t "  # noqa: S608
        f"{_AGENT} {_NEEDS} {_TAGS} WHERE t.id = %s AND t.board_id = %s FOR {strength} OF t",
        [task_id, board_id],
    )
    if not found:
        return None
    task: Task = _TASK_ROW.load(found[0])
    name, depends, unfinished, tags = found[0][-4:]
    task.__dict__.update(
        tags=orjson.loads(tags) if tags else [],
        assignee_name=name,
        dependency_ids=[UUID(pk) for pk in ids_of(depends)],
        unfinished_ids=[UUID(pk) for pk in ids_of(unfinished)],
    )
    return task


def ids_of(joined: str | None) -> list[str]:
    """Ids of a joined text."""
    return joined.split(",") if joined else []


#: What a comment needs of its task; the rest is read only if somebody asks for it.
_SHORT = (
    "id", "organization_id", "board_id", "key", "title", "status", "assigned_agent_id",
    "created_by_agent_id", "comments_count",
)  # fmt: skip


def visible_task(actor: Actor, task_id: UUID, board_id: UUID | None) -> Task | None:
    """A readable task (on that board) with the columns of ``_SHORT``, not locked."""
    where = Where().add("t.id = %s", task_id).visible(actor)
    if board_id is not None:
        where.add("t.board_id = %s", board_id)
    found = _fetch(
        f"SELECT {', '.join(f't.{name}' for name in _SHORT)} FROM boards_task t "  # noqa: S608
        f"JOIN boards_board b ON b.id = t.board_id WHERE {where.sql}",
        where.parameters,
    )
    return Task.from_db(connection.alias, list(_SHORT), list(found[0])) if found else None


def open_duplicate(board_id: UUID, fingerprint: str) -> UUID | None:
    """An unfinished task of the board with the same fingerprint."""
    found = _fetch(
        "SELECT id FROM boards_task WHERE board_id = %s AND fingerprint = %s AND status <> 'done' "
        "ORDER BY created_at LIMIT 1",
        [board_id, fingerprint],
    )
    return found[0][0] if found else None


def take_number(board_id: UUID) -> int:
    """The board's next task number; the board is locked."""
    found = _fetch(
        "UPDATE boards_board SET next_task_number = next_task_number + 1 WHERE id = %s "
        "RETURNING next_task_number - 1",
        [board_id],
    )
    return int(found[0][0])


def insert_task(task: Task) -> None:
    """Store a new task."""
    task.created_at = task.updated_at = clock.now()
    values = [getattr(task, name) for name in _TASK_ROW.names]
    for place in _TASK_ROW.json:
        values[place] = orjson.dumps(values[place]).decode()
    marks = ", ".join(["%s"] * len(values))
    columns = _TASK_ROW.sql.replace("t.", "")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO boards_task ({columns}) VALUES ({marks})",  # noqa: S608 - own columns
            values,
        )
    state = task._state  # noqa: SLF001 - as the ORM leaves a saved row
    state.adding, state.db = False, connection.alias


def update_task(task_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of one task; names are column names, JSON comes encoded."""
    pairs = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE boards_task SET {pairs} WHERE id = %s",  # noqa: S608 - own column names
            [*values.values(), task_id],
        )


def insert_comment(comment: TaskComment) -> int:
    """Store a new comment and count it; returns the task's number of comments."""
    found = _fetch(
        "WITH said AS (INSERT INTO boards_taskcomment (id, created_at, updated_at, task_id, "
        "message, author_kind, author_id, author_name) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)) "
        "UPDATE boards_task SET comments_count = comments_count + 1 WHERE id = %s "
        "RETURNING comments_count",
        [
            comment.id, comment.created_at, comment.updated_at, comment.task_id, comment.message,
            comment.author_kind, comment.author_id, comment.author_name, comment.task_id,
        ],
    )  # fmt: skip
    return int(found[0][0]) if found else 0
