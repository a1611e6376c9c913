"""Onboarding interviews as stored: begun, answered, completed, confirmed. Sending is elsewhere.

A person starts and answers; the gateway's own agent asks and proposes; a person confirms, which
sets the board's goal and makes its lead. Source: core specification 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel

from activity.publish import publish
from agents import actions, onboarding_rules
from agents.models import Agent, Onboarding
from agents.onboarding_shapes import Completion
from boards.models import Board
from boards.services import boards as board_services
from boards.services import opening
from gateways import rpc
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, SystemActor, UserActor
from missioncontrol.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from missioncontrol.kernel.unit import service
from orgs.services import users

from . import crud

Status = Onboarding.Status
WHO = "onboarding"
SOURCE = "lead_agent_onboarding"
BY_HAND = "by_hand"
MAX_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """An interview with those who take part in it."""

    interview: Onboarding
    board: Board
    main: Agent
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A board with its goal, and what did not work on the way."""

    board: Board
    warnings: tuple[str, ...]


def latest(board_id: UUID) -> Onboarding | None:
    """The newest interview about a board."""
    rows = Onboarding.objects.filter(board_id=board_id)
    found: Onboarding | None = rows.order_by("-created_at", "-id").first()
    return found


def _open(actor: Actor, board_id: Any) -> Board:
    board = opening.open_board(actor, board_id)
    authz.authorize(actor, actions.INTERVIEW, board)
    return board


def _main_of(board: Board) -> Agent:
    """The agent of the board's gateway.

    Raises:
        Invalid: no gateway, or one without an agent of its own.
    """
    if board.gateway_id is None:
        raise Invalid(
            _("The board has no gateway. Choose one on its edit page."), code="no_gateway"
        )
    main: Agent | None = (
        Agent.objects.select_related("gateway", "board")
        .filter(gateway_id=board.gateway_id, agent_type=Agent.Type.MAIN)
        .first()
    )
    if main is None:
        raise Invalid(_("The gateway has no agent of its own yet."), code="no_gateway_agent")
    return main


# --- people ask and answer ------------------------------------------------------------------------


@service
def open_interview(actor: Actor, board_id: Any) -> Opened:
    """The active interview about a board, made if there is none; nothing is sent yet.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no right to write.
        Invalid: no gateway, or one without an agent of its own.
    """
    board = _open(actor, board_id)
    main = _main_of(board)
    active = Onboarding.objects.filter(board_id=board.pk, status=Status.ACTIVE).first()
    if active is not None:
        return Opened(active, board, main)
    interview = Onboarding(
        organization_id=board.organization_id, board_id=board.pk, session_key=main.session_key
    )
    interview.save(force_insert=True)
    return Opened(interview, board, main, is_new=True)


@service
def keep_prompt(actor: Actor, interview_id: UUID, *, text: str) -> Onboarding:
    """The first text of an interview, before it goes out."""
    interview = _locked(interview_id)
    if interview.messages:
        return interview
    return _say(interview, "user", text)


@service
def record_started(actor: Actor, interview_id: UUID) -> None:
    """The gateway took the first text."""
    interview = _locked(interview_id)
    _publish("onboarding.started", actor, interview)


@service
def abandon(interview_id: UUID) -> None:
    """The first text could not be sent: as if nobody had asked."""
    interview = Onboarding.objects.filter(pk=interview_id).first()
    if interview is not None and len(interview.messages) <= 1:
        interview.delete()


@service
def open_answer(actor: Actor, board_id: Any) -> Opened:
    """The interview that a person may answer now; nothing is stored yet.

    Raises:
        NotFound: absent or invisible board; no interview.
        Forbidden: no right to write.
        Conflict: it was confirmed already, or too much was said.
        Invalid: no gateway, or one without an agent of its own.
    """
    board = _open(actor, board_id)
    interview = _require_open(latest(board.pk))
    if len(interview.messages) >= MAX_MESSAGES:
        raise Conflict(_("Enough was said. Confirm the goal by hand."), code="onboarding_too_long")
    return Opened(interview, board, _main_of(board))


@service
def record_answer(actor: Actor, interview_id: UUID, *, content: str, after: int) -> Onboarding:
    """The gateway took a person's answer.

    Args:
        after: Number of messages that the answer follows; a quick agent may have gone on meanwhile.
    """
    interview = _say(_locked(interview_id), "user", content, after=after)
    _publish("onboarding.answered", actor, interview)
    return interview


@service
def cancel_interview(actor: Actor, board_id: Any) -> Onboarding:
    """End the interview; a new one can be started.

    Raises:
        NotFound: absent or invisible board; no interview.
        Forbidden: no right to write.
        Conflict: it was confirmed already.
    """
    board = _open(actor, board_id)
    interview = _locked(_require_open(latest(board.pk)).pk)
    interview.status = Status.CANCELLED
    interview.save(update_fields=["status", "updated_at"])
    _publish("onboarding.cancelled", actor, interview)
    return interview


def _require_open(interview: Onboarding | None) -> Onboarding:
    if interview is None or interview.status == Status.CANCELLED:
        raise NotFound(_("There is no interview about this board."))
    if interview.status == Status.CONFIRMED:
        raise Conflict(_("The interview was confirmed already."), code="onboarding_confirmed")
    return interview


# --- the agent asks and proposes ------------------------------------------------------------------


@service
def receive(actor: AgentActor, board_id: UUID, said: BaseModel) -> Onboarding:
    """A question or a completion of the gateway's own agent.

    Raises:
        NotFound: absent or invisible board; no interview.
        Forbidden: another agent.
        Conflict: it was confirmed already, or too much was said.
    """
    board: Board = Board.objects.seen_by(actor, board_id)
    if not (actor.is_main and actor.gateway_id == board.gateway_id):
        raise Forbidden(_("Only the agent of this board's gateway leads the interview."))
    interview = _locked(_require_open(latest(board.pk)).pk)
    if len(interview.messages) >= MAX_MESSAGES:
        raise Conflict(_("Enough was said. Confirm the goal by hand."), code="onboarding_too_long")
    content = said.model_dump(mode="json", exclude_none=True)
    is_complete = isinstance(said, Completion)
    if is_complete:
        interview.draft_goal = {k: v for k, v in content.items() if k != "status"}
        interview.status = Status.COMPLETED
        interview.save(update_fields=["draft_goal", "status", "updated_at"])
    _say(interview, "assistant", orjson.dumps(content).decode())
    _publish("onboarding.completed" if is_complete else "onboarding.asked", actor, interview)
    return interview


# --- a person confirms ----------------------------------------------------------------------------


@service
def confirm(
    actor: UserActor,
    board_id: Any,
    *,
    board_type: str,
    objective: str | None = None,
    success_metrics: Mapping[str, Any] | None = None,
    target_date: datetime | None = None,
    is_by_hand: bool = False,
) -> Confirmed:
    """Set the goal of a board and make its lead; what the draft says of the person is kept too.

    Args:
        actor: A person who may write on the board.
        board_type: ``goal`` or ``general``; a goal needs ``objective`` and ``success_metrics``.
        is_by_hand: Also without an interview.

    Raises:
        NotFound: absent or invisible board; no interview.
        Forbidden: no right to write.
        Invalid: a goal without objective or metrics.
        Conflict: it was confirmed already.
    """
    board = _open(actor, board_id)
    found = latest(board.pk)
    if not is_by_hand:
        _require_open(found)
    is_open = found is not None and found.status in (Status.ACTIVE, Status.COMPLETED)
    interview = _locked(found.pk) if found is not None and is_open else None
    draft = interview.draft_goal if interview else None
    warnings: list[str] = []
    goal: dict[str, Any] = {
        "board_type": board_type,
        "objective": objective,
        "success_metrics": success_metrics,
        "target_date": target_date,
    }
    changes = {**goal, **_marks(draft), **_gate(actor, board, draft, warnings)}
    board = board_services.update_board(actor, board.pk, changes=changes)
    if interview is not None:
        interview.status = Status.CONFIRMED
        interview.save(update_fields=["status", "updated_at"])
        _publish("onboarding.confirmed", actor, interview)
    _keep_person(actor, draft, warnings)
    _ensure_lead(board, draft, warnings)
    return Confirmed(board, tuple(warnings))


def _marks(draft: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"goal_confirmed": True, "goal_source": SOURCE if draft else BY_HAND}


def _gate(
    actor: UserActor, board: Board, draft: Mapping[str, Any] | None, warnings: list[str]
) -> dict[str, bool]:
    """The rule "approval before Done" as the draft wants it; only admins change rules."""
    if draft is None:
        return {}
    wanted = not onboarding_rules.is_autonomous(draft)
    if wanted == board.require_approval_for_done:
        return {}
    if not actor.is_admin_in(board.organization_id):
        warnings.append(
            _("The rule “Approval before Done” stays as it is; an admin can change it.")
        )
        return {}
    return {"require_approval_for_done": wanted}


def _keep_person(actor: UserActor, draft: Mapping[str, Any] | None, warnings: list[str]) -> None:
    facts = onboarding_rules.user_facts(draft)
    if not facts:
        return
    try:
        users.update_profile(actor, changes=facts)
    except Invalid as refusal:
        warnings.append(str(refusal.detail))
        rest = {name: text for name, text in facts.items() if name != "timezone"}
        if rest != facts:
            users.update_profile(actor, changes=rest)


def _ensure_lead(board: Board, draft: Mapping[str, Any] | None, warnings: list[str]) -> None:
    """The board's lead with the identity that was agreed on; its setup goes on by itself."""
    who = SystemActor(WHO, board.organization_id)
    identity = onboarding_rules.identity_of(draft)
    lead = Agent.objects.filter(board_id=board.pk, agent_type=Agent.Type.LEAD).first()
    try:
        with transaction.atomic():
            if lead is None:
                _make_lead(who, board, onboarding_rules.lead_name(draft), identity)
            elif identity:
                merged = {**(lead.identity_profile or {}), **identity}
                crud.update_agent(who, lead.pk, changes={"identity_profile": merged})
    except DomainError as refusal:
        warnings.append(str(refusal.detail))
        return
    gateway = board.gateway
    if gateway is None:
        warnings.append(_("The board has no gateway yet; its lead waits as a draft."))
    elif not rpc.is_usable(gateway):
        warnings.append(_("The gateway is not connected; the lead is set up when it is back."))


def _make_lead(who: SystemActor, board: Board, name: str, identity: dict[str, Any]) -> None:
    """A lead of that name; one that is taken gets the board's short name behind it."""
    facts: dict[str, Any] = {"agent_type": Agent.Type.LEAD, "identity_profile": identity or None}
    try:
        crud.create_agent(who, name=name, board_id=board.pk, **facts)
    except Conflict as refusal:
        if refusal.machine_code != "name_taken":
            raise
        crud.create_agent(who, name=f"{name[:190]} {board.key}", board_id=board.pk, **facts)


# --- both -----------------------------------------------------------------------------------------


def _locked(interview_id: UUID) -> Onboarding:
    """An interview, locked; it may have gone with its board.

    Raises:
        NotFound: it is not there any more.
    """
    interview: Onboarding | None = (
        Onboarding.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=interview_id)
        .first()
    )
    if interview is None:
        raise NotFound(_("There is no interview about this board."))
    return interview


def _say(interview: Onboarding, role: str, content: str, *, after: int | None = None) -> Onboarding:
    said = list(interview.messages)
    place = len(said) if after is None else after
    while place < len(said) and said[place]["role"] == role:
        place += 1
    said.insert(place, onboarding_rules.message(role, content, clock.now()))
    interview.messages = said
    interview.save(update_fields=["messages", "updated_at"])
    return interview


def _publish(name: str, actor: Actor, interview: Onboarding) -> None:
    board = Board.objects.only("id", "name").get(pk=interview.board_id)
    publish(
        name,
        actor=actor,
        target=board,
        organization_id=interview.organization_id,
        board_id=interview.board_id,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data={"onboarding_id": str(interview.pk), "status": interview.status},
    )
