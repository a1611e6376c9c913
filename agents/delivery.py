"""Sending stored messages to agents' sessions, and judging those that stay without an answer.

Each message is claimed by a lease; the same id and text are sent again after a lost answer, which
the gateway takes as one. Source: gateway protocol 4.5; rulings 25 to 27.
"""

from __future__ import annotations

from uuid import UUID

from gateways import rpc
from gateways.wire import sessions
from missioncontrol.kernel import clock, leases
from missioncontrol.kernel.errors import DomainError, GatewayUnavailable

from . import lifecycle, rules, webhook_messages
from .models import Agent, AgentNotification
from .services import notifications

State = AgentNotification.State
HOLD_SECONDS = 15.0
RUN_COUNTS_FOR_SECONDS = 900


def deliver(notification_id: UUID) -> bool:
    """Send one waiting message; ``False`` when another worker has it or it has to wait."""
    owner = leases.owner_name()
    waiting = AgentNotification.objects.filter(state=State.WAITING)
    if not leases.claim(waiting, notification_id, owner):
        return False
    pause: float | None = None
    try:
        with leases.renewing(AgentNotification, notification_id, owner):
            pause = _deliver(notification_id)
    finally:
        leases.release(AgentNotification, notification_id, owner, retry_in_seconds=pause)
    return pause is None


def _deliver(notification_id: UUID) -> float | None:
    """Seconds until the next try, ``None`` when the message is settled."""
    row = AgentNotification.objects.select_related("agent__board", "agent__gateway").get(
        pk=notification_id
    )
    agent = row.agent
    old = clock.now() - row.created_at > notifications.KEEP_TRYING
    hold = why_held(agent, kind=row.kind)
    if hold and not old:
        return HOLD_SECONDS
    if hold or agent.gateway_id is None:
        reason = hold or "The agent has no gateway any more."
        notifications.record_not_sent(row.pk, reason=reason, is_final=True)
        return None
    pause = webhook_messages.pause_before(row)
    if pause:
        return pause
    started = notifications.expect_answer(agent.id)
    try:
        with rpc.session(agent.gateway_id) as session:
            session.run(
                lambda client: sessions.send_chat(
                    client, agent.session_key, row.text, idempotency_key=str(row.pk)
                )
            )
    except DomainError as refusal:
        return _not_sent(row, refusal, is_old=old)
    notifications.record_sent(row.pk, started_at=started)
    return None


def why_held(agent: Agent, *, kind: str = "") -> str:
    """Why an agent gets no message now, empty when it may; the order to pause is never held."""
    if agent.status == Agent.Status.PAUSED:
        return "The agent is paused."
    is_command = kind == AgentNotification.Kind.BOARD_COMMAND
    if agent.board is not None and agent.board.paused and not is_command:
        return "The board is paused."
    if agent.provisioned_at is None or agent.work == Agent.Work.PROVISION:
        return agent.last_provision_error or "The agent is not set up on its gateway yet."
    return ""


def _not_sent(row: AgentNotification, refusal: DomainError, *, is_old: bool) -> float | None:
    code = lifecycle.code_of(refusal)
    is_final = is_old or not isinstance(refusal, GatewayUnavailable)
    reason = f"{code}: {refusal.detail}"
    if row.kind == AgentNotification.Kind.WEBHOOK:
        pause = webhook_messages.pause_after_failure(row, reason=reason)
        notifications.record_not_sent(row.pk, reason=reason, is_final=pause is None)
        return pause
    notifications.record_not_sent(row.pk, reason=reason, is_final=is_final)
    if is_final:
        return None
    pauses = lifecycle.RETRY_SECONDS
    return float(pauses[min(max(row.attempts, 1), len(pauses)) - 1])


def judge_unanswered() -> int:
    """Show messages whose deadline passed without a call; an active run gets more time."""
    overdue = AgentNotification.objects.filter(
        state=State.SENT, answer_deadline_at__lt=clock.now()
    ).select_related("agent")
    judged = 0
    for row in overdue[:200]:
        if row.sent_at and row.agent.last_seen_at and row.agent.last_seen_at >= row.sent_at:
            notifications.record_answered(row.pk)
        elif has_known_run(row.agent):
            notifications.postpone(row.pk, seconds=rules.ANSWER_WITHIN.total_seconds())
        else:
            judged += int(notifications.record_unanswered(row.pk))
    return judged


def has_known_run(agent: Agent) -> bool:
    """Whether the last frames of its session said that a run is active."""
    if not agent.active_run_id or agent.active_run_at is None:
        return False
    return (clock.now() - agent.active_run_at).total_seconds() < RUN_COUNTS_FOR_SECONDS
