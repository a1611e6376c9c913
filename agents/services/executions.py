"""Executions: a run of a task that was asked for, sent to an agent, reported back by it.

Source: core specification 10.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions
from agents.models import Agent, Execution
from boards import services as boards
from boards.models import Board, Task
from gateways.models import Gateway
from governance import gates
from missioncontrol.kernel import authz, clock, jobs
from missioncontrol.kernel.actors import Actor, AgentActor, SystemActor
from missioncontrol.kernel.errors import Blocked, Conflict, Invalid, NotFound
from missioncontrol.kernel.unit import service

from . import notifications

Status = Execution.Status
ACTIVE = (Status.WAITING, Status.QUEUED, Status.RUNNING)
UNDISPATCHED = (Status.WAITING, Status.QUEUED)
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
WAIT_FOR_TARGET = timedelta(hours=24)
MAX_PARAMETERS_BYTES = 64 * 1024
#: What an agent may report, and from which states.
REPORTS: Mapping[str, tuple[str, ...]] = {
    Status.RUNNING: (Status.QUEUED, Status.RUNNING),
    Status.SUCCEEDED: (Status.QUEUED, Status.RUNNING),
    Status.FAILED: (Status.QUEUED, Status.RUNNING),
}


def undispatched() -> models.QuerySet[Execution]:
    """Executions that were not sent to an agent yet."""
    return Execution.objects.filter(status__in=UNDISPATCHED, started_at__isnull=True)


def _note(name: str, actor: Actor, execution: Execution, **data: Any) -> None:
    task = execution.task
    publish(
        name,
        actor=actor,
        target=execution,
        organization_id=execution.organization_id,
        board_id=task.board_id,
        task_id=task.id,
        agent_id=execution.agent_id,
        data={
            "execution_id": str(execution.id),
            "task_id": str(task.id),
            "status": execution.status,
            "gateway_id": str(execution.gateway_id) if execution.gateway_id else None,
            **data,
        },
    )


@service
def execute_task(
    actor: Actor,
    task_id: UUID,
    *,
    parameters: Mapping[str, Any] | None = None,
    gateway_id: UUID | None = None,
) -> Execution:
    """Ask that an agent runs the task now.

    Raises:
        Invalid: the parameters are too large.
        NotFound: task or gateway not visible.
        Forbidden: no right to write on the board.
        Conflict: blocked, ``board_paused``, ``task_done``, ``approval_pending``,
            ``approval_rejected``, ``execution_active``.
    """
    given = dict(parameters or {})
    if len(orjson.dumps(given, default=str)) > MAX_PARAMETERS_BYTES:
        raise Invalid(_("The parameters are larger than 64 KiB."), field="parameters")
    seen: Task = Task.objects.seen_by(actor, task_id)
    board: Board = Board.objects.open_for(actor, seen.board_id)
    task: Task = Task.objects.open_for(actor, seen.id)
    authz.authorize(actor, actions.EXECUTE, task)
    gateway = _gateway(actor, gateway_id, task.organization_id)
    _require_runnable(board, task)
    execution = Execution(
        organization_id=task.organization_id,
        task=task,
        gateway=gateway,
        requested_by_kind=actor.kind,
        requested_by_id=actor.id,
        requested_by_name=actor.name[:200],
        parameters=given,
        title=f"{task.key} {task.title}"[:500],
        approval_id=_newest_approval(task),
    )
    agent = find_agent(execution, board, task)
    if agent is not None:
        execution.agent, execution.gateway_id = agent, agent.gateway_id
        execution.status = Status.QUEUED
    try:
        with transaction.atomic():
            execution.save(force_insert=True)
    except IntegrityError as error:
        raise _active(task) from error
    _note("execution.created", actor, execution)
    _enqueue(execution.id)
    return execution


def _gateway(actor: Actor, gateway_id: UUID | None, organization_id: UUID) -> Gateway | None:
    if gateway_id is None:
        return None
    gateway: Gateway = Gateway.objects.seen_by(actor, gateway_id)
    if gateway.organization_id != organization_id:
        raise NotFound
    return gateway


def _require_runnable(board: Board, task: Task) -> None:
    unfinished = [
        str(pk)
        for pk in task.dependency_links.exclude(depends_on__status=Task.Status.DONE).values_list(
            "depends_on_id", flat=True
        )
    ]
    if unfinished:
        raise Blocked(
            _("Task is blocked by incomplete dependencies."),
            code="task_blocked_cannot_transition",
            blocked_by_task_ids=unfinished,
        )
    if board.paused:
        raise Conflict(_("The board is paused. Resume it first."), code="board_paused")
    if task.status == Task.Status.DONE:
        raise Conflict(_("The task is done already."), code="task_done")
    newest = gates.newest_for(task.id)
    if newest is not None and newest[0] in ("pending", "rejected"):
        raise Conflict(
            _("An approval of this task is %(status)s.") % {"status": newest[0]},
            code=f"approval_{newest[0]}",
            approval_id=str(newest[1]),
        )
    if Execution.objects.filter(task=task, status__in=ACTIVE).exists():
        raise _active(task)


def _active(task: Task) -> Conflict:
    found = (
        Execution.objects.filter(task=task, status__in=ACTIVE).values_list("pk", flat=True).first()
    )
    return Conflict(
        _("This task already has an execution under way."),
        code="execution_active",
        execution_id=str(found) if found else None,
    )


def _newest_approval(task: Task) -> UUID | None:
    newest = gates.newest_for(task.id)
    return UUID(str(newest[1])) if newest is not None else None


def find_agent(execution: Execution, board: Board, task: Task) -> Agent | None:
    """Who runs it: the given gateway's agent, else the assignee, else the lead (core 10.9)."""
    usable: models.QuerySet[Agent] = Agent.objects.filter(
        organization_id=execution.organization_id, gateway__isnull=False
    ).exclude(status__in=[Agent.Status.DELETING, Agent.Status.PAUSED])
    if execution.gateway_id is not None:
        usable = usable.filter(gateway_id=execution.gateway_id)
    assignee = usable.filter(pk=task.assigned_agent_id).first() if task.assigned_agent_id else None
    if assignee is not None:
        return assignee
    lead = usable.filter(board=board, agent_type=Agent.Type.LEAD).first()
    if lead is not None or execution.gateway_id is None:
        return lead
    return usable.filter(agent_type=Agent.Type.MAIN).first()


def _enqueue(execution_id: UUID) -> None:
    from agents import jobs as own

    jobs.enqueue(own.dispatch_execution, execution_id)


@service
def dispatch_execution(execution_id: UUID) -> bool:
    """Give a waiting execution its agent and the agent its message; the task starts.

    Raises:
        DomainError: a gate of the board refuses to start the task.
    """
    row = Execution.objects.filter(pk=execution_id).select_related("task").first()
    if row is None or row.status not in UNDISPATCHED:
        return False
    who = SystemActor("execution", row.organization_id)
    board: Board = Board.objects.open_for(who, row.task.board_id)
    task: Task = Task.objects.open_for(who, row.task_id)
    execution = _lock(execution_id)
    if execution is None or execution.status not in UNDISPATCHED or execution.started_at:
        return False
    agent = execution.agent or find_agent(execution, board, task)
    if agent is None or agent.gateway_id is None or board.paused:
        return False
    if task.status == Task.Status.TODO:
        boards.update_task(who, task.id, changes={"status": Task.Status.IN_PROGRESS})
    execution.agent, execution.gateway_id = agent, agent.gateway_id
    execution.status = Status.QUEUED
    execution.started_at = clock.now()
    execution.version += 1
    execution.save(
        update_fields=["agent", "gateway", "status", "started_at", "version", "updated_at"]
    )
    notifications.notify(agent, _message(execution, board, task))
    _note("execution.dispatched", who, execution, agent=agent.name)
    return True


def _message(execution: Execution, board: Board, task: Task) -> notifications.Message:
    parameters = orjson.dumps(
        execution.parameters, option=orjson.OPT_INDENT_2, default=str
    ).decode()
    return notifications.Message(
        kind=notifications.Kind.EXECUTION,
        head="TASK EXECUTION",
        facts=[
            ("Execution id", execution.id),
            ("Board", f"{board.name} ({board.id})"),
            ("Task", f"{task.key} {task.title}"),
            ("Task id", task.id),
            ("Status", task.status),
            ("Description", task.description),
        ],
        block=f"```json\n{parameters}\n```" if execution.parameters else "",
        action=(
            "Take action now: read AGENTS.md, report this execution as running, do the task with "
            "these parameters, then report succeeded or failed."
        ),
        task_id=task.id,
        execution_id=execution.id,
        event_id=execution.id,
    )


def _lock(execution_id: UUID) -> Execution | None:
    return (
        Execution.objects.select_for_update(of=("self",), no_key=True)
        .select_related("task")
        .filter(pk=execution_id)
        .first()
    )


@service
def report_execution(
    actor: AgentActor,
    execution_id: UUID,
    *,
    status: str,
    output: Any = None,
    error: str | None = None,
) -> Execution:
    """The agent tells how its execution goes; a repeat of the last word changes nothing.

    Raises:
        Invalid: another word than running, succeeded, failed.
        NotFound: not this agent's execution.
        Conflict: ended already.
    """
    if status not in REPORTS:
        raise Invalid(_("Report running, succeeded or failed."), field="status")
    execution = _lock(execution_id)
    if execution is None or execution.agent_id != actor.id:
        raise NotFound
    authz.authorize(actor, actions.REPORT_EXECUTION, execution.task)
    if execution.status == status and status in ENDED:
        return execution
    if execution.status not in REPORTS[status]:
        raise Conflict(
            _("This execution is %(status)s.") % {"status": execution.status},
            code="execution_ended",
        )
    before = execution.status
    execution.status = status
    execution.output = output if output is not None else execution.output
    execution.error = error or None
    if status in ENDED:
        execution.finished_at = clock.now()
    execution.version += 1
    execution.save(
        update_fields=["status", "output", "error", "finished_at", "version", "updated_at"]
    )
    if before != status:
        _note(f"execution.{status}", actor, execution, agent=actor.name, reason=(error or "")[:300])
    return execution


@service
def cancel_execution(actor: Actor, execution_id: UUID) -> Execution:
    """Stop waiting for an execution. The agent is not interrupted; its report is refused.

    Raises:
        NotFound: not visible.
        Forbidden: no right to write on the board.
        Conflict: ended already.
    """
    seen = Execution.objects.filter(pk=execution_id).select_related("task").first()
    if seen is None:
        raise NotFound
    task: Task = Task.objects.seen_by(actor, seen.task_id)
    authz.authorize(actor, actions.CANCEL_EXECUTION, task)
    execution = _lock(execution_id)
    if execution is None:
        raise NotFound
    if execution.status == Status.CANCELLED:
        return execution
    if execution.status in ENDED:
        raise Conflict(_("This execution has ended."), code="execution_ended")
    _end(execution, Status.CANCELLED)
    notifications.withdraw(execution.id)
    _note("execution.cancelled", actor, execution)
    return execution


@service
def record_failed(execution_id: UUID, *, reason: str) -> bool:
    """An execution that cannot go on: no target, a gate, or a message that never arrived."""
    execution = _lock(execution_id)
    if execution is None or execution.status in ENDED:
        return False
    execution.error = reason[:2000]
    _end(execution, Status.FAILED)
    who = SystemActor("execution", execution.organization_id)
    _note("execution.failed", who, execution, reason=reason[:300])
    return True


def _end(execution: Execution, status: str) -> None:
    execution.status, execution.finished_at = status, clock.now()
    execution.version += 1
    execution.save(update_fields=["status", "error", "finished_at", "version", "updated_at"])


def fail_without_target() -> int:
    """End executions that found no agent within 24 hours."""
    old = Execution.objects.filter(
        status=Status.WAITING, created_at__lt=clock.now() - WAIT_FOR_TARGET
    ).values_list("pk", flat=True)
    return sum(int(record_failed(pk, reason="no_target")) for pk in list(old[:100]))


def look_for_targets(organization_id: UUID) -> None:
    """An agent appeared: waiting executions of the organization are tried now."""
    rows = Execution.objects.filter(organization_id=organization_id, status=Status.WAITING)
    rows.update(next_attempt_at=None)
    for pk in list(rows.values_list("pk", flat=True)[:100]):
        _enqueue(pk)
