"""Asking for an approval of tasks, and the approvals of one board."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from boards import services
from boards.api import schemas
from boards.api.views.shared import USER_AGENT, prefix_of, require_board
from boards.models import Task
from governance import rules as governance_rules
from governance.api import creation, shapes
from governance.api import views as governance_views
from governance.api.schemas import ApprovalFilter, ApprovalOut, ApprovalPage
from governance.models import Approval
from missioncontrol.kernel.actors import AgentActor, Kind
from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.errors import Invalid, NotFound

TAGS = ("approvals",)


def create(view: ApiView, board_id: UUID | None = None) -> Response:
    """Handle a creation of any address.

    Raises:
        Invalid: neither a task nor a board says where it belongs; an address and a body differ.
        NotFound: a task or board that the caller does not see.
    """
    body = view.read(schemas.ApprovalIn)
    if board_id is not None and body.board_id not in (None, board_id):
        raise Invalid(_("The address names another board than the body."), field="board_id")
    payload = {**(body.payload or {})}
    if body.metadata is not None:
        payload["metadata"] = body.metadata
    approval = services.request_approval(
        view.actor,
        board_id or body.board_id or _board_of(view, body),
        task_id=body.task_id,
        task_ids=body.task_ids,
        action_type=body.action_type or body.action or "",
        payload=payload,
        confidence=body.confidence,
        rubric_scores=body.rubric_scores,
        lead_reasoning=body.lead_reasoning or body.reason,
        agent_id=body.agent_id,
        expires_at=body.expires_at,
    )
    shape = shapes.one(approval.pk)
    location = f"{prefix_of(view)}/approvals/{approval.pk}"
    return ok(shape, version=approval.version, location=location)


def _board_of(view: ApiView, body: schemas.ApprovalIn) -> UUID:
    """The board of the first task named; an agent's own board otherwise."""
    named = governance_rules.task_ids_of(body.task_id, body.task_ids, body.payload)
    if named:
        tasks = Task.objects.visible_to(view.actor).filter(pk=named[0])
        found: UUID | None = tasks.values_list("board_id", flat=True).first()
        if found is None:
            raise NotFound(_("Some of the tasks do not exist."), missing_task_ids=[str(named[0])])
        return found
    if isinstance(view.actor, AgentActor) and view.actor.board_id is not None:
        return view.actor.board_id
    raise Invalid(_("Say on which board: board_id."), field="board_id", code="missing")


def register() -> None:
    """Offer the creation to the inbox, which shares one address with it."""
    creation.register(create)
    documented = operation(
        tags=TAGS,
        summary="Ask for an approval of a task",
        request=schemas.ApprovalIn,
        response=ApprovalOut,
    )
    documented(governance_views.ApprovalListView.post)


class BoardApprovalsView(ApiView):
    """Approvals of a board."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Approvals of a board, newest first", response=ApprovalPage)
    def get(self, request: Request, board_id: UUID) -> Response:
        """List."""
        require_board(self.actor, board_id)
        rows = Approval.objects.filter(board_id=board_id)
        wanted = self.query(ApprovalFilter)
        return governance_views.answer_page(self, governance_views.filtered(rows, wanted))

    @operation(
        tags=TAGS, summary="Ask for an approval", request=schemas.ApprovalIn, response=ApprovalOut
    )
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create; always pending."""
        return create(self, board_id)
