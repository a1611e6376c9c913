"""Tasks: lists, one task, assignment, relocation. The same views serve every address of a task."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from boards import reads, rows, rules, services
from boards.api import schemas
from boards.api.views.shared import (
    USER_AGENT,
    TaskRef,
    answer_page,
    prefix_of,
    require_board,
    resolve_task,
)
from boards.models import Task
from missioncontrol.kernel.actors import Kind, UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.errors import Invalid, NotFound

TAGS = ("tasks",)
#: A tag by its slug or id; an empty list is left out so that the partial index serves.
WITH_TAG = (
    "t.tag_ids <> '{}' AND t.tag_ids && ARRAY(SELECT g.id FROM boards_tag g "
    "WHERE g.slug = %s OR g.id::text = %s)"
)


def conditions(wanted: schemas.TaskFilter) -> rows.Where:
    """Conditions of a task list.

    Raises:
        Invalid: a status that does not exist.
    """
    where = rows.Where()
    if wanted.status:
        statuses = [rules.parse_status(part) for part in wanted.status.split(",")]
        if None in statuses:
            raise Invalid(
                _("Unsupported task status filter."),
                errors=[
                    {"loc": ["query", "status"], "msg": "unknown status", "type": "value_error"}
                ],
            )
        where.add("t.status = ANY(%s)", statuses)
    for sql, value in (
        ("t.assigned_agent_id = %s", wanted.assigned_agent_id),
        ("t.priority = %s", wanted.priority),
        ("t.due_at < %s", wanted.due_before),
        ("t.updated_at >= %s", wanted.updated_since),
        ("t.board_id = %s", wanted.board_id),
        ("(t.assigned_agent_id IS NULL) = %s", wanted.unassigned),
    ):
        if value is not None:
            where.add(sql, value)
    if wanted.tag:
        where.add(WITH_TAG, wanted.tag, wanted.tag)
    if wanted.q and wanted.q.strip():
        text = wanted.q.strip()
        pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where.add("(t.title ILIKE %s OR t.key = %s)", pattern, text.upper())
    return where


def changes_of(body: schemas.TaskFields) -> dict[str, Any]:
    """Fields that the caller sent, by the service's names."""
    given = body.given()
    given.pop("created_by_user_id", None)
    if "dependencies" in given:
        given["depends_on_task_ids"] = given.pop("dependencies")
    return given


def answer_task(task: Task, **extra: Any) -> Response:
    """A task with its version."""
    return ok(reads.task_of(task), version=task.version, **extra)


class TaskListView(ApiView):
    """Tasks of a board, or of every readable board of the active organization."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Tasks, newest first", response=schemas.TaskPage)
    def get(self, request: Request, board_id: UUID | None = None) -> Response:
        """List."""
        where = conditions(self.query(schemas.TaskFilter))
        if board_id is not None:
            require_board(self.actor, board_id)
            where.add("t.board_id = %s", board_id)
        else:
            where.visible(self.actor)
            if isinstance(self.actor, UserActor):
                where.add("t.organization_id = %s", self.actor.organization_id)
        return answer_page(
            self,
            lambda limit, offset: reads.select(where, limit=limit, offset=offset),
            lambda: rows.count_tasks(where),
        )

    @operation(tags=TAGS, summary="Create a task", request=schemas.TaskIn, response=schemas.TaskOut)
    def post(self, request: Request, board_id: UUID | None = None) -> Response:
        """Create."""
        body = self.read(schemas.TaskIn)
        inputs = changes_of(body)
        named = inputs.pop("board_id", None)
        if board_id is None and named is None:
            raise Invalid(_("Say on which board: board_id."), field="board_id", code="missing")
        if board_id is not None and named not in (None, board_id):
            raise Invalid(_("The address names another board than the body."), field="board_id")
        for name in ("depends_on_task_ids", "tag_ids"):
            if inputs.get(name, ()) is None:
                inputs[name] = ()
        task = services.create_task(self.actor, board_id or named, **inputs)
        return answer_task(task, location=f"{prefix_of(self)}/tasks/{task.pk}")


class TaskView(ApiView):
    """One task, by id or key, flat or below its board."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="A task", response=schemas.TaskOut)
    def get(self, request: Request, task_ref: TaskRef, board_id: UUID | None = None) -> Response:
        """Read."""
        where = rows.Where().add("t.id = %s", resolve_task(self.actor, task_ref, board_id))
        if board_id is not None:
            where.add("t.board_id = %s", board_id)
        found = reads.card(where.visible(self.actor))
        if found is None:
            raise NotFound
        return ok(found, version=found["version"])

    @operation(
        tags=TAGS, summary="Change a task", request=schemas.TaskPatch, response=schemas.TaskOut
    )
    def patch(self, request: Request, task_ref: TaskRef, board_id: UUID | None = None) -> Response:
        """Change the fields sent; with a comment in the same step."""
        changes = changes_of(self.read(schemas.TaskPatch))
        comment = changes.pop("comment", None)
        task = services.update_task(
            self.actor,
            resolve_task(self.actor, task_ref, board_id),
            changes=changes,
            comment=comment,
            expected_version=self.expected_version(),
            board_id=board_id,
            acting_for=request.META.get("HTTP_X_ACTING_FOR", "").strip().lower(),
        )
        return answer_task(task)

    @operation(tags=TAGS, summary="Delete a task")
    def delete(self, request: Request, task_ref: TaskRef, board_id: UUID | None = None) -> Response:
        """Delete."""
        services.delete_task(
            self.actor,
            resolve_task(self.actor, task_ref, board_id),
            board_id=board_id,
            expected_version=self.expected_version(),
        )
        return done()


class AssignView(ApiView):
    """Give a task to an agent."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS,
        summary="Assign a task, or take it away with null",
        request=schemas.Assignment,
        response=schemas.TaskOut,
    )
    def post(self, request: Request, task_ref: TaskRef) -> Response:
        """Assign."""
        body = self.read(schemas.Assignment)
        task = services.assign_task(
            self.actor,
            resolve_task(self.actor, task_ref),
            agent_id=body.wanted,
            expected_version=self.expected_version(),
        )
        return answer_task(task)


class RelocateView(ApiView):
    """Move a task to another board."""

    @operation(
        tags=TAGS,
        summary="Move a task to another board",
        request=schemas.Relocation,
        response=schemas.TaskOut,
    )
    def post(self, request: Request, task_ref: TaskRef) -> Response:
        """Relocate."""
        body = self.read(schemas.Relocation)
        task = services.relocate_task(
            self.actor,
            resolve_task(self.actor, task_ref),
            board_id=body.board_id,
            expected_version=self.expected_version(),
        )
        return answer_task(task)
