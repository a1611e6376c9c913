"""Between a gateway's exec approvals and ours: what its link reads and writes in the database.

Source: OpenClaw gateway protocol 4, commands and approvals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from governance import gateway_asks, rules
from governance.gateway_asks import CommandAsk, End
from governance.models import Approval

from . import agents_lookup, leases, records
from .leases import Held
from .models import Gateway
from .wire.redact import redact_json

MAX_COMMAND = 100_000
SCOPE_CLOSED = "approval-scope-closed"
_KEPT = (
    "security", "ask", "warningText", "commandAnalysis", "resolvedPath", "nodeId", "runId",
    "toolCallId", "unavailableDecisions",
)  # fmt: skip


class Answer(NamedTuple):
    """A decision on its way to a gateway."""

    approval_id: UUID
    external_id: str
    decision: str


def cleaned(value: Any, secrets: Sequence[str]) -> Any:
    """What came from a gateway, fit to be stored: no token, no NUL."""
    return _without_nul(redact_json(value, secrets))


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_without_nul(k): _without_nul(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nul(v) for v in value]
    return value


def take_requested(gateway: Gateway, payload: Mapping[str, Any], secrets: Sequence[str]) -> None:
    """Store a question of the gateway; a repeat changes nothing."""
    external_id = str(payload.get("id") or "")
    request = payload.get("request")
    if not external_id or len(external_id) > 120 or not isinstance(request, dict):
        return
    request = cleaned(request, secrets)
    facts = agents_lookup.find(gateway.pk, str(request.get("agentId") or ""))
    ask = CommandAsk(
        external_id=external_id,
        command=str(request.get("command") or "")[:MAX_COMMAND],
        cwd=str(request.get("cwd") or ""),
        host=str(request.get("host") or ""),
        session_key=str(request.get("sessionKey") or ""),
        agent_id=facts.id if facts else None,
        agent_name=facts.name if facts else str(request.get("agentId") or ""),
        board_id=facts.board_id if facts else None,
        allowed_decisions=[str(d) for d in request.get("allowedDecisions") or []],
        expires_at=_time(payload.get("expiresAtMs")),
        payload={k: request[k] for k in _KEPT if request.get(k) is not None},
    )
    gateway_asks.request_gateway_approval(records.actor_of(gateway), ask)


def take_resolved(gateway: Gateway, payload: Mapping[str, Any], secrets: Sequence[str]) -> None:
    """Take over a decision that the gateway reports, also for a question we have not seen."""
    external_id, decision = str(payload.get("id") or ""), str(payload.get("decision") or "deny")
    if not external_id:
        return
    take_requested(gateway, payload, secrets)
    by = payload.get("resolvedBy")
    how: End = "closed" if by == SCOPE_CLOSED else "user" if by else "timeout"
    gateway_asks.settle_elsewhere(
        records.actor_of(gateway), gateway.pk, external_id, decision=decision, how=how
    )


def take_list(
    gateway: Gateway, pending: Iterable[Any], secrets: Sequence[str]
) -> list[tuple[UUID, str]]:
    """Store what the gateway asks at (re)connection; returns ours that it no longer asks."""
    asked: set[str] = set()
    for row in pending:
        if isinstance(row, dict):
            asked.add(str(row.get("id") or ""))
            take_requested(gateway, row, secrets)
    open_here = Approval.objects.filter(
        source=Approval.Source.GATEWAY, gateway_id=gateway.pk, status=Approval.Status.PENDING
    ).values_list("pk", "external_id")
    return [(pk, external_id) for pk, external_id in open_here if external_id not in asked]


def take_record(gateway: Gateway, approval_id: UUID, record: Mapping[str, Any] | None) -> None:
    """End a question that the gateway stopped asking, by its durable record if it kept one."""
    actor = records.actor_of(gateway)
    decision = str((record or {}).get("decision") or "")
    if record is None or not decision:
        gateway_asks.lose(actor, approval_id)
        return
    external_id = str(record.get("id") or "")
    reason = str(record.get("reason") or "")
    how: End = "timeout" if reason == "timeout" else "user" if reason == "user" else "closed"
    settled = gateway_asks.settle_elsewhere(
        actor, gateway.pk, external_id, decision=decision, how=how
    )
    if settled is None:
        gateway_asks.lose(actor, approval_id)


def answers_of(held: Held, owner: str) -> list[Answer]:
    """Decisions to send now; none when the lease is no longer ours."""
    rows = Approval.objects.filter(
        source=Approval.Source.GATEWAY,
        gateway_id=held.gateway_id,
        answer_state=Approval.AnswerState.PENDING,
    ).exclude(status=Approval.Status.PENDING)
    found = [
        Answer(pk, external_id, rules.decision_of_status(status))
        for pk, external_id, status in rows.order_by("resolved_at").values_list(
            "pk", "external_id", "status"
        )
    ]
    return found if found and leases.holds(held, owner) else []


def gateways_with_answers(gateway_ids: Iterable[UUID]) -> set[UUID]:
    """Of these gateways, those with a decision to send."""
    rows = Approval.objects.filter(
        answer_state=Approval.AnswerState.PENDING, gateway_id__in=list(gateway_ids)
    )
    return set(rows.values_list("gateway_id", flat=True))


def mark(
    gateway: Gateway, approval_id: UUID, state: str, *, error: str = "", decision: str = ""
) -> None:
    """Note how an answer fared."""
    gateway_asks.mark_answer(
        records.actor_of(gateway), approval_id, state=state, error=error, decision=decision
    )


def _time(milliseconds: Any) -> datetime | None:
    if not isinstance(milliseconds, int | float) or not 0 < milliseconds < 1e14:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
