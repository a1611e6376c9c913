"""The inbox of approvals and the decision on one of them (core specification 13.2)."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from governance import services
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel.actors import Kind, UserActor
from missioncontrol.kernel.api import ARRAY, ApiView, Pages, ok, operation
from missioncontrol.kernel.authz import AGENT
from missioncontrol.kernel.errors import Invalid, NotFound

from . import creation, shapes
from .schemas import ApprovalFilter, ApprovalOut, ApprovalPage, DecisionIn

TAGS = ("approvals",)


def filtered(rows: QuerySet[Any], wanted: ApprovalFilter) -> QuerySet[Any]:
    """Approvals that fit the filters, newest first.

    Raises:
        Invalid: a status that does not exist.
    """
    if wanted.status:
        statuses = [part.strip() for part in wanted.status.split(",")]
        if set(statuses) - set(Approval.Status.values):
            raise Invalid(_("There is no such status."), field="status")
        rows = rows.filter(status__in=statuses)
    for name in ("board_id", "agent_id", "gateway_id", "source"):
        value = getattr(wanted, name)
        if value is not None:
            rows = rows.filter(**{name: value})
    links = ApprovalTask.objects.filter(approval_id=OuterRef("pk"))
    if wanted.task_id:
        rows = rows.filter(Exists(links.filter(task_id=wanted.task_id)))
    if wanted.q and wanted.q.strip():
        text = wanted.q.strip()
        fields = ("action_type", "command", "agent_name", "requested_by_name", "payload__reason")
        match = Q(Exists(links.filter(title__icontains=text)))
        for name in fields:
            match |= Q(**{f"{name}__icontains": text})
        rows = rows.filter(match)
    return rows.order_by("-created_at", "-id")


def answer_page(view: ApiView, rows: QuerySet[Any]) -> Response:
    """One page of approvals: two queries at most, whatever their number."""
    pages = Pages(view.request.GET)
    items = shapes.fragments(rows[pages.window])
    short = len(items) < pages.limit and (items or pages.offset == 0)
    total = pages.offset + len(items) if short else rows.order_by().count()
    if ARRAY in view.request.META.get("HTTP_ACCEPT", ""):
        return ok(items, headers={"X-Total-Count": str(total)})
    return ok({"items": items, "total": total, "limit": pages.limit, "offset": pages.offset})


def answer_one(pk: UUID) -> Response:
    """One approval with its version."""
    body = shapes.one(pk)
    return ok(body, version=body["version"])


class ApprovalListView(ApiView):
    """The inbox."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    @operation(
        tags=TAGS,
        summary="Approvals of the active organization, newest first",
        response=ApprovalPage,
    )
    def get(self, request: Request) -> Response:
        """List."""
        rows: QuerySet[Any] = Approval.objects.visible_to(self.actor)
        if isinstance(self.actor, UserActor):
            rows = rows.filter(organization_id=self.actor.organization_id)
        return answer_page(self, filtered(rows, self.query(ApprovalFilter)))

    def post(self, request: Request) -> Response:
        """Create; the tasks are checked by their owner."""
        return creation.create(self)


class _OneApproval(ApiView):
    """Base of the addresses of one approval, flat and below its board."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"user", "agent"})

    def seen(self, approval_id: UUID, board_id: UUID | None) -> UUID:
        """The id, if the actor sees the row and it belongs to the board of the address."""
        rows = Approval.objects.visible_to(self.actor).filter(pk=approval_id)
        if board_id is not None:
            rows = rows.filter(board_id=board_id)
        if not rows.exists():
            raise NotFound
        return approval_id


class ApprovalView(_OneApproval):
    """Read and decide one approval."""

    @operation(tags=TAGS, summary="An approval", response=ApprovalOut)
    def get(self, request: Request, approval_id: UUID, board_id: UUID | None = None) -> Response:
        """Read."""
        return answer_one(self.seen(approval_id, board_id))

    @operation(
        tags=TAGS,
        summary="Approve, reject or reopen (people only)",
        request=DecisionIn,
        response=ApprovalOut,
    )
    def patch(self, request: Request, approval_id: UUID, board_id: UUID | None = None) -> Response:
        """Decide."""
        decider = self.user
        body = self.read(DecisionIn)
        approval = services.resolve_approval(
            decider,
            self.seen(approval_id, board_id),
            status=body.status,
            comment=body.comment,
            expected_version=self.expected_version(),
        )
        return answer_one(approval.pk)


class ApprovalCancelView(_OneApproval):
    """Withdraw a request."""

    @operation(tags=TAGS, summary="Withdraw a pending request", response=ApprovalOut)
    def post(self, request: Request, approval_id: UUID, board_id: UUID | None = None) -> Response:
        """Cancel."""
        approval = services.cancel_approval(self.actor, self.seen(approval_id, board_id))
        return answer_one(approval.pk)


class AgentApprovalView(_OneApproval):
    """An agent looks after what it asked; it never decides."""

    actor_kinds = AGENT

    @operation(
        tags=["agent-lead", "agent-worker"],
        summary="Look at an approval that you asked for",
        operation_id="agent_read_approval",
        response=ApprovalOut,
        extensions={
            "x-llm-intent": "approval_read",
            "x-when-to-use": ["See whether a request of your board was decided, and how"],
            "x-when-not-to-use": ["Do not poll it in a loop; the decision is sent to you"],
            "x-required-actor": "lead_or_worker",
            "x-prerequisites": ["A valid X-Agent-Token"],
            "x-side-effects": [],
            "x-routing-policy": ["own board first", "actors: agent-lead, agent-worker"],
        },
    )
    def get(self, request: Request, approval_id: UUID, board_id: UUID) -> Response:
        """Read."""
        return answer_one(self.seen(approval_id, board_id))
