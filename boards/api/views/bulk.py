"""One change for many tasks of a board."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from boards import reads
from boards.api import label_schemas as schemas
from boards.api.views.shared import USER_AGENT
from boards.models import Task
from boards.services import bulk
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation


def shape(outcome: bulk.Outcome, tasks: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    """What became of one task."""
    refusal = outcome.refusal
    return {
        "task_id": outcome.task_id,
        "ok": refusal is None,
        "task": tasks.get(outcome.task_id),
        "error": None
        if refusal is None
        else {
            "status": refusal.status,
            "code": refusal.machine_code,
            "detail": str(refusal.detail),
            **refusal.extra,
        },
    }


class BulkView(ApiView):
    """Status, assignee, priority, tags or deletion of up to 200 tasks."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=("tasks",),
        summary="Change many tasks of a board",
        request=schemas.BulkIn,
        response=schemas.BulkOut,
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Change each by itself; a refused one leaves the others alone."""
        body = self.read(schemas.BulkIn)
        outcomes = bulk.change_tasks(
            self.actor, board_id, task_ids=body.ids, change=body.change.given(),
            comment=body.comment,
        )  # fmt: skip
        changed = [found.task_id for found in outcomes if found.task is not None]
        shapes = reads.tasks(Task.objects.filter(pk__in=changed))
        tasks = {task["id"]: task for task in shapes}
        refused = sum(found.refusal is not None for found in outcomes)
        return ok(
            {
                "changed": len(outcomes) - refused,
                "refused": refused,
                "results": [shape(found, tasks) for found in outcomes],
            }
        )
