"""Approvals as rows of the inbox, with what a person needs to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boards.models import Board, Task
from gateways.models import Gateway
from governance.models import Approval, ApprovalTask
from governance.subjects import subject_of
from missioncontrol.kernel.actors import UserActor

SOURCES: dict[str, str | Promise] = {
    Approval.Source.REQUEST: _("Board approval"),
    Approval.Source.GATEWAY: _("Command on a gateway"),
    Approval.Source.ZONE: _("Trust zone"),
}
REASON_KEYS = ("reason", "lead_reasoning")
RISKS = {"low", "medium", "high", "critical"}


@dataclass(frozen=True, slots=True)
class NamedTask:
    """A task that the request names."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a decision."""

    approval: Approval
    tasks: list[NamedTask]
    board_name: str
    gateway_name: str
    can_decide: bool
    can_reopen: bool
    can_withdraw: bool
    is_open: bool

    def __getattr__(self, name: str) -> Any:
        """Facts of the approval itself."""
        return getattr(self.approval, name)

    @property
    def title(self) -> str:
        """One line that says what is asked."""
        named = [f"{task.key} {task.title}".strip() for task in self.tasks]
        return subject_of(self.approval, named)

    @property
    def action_word(self) -> str:
        """The requester's own word for the action; a command stands for itself."""
        is_command = self.approval.source == Approval.Source.GATEWAY
        return "" if is_command else self.approval.action_type

    @property
    def source_word(self) -> str | Promise:
        """Who asks, as a kind."""
        return SOURCES.get(self.approval.source, self.approval.source)

    @property
    def requester(self) -> str:
        """Who asks, by name."""
        return self.approval.agent_name or self.approval.requested_by_name

    @property
    def requester_kind(self) -> str:
        """Shape of the requester's avatar."""
        return "agent" if self.approval.agent_name else self.approval.requested_by_kind

    @property
    def decided_by(self) -> str:
        """Who decided."""
        return self.approval.decided_by_name

    @property
    def reason(self) -> str:
        """The requester's words."""
        payload = self.approval.payload or {}
        nested = payload.get("decision")
        places = [payload, nested if isinstance(nested, dict) else {}]
        found = [place.get(key) for place in places for key in REASON_KEYS]
        return next((str(text) for text in found if text), "")

    @property
    def payload(self) -> dict[str, Any]:
        """What the requester sent besides his reason."""
        payload = self.approval.payload or {}
        return {key: value for key, value in payload.items() if key not in REASON_KEYS}

    @property
    def risk(self) -> str:
        """Risk that the requester named, if it is one of the four words."""
        named = str((self.approval.payload or {}).get("risk", "")).lower()
        return named if named in RISKS else ""

    @property
    def rubric(self) -> list[tuple[str, Any]]:
        """Scores by name."""
        return sorted((self.approval.rubric_scores or {}).items())

    @property
    def votes(self) -> list[str]:
        """Seats of the decision: one person decides."""
        return ["open"]

    @property
    def needed(self) -> int:
        """Approvals that pass it."""
        return 1

    @property
    def approvals(self) -> int:
        """Approvals given so far."""
        return 0

    @property
    def delivery(self) -> str:
        """Way of the answer to a gateway, where it has one."""
        state = str(self.approval.answer_state)
        return {"elsewhere": "decided_elsewhere"}.get(state, state)

    @property
    def who_decides(self) -> str | Promise:
        """Who can help, for readers who may not decide."""
        if self.approval.board_id is None:
            return _("An admin of the organization decides this.")
        return _("Somebody with write access to the board decides this.")

    @property
    def since(self) -> datetime:
        """When its state began."""
        return self.approval.resolved_at or self.approval.created_at


def asks_of(who: UserActor, approvals: Sequence[Approval], *, open_id: str = "") -> list[Ask]:
    """Approvals with their names; four more queries, whatever their number."""
    tasks = _tasks(approvals)
    boards = dict(
        Board.objects.filter(pk__in={a.board_id for a in approvals}).values_list("pk", "name")
    )
    gateways = dict(
        Gateway.objects.filter(pk__in={a.gateway_id for a in approvals}).values_list("pk", "name")
    )
    ids = [approval.pk for approval in approvals]
    mine = set(Approval.objects.filter(pk__in=ids).decidable_by(who).values_list("pk", flat=True))
    return [
        Ask(
            approval=approval,
            tasks=tasks.get(approval.pk, []),
            board_name=boards.get(approval.board_id, ""),
            gateway_name=gateways.get(approval.gateway_id, ""),
            can_decide=approval.pk in mine and _is_open_to(who, approval),
            can_reopen=_may_reopen(who, approval) and approval.pk in mine,
            can_withdraw=_may_withdraw(who, approval),
            is_open=str(approval.pk) == open_id,
        )
        for approval in approvals
    ]


def _is_open_to(who: UserActor, approval: Approval) -> bool:
    asked_himself = approval.requested_by_id == who.id
    if settings.APPROVAL_FOUR_EYES and asked_himself:
        return False
    return approval.status == Approval.Status.PENDING


def _may_reopen(who: UserActor, approval: Approval) -> bool:
    decided = approval.status in {Approval.Status.APPROVED, Approval.Status.REJECTED}
    from_board = approval.source == Approval.Source.REQUEST
    return decided and from_board and who.is_admin_in(approval.organization_id)


def _may_withdraw(who: UserActor, approval: Approval) -> bool:
    pending = approval.status == Approval.Status.PENDING
    from_board = approval.source == Approval.Source.REQUEST
    is_own = approval.requested_by_kind == who.kind and approval.requested_by_id == who.id
    return pending and from_board and (is_own or who.is_admin_in(approval.organization_id))


def _tasks(approvals: Iterable[Approval]) -> dict[UUID, list[NamedTask]]:
    ids = [approval.pk for approval in approvals]
    links = ApprovalTask.objects.filter(approval_id__in=ids).order_by("position", "id")
    rows = list(links.values_list("approval_id", "task_id", "title"))
    keys = dict(Task.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "key"))
    found: dict[UUID, list[NamedTask]] = {}
    for approval_id, task_id, title in rows:
        key = keys.get(task_id, "")
        plain = title.removeprefix(f"{key} ") if key else title
        found.setdefault(approval_id, []).append(NamedTask(key, plain))
    return found
