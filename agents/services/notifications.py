"""Messages to agents: rendered once, stored, sent by a leased job, resent verbatim (ruling 25).

The row's id is the idempotency key on the gateway. What becomes of a message that names a task is
shown on the task: waiting, delivered, working, delivered without an answer, failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q

from agents import rules, workspace
from agents.models import Agent, AgentNotification
from boards import services as boards
from boards.models import Task
from missioncontrol.kernel import clock, jobs
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.unit import service

from . import told

State, Kind = AgentNotification.State, AgentNotification.Kind
KEEP_TRYING = timedelta(hours=24)
#: Kinds whose fate is shown on the task.
ON_TASK = (Kind.TASK_ASSIGNED, Kind.TASK_REWORK, Kind.EXECUTION)
MOST_CARRIED = 5


@dataclass(frozen=True, slots=True)
class Message:
    """What an agent is told and why; ``event_id`` makes a repeat harmless.

    ``verbatim`` is sent as it stands, in place of a text around head and facts.
    """

    kind: str
    head: str
    facts: Sequence[tuple[str, Any]]
    action: str
    quote: str = ""
    quote_most: int = workspace.QUOTE_CHARS
    block: str = ""
    verbatim: str = ""
    event_id: UUID | None = None
    task_id: UUID | None = None
    approval_id: UUID | None = None
    execution_id: UUID | None = None


@service
def notify(agent: Agent, message: Message) -> AgentNotification | None:
    """Store a message for delivery; agents without a gateway are skipped silently."""
    if agent.gateway_id is None or agent.status in (Agent.Status.DRAFT, Agent.Status.DELETING):
        return None
    text = message.verbatim or workspace.message_text(
        agent,
        head=message.head,
        facts=message.facts,
        action=message.action,
        quote=message.quote,
        quote_most=message.quote_most,
        block=message.block,
    )
    values = {
        "organization_id": agent.organization_id,
        "text": text,
        "task_id": message.task_id,
        "approval_id": message.approval_id,
        "execution_id": message.execution_id,
    }
    if message.event_id is None:
        row, fresh = (
            AgentNotification.objects.create(agent=agent, kind=message.kind, **values),
            True,
        )
    else:
        row, fresh = AgentNotification.objects.get_or_create(
            agent=agent, kind=message.kind, event_id=message.event_id, defaults=values
        )
    if fresh:
        show_on_task(row, agent, "waiting")
        enqueue(row.id)
    return row


def enqueue(notification_id: UUID) -> None:
    """Wake a worker for one message; the sweep finds it anyway."""
    from agents import jobs as own

    jobs.enqueue(own.deliver_notification, notification_id)


def show_on_task(row: AgentNotification, agent: Agent, state: str, *, reason: str = "") -> None:
    """Show on the task, and tell, what became of the message that gave it to the agent."""
    if row.task_id is None or row.kind not in ON_TASK:
        return
    if not Task.objects.filter(pk=row.task_id).exists():
        return
    detail = reason[:300] or agent.name
    who = SystemActor("agent messages", row.organization_id)
    boards.record_delivery(who, row.task_id, state=state, detail=detail)
    name = "task.unanswered" if state == "unanswered" else told.name_of(row.kind, state)
    if name:
        changes = {"delivery": state, "delivery_detail": detail}
        told.tell_task(row, agent, name, reason=reason[:300], changes=changes)


def make_due(agent: Agent) -> None:
    """Try the agent's waiting messages now: it was set up, resumed, or its gateway is back."""
    waiting = AgentNotification.objects.filter(agent=agent, state=State.WAITING)
    waiting.update(next_attempt_at=None)
    for pk in waiting.order_by("created_at").values_list("pk", flat=True)[:50]:
        enqueue(pk)


def _locked(notification_id: UUID, *states: str) -> AgentNotification | None:
    return (
        AgentNotification.objects.select_for_update(of=("self",), no_key=True)
        .select_related("agent")
        .filter(pk=notification_id, state__in=states)
        .first()
    )


@service
def take_turn(notification_id: UUID, *, kind: str, seconds_apart: float) -> float:
    """Let messages of a kind go out one after the other, whichever workers send them.

    Returns:
        Seconds until the next turn; 0 when this message takes its turn now.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"agents.turn.{kind}"])
    now = clock.now()
    taken = AgentNotification.objects.filter(
        kind=kind, sent_at__gt=now - timedelta(seconds=seconds_apart)
    ).exclude(pk=notification_id)
    newest = taken.aggregate(at=Max("sent_at"))["at"]
    if newest is not None:
        left: float = (newest - now).total_seconds() + seconds_apart
        return max(0.1, left)
    AgentNotification.objects.filter(pk=notification_id).update(sent_at=now)
    return 0.0


def expect_answer(agent_id: UUID) -> datetime:
    """Let the agent's next call be written down at once; it may come before the sending ends."""
    now = clock.now()
    Agent.objects.filter(pk=agent_id).update(awaiting_answer_since=now)
    return now


@service
def record_sent(notification_id: UUID, *, started_at: datetime) -> bool:
    """The gateway took the message; the agent's first call after ``started_at`` is its answer."""
    row = AgentNotification.objects.select_related("agent").filter(pk=notification_id).first()
    if row is None or row.state != State.WAITING:
        return False
    show_on_task(row, row.agent, "delivered")
    # Under the agent's lock: a call of it either is seen here, or sees the message as sent.
    agents = Agent.objects.select_for_update(of=("self",), no_key=True).filter(pk=row.agent_id)
    seen = agents.values_list("last_seen_at", flat=True).first()
    is_answered = seen is not None and seen >= started_at
    if is_answered:
        show_on_task(row, row.agent, "working")
    now = clock.now()
    taken = AgentNotification.objects.filter(pk=row.pk, state=State.WAITING).update(
        state=State.ANSWERED if is_answered else State.SENT,
        sent_at=started_at,
        answer_deadline_at=now + rules.ANSWER_WITHIN,
        last_error="",
        updated_at=now,
    )
    if taken:
        _tell(row, "delivered")
        if row.kind in ON_TASK and not is_answered:
            _await_check_in(row)
    return bool(taken)


def _await_check_in(row: AgentNotification) -> None:
    """Work for an agent that is not there is a wake too: it has to check in (core 10.7)."""
    agent = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=row.agent_id, work=Agent.Work.NONE)
        .first()
    )
    now = clock.now()
    if agent is None or not _is_away(agent):
        return
    agent.work, agent.work_options = Agent.Work.AWAIT_CHECK_IN, {}
    agent.wake_attempts, agent.attempts = 1, 0
    agent.last_wake_sent_at = now
    agent.checkin_deadline_at = agent.next_attempt_at = now + rules.CHECK_IN_WITHIN
    agent.lifecycle_generation += 1
    agent.save(
        update_fields=[
            "work", "work_options", "wake_attempts", "attempts", "last_wake_sent_at",
            "checkin_deadline_at", "next_attempt_at", "lifecycle_generation", "updated_at",
        ]
    )  # fmt: skip
    told.tell_task(row, agent, "task.woken")


@service
def record_answered(notification_id: UUID) -> None:
    """A call that came while the message was being written down counts as its answer."""
    row = _locked(notification_id, State.SENT)
    if row is not None:
        row.state = State.ANSWERED
        row.save(update_fields=["state", "updated_at"])
        show_on_task(row, row.agent, "working")


@service
def record_not_sent(notification_id: UUID, *, reason: str, is_final: bool) -> None:
    """A try failed; the last one is shown, and a decision goes into the next heartbeat prompt."""
    row = _locked(notification_id, State.WAITING)
    if row is None:
        return
    row.last_error = reason[: rules.MAX_ERROR_CHARS]
    if is_final:
        row.state = State.FAILED
    row.save(update_fields=["last_error", "state", "updated_at"])
    if not is_final:
        return
    _tell_failed(row, reason)


@service
def record_unanswered(notification_id: UUID) -> bool:
    """The deadline passed without a call of the agent."""
    row = _locked(notification_id, State.SENT)
    if row is None:
        return False
    row.state = State.UNANSWERED
    row.save(update_fields=["state", "updated_at"])
    show_on_task(row, row.agent, "unanswered")
    if row.kind == Kind.APPROVAL_RESOLVED:
        Agent.objects.filter(pk=row.agent_id).update(heartbeat_sync_pending=True)
    return True


@service
def record_run_failed(notification_id: UUID, *, reason: str) -> bool:
    """The agent's run on this message ended in an error of its model or gateway."""
    row = _locked(notification_id, State.SENT)
    if row is None:
        return False
    row.state, row.last_error = State.FAILED, reason[: rules.MAX_ERROR_CHARS]
    row.save(update_fields=["state", "last_error", "updated_at"])
    _tell_failed(row, reason)
    return True


def _tell_failed(row: AgentNotification, reason: str) -> None:
    from . import executions

    show_on_task(row, row.agent, "failed", reason=reason)
    _tell(row, "failed", reason=reason[:300])
    if row.kind == Kind.TASK_ASSIGNED and _is_away(row.agent):
        told.tell_task(row, row.agent, "task.wake_failed", reason=reason[:300])
    if row.kind == Kind.APPROVAL_RESOLVED:
        Agent.objects.filter(pk=row.agent_id).update(heartbeat_sync_pending=True)
    if row.kind == Kind.EXECUTION and row.execution_id is not None:
        executions.record_failed(row.execution_id, reason=f"message not delivered: {reason}")


@service
def withdraw(execution_id: UUID) -> None:
    """Do not send the message of an execution that was cancelled."""
    AgentNotification.objects.filter(execution_id=execution_id, state=State.WAITING).update(
        state=State.SKIPPED, updated_at=clock.now()
    )


@service
def postpone(notification_id: UUID, *, seconds: float) -> None:
    """Give an unanswered message more time: a run of its session is active."""
    AgentNotification.objects.filter(pk=notification_id, state=State.SENT).update(
        answer_deadline_at=clock.now() + timedelta(seconds=seconds), updated_at=clock.now()
    )


def _tell(row: AgentNotification, outcome: str, *, reason: str = "") -> None:
    """Publish what became of a message that no task shows."""
    if row.kind not in ON_TASK:
        told.tell(row, row.agent, outcome, reason=reason)


def _is_away(agent: Agent) -> bool:
    """Whether people see the agent as not there."""
    return rules.displayed(agent, now=clock.now()) in ("offline", "provisioning")


# --- decisions that did not arrive (ruling 27) ----------------------------------------------------


def _undelivered(agent: Agent) -> Any:
    return AgentNotification.objects.filter(
        Q(state=State.FAILED) | Q(state=State.UNANSWERED),
        agent=agent,
        kind=Kind.APPROVAL_RESOLVED,
        created_at__gte=clock.now() - KEEP_TRYING,
    ).order_by("created_at")


def undelivered_texts(agent: Agent) -> list[str]:
    """Decisions that the agent was never told, for its heartbeat prompt."""
    return list(_undelivered(agent).values_list("text", flat=True)[:MOST_CARRIED])


@service
def mark_carried(agent_id: UUID) -> None:
    """The gateway's heartbeat prompt now holds what was undelivered."""
    agent = Agent.objects.select_for_update(of=("self",), no_key=True).filter(pk=agent_id).first()
    if agent is None:
        return
    now = clock.now()
    _undelivered(agent).filter(carried_at__isnull=True).update(carried_at=now, updated_at=now)
    if agent.heartbeat_sync_pending:
        agent.heartbeat_sync_pending = False
        agent.save(update_fields=["heartbeat_sync_pending", "updated_at"])


def take_carried_as_told(agent_id: UUID) -> bool:
    """A heartbeat came after the prompt was written: the agent has read it; the prompt shrinks."""
    told = AgentNotification.objects.filter(
        agent_id=agent_id,
        kind=Kind.APPROVAL_RESOLVED,
        state__in=[State.FAILED, State.UNANSWERED],
        carried_at__isnull=False,
    ).update(state=State.ANSWERED, updated_at=clock.now())
    return bool(told)
