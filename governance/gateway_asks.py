"""Commands that a gateway holds until a person decides (ruling 28).

The gateway's link reports what is asked and what was decided; a decision made here travels back
as an answer: ``answer_pending`` until the gateway has taken it.

Source: OpenClaw gateway protocol 4, commands and approvals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError, transaction

from missioncontrol.kernel.actors import Actor, GatewayActor, SystemActor
from missioncontrol.kernel.unit import service

from . import record, rules
from .models import Approval

Status = Approval.Status
Answer = Approval.AnswerState
End = Literal["user", "timeout", "closed"]
ACTION_TYPE = "exec"


@dataclass(frozen=True, slots=True)
class CommandAsk:
    """What a gateway asks about one command; texts are already redacted."""

    external_id: str
    command: str
    cwd: str = ""
    host: str = ""
    session_key: str = ""
    agent_id: UUID | None = None
    agent_name: str = ""
    board_id: UUID | None = None
    allowed_decisions: Sequence[str] = ()
    expires_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@service
def request_gateway_approval(actor: GatewayActor, ask: CommandAsk) -> Approval:
    """Record a gateway's question once; a repeat returns the row as it stands."""
    known = _of(actor.id, ask.external_id)
    if known is not None:
        return known
    approval = _new(actor, ask)
    try:
        with transaction.atomic():
            approval.save(force_insert=True)
    except IntegrityError:
        twin = _of(actor.id, ask.external_id)
        if twin is None:
            raise
        return twin
    record.announce(actor, approval, "approval.requested")
    return approval


@service
def settle_elsewhere(
    actor: GatewayActor | SystemActor,
    gateway_id: UUID,
    external_id: str,
    *,
    decision: str,
    how: End = "user",
) -> Approval | None:
    """Take over how a gateway's question ended there; ours arriving as an echo changes nothing.

    Args:
        decision: The gateway's word: ``allow-once``, ``allow-always``, ``deny``.
        how: A person decided, its time ran out, or the run that asked was closed.
    """
    approval = _of(gateway_id, external_id)
    if approval is None:
        return None
    if approval.status == Status.PENDING:
        _end_there(actor, approval, decision, how)
    elif approval.answer_state in (Answer.PENDING, Answer.SENT):
        if (
            rules.decision_of_status(approval.status).split("-")[0]
            == decision.split("-", maxsplit=1)[0]
        ):
            _mark(actor, approval, Answer.SENT)
        else:
            _mark(actor, approval, Answer.ELSEWHERE, decision=decision)
    return approval


@service
def mark_answer(
    actor: GatewayActor | SystemActor,
    approval_id: UUID,
    *,
    state: str,
    error: str = "",
    decision: str = "",
) -> None:
    """Note how the answer to a gateway fared; ``answer_pending`` with an error stays to be sent."""
    approval = record.locked(approval_id)
    if approval is None or approval.answer_state != Answer.PENDING:
        return
    if state == Answer.PENDING:
        approval.answer_error = error[:2000]
        approval.save(update_fields=["answer_error", "updated_at"])
        return
    _mark(actor, approval, Answer(state), decision=decision, error=error)


@service
def lose(actor: GatewayActor | SystemActor, approval_id: UUID) -> None:
    """The gateway no longer asks and remembers no decision: the command was denied with it."""
    approval = record.locked(approval_id)
    if approval is None:
        return
    if approval.status == Status.PENDING:
        record.settle(approval, Status.EXPIRED, actor=actor, comment=None)
        approval.answer_state = Answer.LOST
        approval.save(update_fields=["answer_state"])
        record.announce(actor, approval, "approval.expired")
    elif approval.answer_state == Answer.PENDING:
        _mark(actor, approval, Answer.LOST)


@service
def forget_gateway(actor: Actor, gateway_id: UUID) -> None:
    """A gateway is removed: what it asked can be neither decided nor answered any more."""
    rows = Approval.objects.filter(source=Approval.Source.GATEWAY, gateway_id=gateway_id)
    open_rows = rows.filter(status=Status.PENDING).order_by("pk").values_list("pk", flat=True)
    for pk in list(open_rows):
        approval = record.locked(pk)
        if approval is not None and approval.status == Status.PENDING:
            record.settle(approval, Status.CANCELLED, actor=actor, comment=None)
            record.announce(actor, approval, "approval.cancelled")
    rows.filter(answer_state=Answer.PENDING).update(answer_state=Answer.LOST)


def _of(gateway_id: UUID, external_id: str) -> Approval | None:
    return (
        Approval.objects.select_for_update(of=("self",), no_key=True)
        .filter(source=Approval.Source.GATEWAY, gateway_id=gateway_id, external_id=external_id)
        .first()
    )


def _new(actor: GatewayActor, ask: CommandAsk) -> Approval:
    return Approval(
        organization_id=actor.organization_id,
        board_id=ask.board_id,
        source=Approval.Source.GATEWAY,
        action_type=ACTION_TYPE,
        payload=dict(ask.payload),
        agent_id=ask.agent_id,
        agent_name=ask.agent_name[:200],
        requested_by_kind="agent" if ask.agent_id else "gateway",
        requested_by_id=ask.agent_id or actor.id,
        requested_by_name=(ask.agent_name or actor.name)[:200],
        expires_at=ask.expires_at,
        gateway_id=actor.id,
        external_id=ask.external_id,
        session_key=ask.session_key[:200],
        command=ask.command,
        cwd=ask.cwd,
        host=ask.host[:120],
        allowed_decisions=list(ask.allowed_decisions),
    )


def _end_there(actor: Actor, approval: Approval, decision: str, how: End) -> None:
    """A question that nobody decided here ended at the gateway."""
    status = {"timeout": Status.EXPIRED, "closed": Status.CANCELLED}.get(
        how, rules.status_of_decision(decision)
    )
    record.settle(approval, status, actor=actor, comment=None)
    approval.answer_state = Answer.ELSEWHERE if how == "user" else Answer.NONE
    approval.save(update_fields=["answer_state"])
    type_ = {"timeout": "approval.expired", "closed": "approval.cancelled"}.get(
        how, "approval.decided_elsewhere"
    )
    record.announce(actor, approval, type_, decision=decision)


def _mark(
    actor: Actor,
    approval: Approval,
    state: Approval.AnswerState,
    *,
    decision: str = "",
    error: str = "",
) -> None:
    """Write the end of an answer's way and record it once."""
    if approval.answer_state == state:
        return
    approval.answer_state = state
    approval.answer_error = error[:2000]
    approval.save(update_fields=["answer_state", "answer_error", "updated_at"])
    type_ = "approval.decided_elsewhere" if state == Answer.ELSEWHERE else "approval.answered"
    word = decision or rules.decision_of_status(approval.status)
    if state != Answer.LOST:
        record.announce(actor, approval, type_, decision=word)
