"""Onboarding interviews: people start, answer, confirm; the gateway's own agent asks.

Source: core specification 8 and 18.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents import onboarding, onboarding_rules
from agents.api import onboarding_schemas as schemas
from agents.models import Onboarding
from agents.onboarding_shapes import Completion, Question
from agents.services import interviews
from boards.api.views.agent import MAIN, for_agents
from boards.models import Board
from boards.reads import board_of
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation, parse
from missioncontrol.kernel.errors import NotFound

TAGS = ("onboarding",)


def shape(row: Onboarding) -> dict[str, Any]:
    """An interview."""
    return {
        "id": row.pk,
        "board_id": row.board_id,
        "session_key": row.session_key,
        "status": row.status,
        "messages": row.messages,
        "draft_goal": row.draft_goal,
        "silent_seconds": onboarding_rules.silent_seconds(row.messages, clock.now()),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


class OnboardingView(ApiView):
    """The newest interview about a board."""

    @operation(
        tags=TAGS, summary="The newest interview about a board", response=schemas.OnboardingOut
    )
    def get(self, request: Request, board_id: UUID) -> Response:
        """Read; 404 while there was none."""
        Board.objects.seen_by(self.actor, board_id)
        found = onboarding.newest(self.actor, board_id)
        if found is None:
            raise NotFound
        return ok(shape(found))


class StartView(ApiView):
    """Begin, or say again what was not answered."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS, summary="Start the interview", request=schemas.Start,
        response=schemas.OnboardingOut, refusals=(502,),
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Start."""
        self.read(schemas.Start)
        return ok(shape(onboarding.start(self.user, board_id)))


class AnswerView(ApiView):
    """Answer the agent's question."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS, summary="Answer a question", request=schemas.Answer,
        response=schemas.OnboardingOut, refusals=(502,),
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Answer."""
        said = self.read(schemas.Answer)
        return ok(
            shape(
                onboarding.answer(
                    self.user, board_id, answer=said.answer, other_text=said.other_text
                )
            )
        )


class _AgentDoor(ApiView):
    """What the gateway's own agent says."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"agent"})

    def receive(self, request: Request, board_id: UUID) -> Response:
        """With ``status`` a completion, else a question."""
        inner = request._request  # noqa: SLF001 - Django's own request
        kind = parse(schemas.Kind, inner.body)
        said = self.read(Question if kind.status is None else Completion)
        return ok(shape(interviews.receive(self.agent, board_id, said)))


class AgentView(_AgentDoor):
    """The agent's part, at the board's own address."""

    @operation(
        tags=(MAIN, *TAGS), summary="Ask a question, or propose goal and lead",
        request=Question | Completion, response=schemas.OnboardingOut,
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Ask or propose."""
        return self.receive(request, board_id)


class OwnAgentView(_AgentDoor):
    """The agent's part, among the agents' addresses."""

    @for_agents(
        "agent_lead_onboarding", (MAIN,), intent="onboarding_interview",
        use="Ask the next question of an interview, or send what you propose.",
        avoid="No message that begins with ONBOARDING INTERVIEW asked you to.",
        effects=("The person sees the question at once.",),
        request=Question | Completion, response=schemas.OnboardingOut,
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Ask or propose."""
        return self.receive(request, board_id)


class ConfirmView(ApiView):
    """Make the proposal the board's goal."""

    @operation(
        tags=TAGS, summary="Confirm the goal and set up the lead", request=schemas.Confirm,
        response=schemas.ConfirmedOut,
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Confirm."""
        done = interviews.confirm(self.user, board_id, **self.read(schemas.Confirm).model_dump())
        answer = {**board_of(done.board), "warnings": list(done.warnings)}
        return ok(answer, version=done.board.version)


class CancelView(ApiView):
    """End the interview without a result."""

    @operation(tags=TAGS, summary="End the interview", response=schemas.OnboardingOut)
    def post(self, request: Request, board_id: UUID) -> Response:
        """Cancel."""
        return ok(shape(interviews.cancel_interview(self.user, board_id)))
