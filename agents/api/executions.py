"""Executions for people and scripts."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from agents import services
from agents.api import schemas, shapes
from agents.models import Execution
from boards.api.views.agent import ALL, for_agents
from boards.api.views.shared import TaskRef, resolve_task
from missioncontrol.kernel.actors import Actor, Kind, UserActor
from missioncontrol.kernel.api import ApiView, ok, operation, uuid_query
from missioncontrol.kernel.errors import Invalid, NotFound

TAGS = ("executions",)
ACCEPTED = 202


class ExecuteTaskView(ApiView):
    """Run a task now."""

    @operation(
        tags=TAGS,
        summary="Run a task",
        request=schemas.Execute,
        response={ACCEPTED: schemas.ExecutionOut},
    )
    def post(self, request: Request, task_ref: TaskRef) -> Response:
        """Asked of the assignee, else the lead; without an agent it waits."""
        body = self.read(schemas.Execute)
        task_id = resolve_task(self.user, task_ref)
        return accepted(services.execute_task(self.user, task_id, parameters=body.parameters))


class ExecuteOnGatewayView(ApiView):
    """Run a task on one gateway."""

    @operation(
        tags=TAGS, summary="Run a task on a gateway", request=schemas.GatewayExecute,
        response={ACCEPTED: schemas.ExecutionOut},
    )  # fmt: skip
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """By the assignee if it lives there, else the lead, else the gateway's own agent."""
        body = self.read(schemas.GatewayExecute)
        execution = services.execute_task(
            self.user, body.task_id, parameters=body.parameters, gateway_id=gateway_id
        )
        return accepted(execution)


def accepted(execution: Execution) -> Response:
    """The answer to an accepted request."""
    return ok(
        shapes.execution(execution),
        status=ACCEPTED,
        version=execution.version,
        location=f"/api/v1/executions/{execution.id}",
    )


class ExecutionListView(ApiView):
    """Executions, newest first."""

    @operation(tags=TAGS, summary="List executions", response=list[schemas.ExecutionOut])
    def get(self, request: Request) -> Response:
        """Filtered by task, gateway, agent and status."""
        query = request.GET
        rows = Execution.objects.visible_to(self.actor)
        if isinstance(self.actor, UserActor) and not query.get("task_id"):
            rows = rows.filter(organization=self.actor.organization_id)
        wanted: dict[str, Any] = {
            name: uuid_query(query, name) for name in ("task_id", "gateway_id", "agent_id")
        }
        if query.get("status"):
            if query["status"] not in Execution.Status.values:
                raise Invalid(_("Unsupported execution status filter."), field="status")
            wanted["status"] = query["status"]
        rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
        return self.listing(rows.newest_first(), shapes.execution)


def seen(actor: Actor, execution_id: UUID) -> Execution:
    """One execution of a readable task.

    Raises:
        NotFound: absent or invisible.
    """
    found: Execution | None = Execution.objects.visible_to(actor).filter(pk=execution_id).first()
    if found is None:
        raise NotFound
    return found


class ExecutionView(ApiView):
    """One execution."""

    @operation(tags=TAGS, summary="Read an execution", response=schemas.ExecutionOut)
    def get(self, request: Request, execution_id: UUID) -> Response:
        """State, output and error."""
        row = seen(self.actor, execution_id)
        return ok(shapes.execution(row), version=row.version)


class CancelView(ApiView):
    """Stop waiting for an execution."""

    @operation(tags=TAGS, summary="Cancel an execution", response=schemas.ExecutionOut)
    def post(self, request: Request, execution_id: UUID) -> Response:
        """It is cancelled here; later reports of the agent are refused."""
        row = services.cancel_execution(self.user, execution_id)
        return ok(shapes.execution(row), version=row.version)


class ReportView(ApiView):
    """An agent reports on its execution."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"agent"})

    @for_agents(
        "agent_report_execution",
        ALL,
        intent="execution_report",
        use="Say how the execution that you were asked to run goes, and how it ended",
        avoid="Do not report on executions of others; write a comment instead",
        effects=("The execution's state changes",),
        request=schemas.Report,
        response=schemas.ExecutionOut,
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        """Running, succeeded with an output, or failed with an error."""
        body = self.read(schemas.Report)
        row = services.report_execution(
            self.agent, execution_id, status=body.status, output=body.output, error=body.error
        )
        return ok(shapes.execution(row), version=row.version)
