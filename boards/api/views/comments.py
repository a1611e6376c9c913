"""Comments of a task."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from boards import reads, rows, services
from boards.api import schemas
from boards.api.views.shared import USER_AGENT, TaskRef, answer_page, resolve_task
from boards.models import TaskComment
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.errors import NotFound

TAGS = ("comments",)


class CommentListView(ApiView):
    """Comments of a task, oldest first."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Comments, oldest first", response=schemas.CommentPage)
    def get(self, request: Request, task_ref: TaskRef, board_id: UUID | None = None) -> Response:
        """List."""
        pk = resolve_task(self.actor, task_ref, board_id)
        if not rows.sees_task(self.actor, pk, board_id):
            raise NotFound
        return answer_page(
            self,
            lambda limit, offset: [
                reads.shape_comment(row) for row in rows.comments(pk, limit=limit, offset=offset)
            ],
            lambda: TaskComment.objects.filter(task_id=pk).count(),
        )

    @operation(tags=TAGS, summary="Comment", request=schemas.CommentIn, response=schemas.CommentOut)
    def post(self, request: Request, task_ref: TaskRef, board_id: UUID | None = None) -> Response:
        """Create."""
        body = self.read(schemas.CommentIn)
        comment = services.add_comment(
            self.actor,
            resolve_task(self.actor, task_ref, board_id),
            message=body.message,
            board_id=board_id,
        )
        return ok(reads.comment_of(comment), location=f"{request.path}/{comment.pk}")


class CommentView(ApiView):
    """One comment."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS,
        summary="Correct an own comment within 15 minutes",
        request=schemas.CommentIn,
        response=schemas.CommentOut,
    )
    def patch(
        self, request: Request, task_ref: TaskRef, comment_id: UUID, board_id: UUID | None = None
    ) -> Response:
        """Edit."""
        comment = services.edit_comment(
            self.actor,
            resolve_task(self.actor, task_ref, board_id),
            comment_id,
            message=self.read(schemas.CommentIn).message,
            board_id=board_id,
        )
        return ok(reads.comment_of(comment))

    @operation(tags=TAGS, summary="Delete an own comment, or as an admin any")
    def delete(
        self, request: Request, task_ref: TaskRef, comment_id: UUID, board_id: UUID | None = None
    ) -> Response:
        """Delete."""
        services.delete_comment(
            self.actor,
            resolve_task(self.actor, task_ref, board_id),
            comment_id,
            board_id=board_id,
        )
        return done()
