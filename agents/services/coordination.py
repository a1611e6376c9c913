"""What leads and a gateway's own agent say to others, delivered now or refused (core 14.4).

What could not be said is told as an event and answered with 502.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, workspace
from agents.models import Agent, AgentNotification
from boards.models import Board
from gateways.wire.redact import redact_text
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import AgentActor, SystemActor
from missioncontrol.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    RemoteFailed,
)
from missioncontrol.kernel.unit import service

from . import crud, notifications, saying, setup, tokens

Kind = Literal["question", "handoff"]
EXCERPT_CHARS = 200
USER_REPLY = (("gateway_main", "user_reply"), "user_via_gateway_main")
LEAD_REPLY = (("gateway_main", "lead_reply"), "lead_to_gateway_main")
_HEADS = {"question": "GATEWAY MAIN QUESTION", "handoff": "GATEWAY MAIN HANDOFF"}


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, and how an answer is to be marked."""

    content: str
    correlation_id: str | None = None
    reply_tags: Sequence[str] = ()
    reply_source: str = ""


# --- who may, and to whom -------------------------------------------------------------------------


def board_for(actor: AgentActor, board_id: UUID, action: authz.Action) -> Board:
    """A board that the agent may do this on.

    Raises:
        NotFound, Forbidden: not visible, not allowed.
    """
    board: Board = Board.objects.select_related("gateway").seen_by(actor, board_id)
    authz.authorize(actor, action, board)
    return board


def board_as_lead(actor: AgentActor, board_id: UUID, action: authz.Action) -> Board:
    """The same, for its lead alone."""
    board = board_for(actor, board_id, action)
    if not actor.is_lead:
        raise Forbidden(_("Only the board's lead may do this."))
    return board


def _as_main(actor: AgentActor) -> None:
    if not actor.is_main:
        raise Forbidden("Only the dedicated gateway agent may call this endpoint.")


def agent_on(board: Board, agent_id: UUID) -> Agent:
    """An agent of the board.

    Raises:
        NotFound: none of that id works there.
    """
    agents = Agent.objects.select_related("board", "gateway")
    found: Agent | None = agents.filter(pk=agent_id, board_id=board.pk).first()
    if found is None or found.status == Agent.Status.DELETING:
        raise NotFound
    return found


def require_session(agent: Agent) -> None:
    """Refuse an agent that cannot get a message now.

    Raises:
        Invalid: ``no_session``.
        Conflict: ``agent_paused``.
    """
    if agent.gateway_id is None or agent.provisioned_at is None:
        raise Invalid(
            _("%(name)s has no session on a gateway yet.") % {"name": agent.name},
            code="no_session",
            agent_id=str(agent.pk),
        )
    if agent.status == Agent.Status.PAUSED:
        raise Conflict(
            _("%(name)s is paused and gets no messages.") % {"name": agent.name},
            code="agent_paused",
        )


# --- saying it ------------------------------------------------------------------------------------


def _said_or_told(
    actor: AgentActor,
    agent: Agent,
    text: str,
    *,
    events: tuple[str, str],
    failure: str,
    excerpt: str,
) -> None:
    """Say it and record that, or record the failure and refuse with 502."""
    sent, failed = events
    try:
        saying.say(agent, text)
    except DomainError as refusal:
        reason = redact_text(str(refusal.detail), (tokens.token_to_write(agent),))
        _note(failed, actor, agent, reason=reason[:300], excerpt=excerpt)
        raise RemoteFailed(f"{failure}: {reason}", code=failed.replace(".", "_")) from refusal
    _note(sent, actor, agent, excerpt=excerpt)


@service
def _note(name: str, actor: AgentActor, agent: Agent, **data: Any) -> None:
    setup.note(name, actor, agent, **data)


def _excerpt(content: str) -> str:
    return workspace.line(redact_text(content), EXCERPT_CHARS)


def _reply_call(board: Board, words: Words) -> str:
    """The call that answers, as one plain command's parts."""
    body = {
        "content": "<ANSWER>",
        "tags": [workspace.line(tag, 64) for tag in words.reply_tags],
        "source": workspace.line(words.reply_source, 200),
    }
    url = f"{settings.BASE_URL.rstrip('/')}/api/v1/agent/boards/{board.pk}/memory"
    return f"Answer with POST {url} and the body {orjson.dumps(body).decode()}."


def nudge_agent(actor: AgentActor, board_id: UUID, agent_id: UUID, *, message: str) -> None:
    """A lead reminds an agent of its board.

    Raises:
        NotFound: board or agent not visible.
        Forbidden: not the lead.
        Invalid: ``no_session``.
        Conflict: ``agent_paused``.
        RemoteFailed: not delivered.
    """
    board = board_as_lead(actor, board_id, actions.NUDGE)
    agent = agent_on(board, agent_id)
    require_session(agent)
    text = workspace.message_text(
        agent,
        head="NUDGE FROM THE LEAD",
        facts=[("Board", f"{board.name} ({board.pk})"), ("From", actor.name)],
        block=redact_text(message),
        action="Look at your tasks now and answer with a comment on the task that is meant.",
    )
    _said_or_told(
        actor, agent, text, events=("agent.nudged", "agent.nudge_failed"),
        failure="Gateway nudge failed", excerpt=_excerpt(message),
    )  # fmt: skip


# --- through the gateway's own agent --------------------------------------------------------------


def ask_user(
    actor: AgentActor, board_id: UUID, words: Words, *, preferred_channel: str | None = None
) -> Agent:
    """A lead asks the person behind the gateway; returns the agent that carries the question.

    Raises:
        NotFound, Forbidden: not visible, not the lead.
        Conflict: ``no_main_agent``, ``agent_paused``.
        Invalid: ``no_session``.
        RemoteFailed: not delivered.
    """
    board = board_as_lead(actor, board_id, actions.ASK_USER)
    mains = Agent.objects.select_related("board", "gateway").filter(
        gateway=board.gateway, gateway__isnull=False, agent_type=Agent.Type.MAIN
    )
    main: Agent | None = mains.exclude(status=Agent.Status.DELETING).first()
    if main is None:
        raise Conflict(_("The board's gateway has no agent of its own."), code="no_main_agent")
    require_session(main)
    text = workspace.message_text(
        main,
        head="LEAD REQUEST: ASK USER",
        facts=[
            ("Board", f"{board.name} ({board.pk})"),
            ("From", actor.name),
            ("Correlation id", words.correlation_id),
            ("Preferred channel", preferred_channel),
        ],
        block=redact_text(words.content),
        action="Put this question to the person in your own words and wait for the answer. "
        + _reply_call(board, words),
    )
    _said_or_told(
        actor, main, text, events=("agent.user_asked", "agent.user_ask_failed"),
        failure="Gateway ask-user failed", excerpt=_excerpt(words.content),
    )  # fmt: skip
    return main


def message_lead(
    actor: AgentActor, board_id: UUID, words: Words, *, kind: Kind
) -> tuple[Agent, bool]:
    """The gateway's own agent writes to a board's lead, which is made if there is none.

    Returns:
        The lead, and whether it was made now. A lead that is still being set up gets the message
        as soon as it is ready.

    Raises:
        Forbidden: not a gateway's own agent.
        NotFound: board not on its gateway.
        Conflict: ``agent_paused``.
        RemoteFailed: not delivered.
    """
    _as_main(actor)
    board = board_for(actor, board_id, actions.MESSAGE_LEAD)
    lead = _lead_of(board)
    is_new = lead is None
    lead = lead or _make_lead(actor, board)
    if lead.provisioned_at is None:
        _leave_message(actor, lead, board, words, kind)
        return lead, is_new
    require_session(lead)
    _said_or_told(
        actor, lead, _lead_text(lead, board, actor, words, kind),
        events=("agent.lead_messaged", "agent.lead_message_failed"),
        failure="Gateway lead message failed", excerpt=_excerpt(words.content),
    )  # fmt: skip
    return lead, is_new


def _lead_of(board: Board) -> Agent | None:
    leads = Agent.objects.select_related("board", "gateway")
    leads = leads.filter(board_id=board.pk, agent_type=Agent.Type.LEAD)
    found: Agent | None = leads.exclude(status=Agent.Status.DELETING).first()
    return found


def _make_lead(actor: AgentActor, board: Board) -> Agent:
    who = SystemActor(f"asked by {actor.name}", board.organization_id)
    name = f"{board.name[:180]} Lead"
    if Agent.objects.filter(gateway=board.gateway, name__iexact=name).exists():
        name = f"{name} {str(board.pk)[:8]}"
    try:
        return crud.create_agent(who, name=name, board_id=board.pk, agent_type=Agent.Type.LEAD)
    except Conflict:
        present = _lead_of(board)  # somebody else was faster
        if present is None:
            raise
        return present


def _lead_facts(board: Board, actor: AgentActor, words: Words) -> list[tuple[str, Any]]:
    return [
        ("Board", f"{board.name} ({board.pk})"),
        ("From", actor.name),
        ("Correlation id", words.correlation_id),
    ]


def _lead_action(board: Board, words: Words) -> str:
    return f"Decide what this means for your board and act. {_reply_call(board, words)}"


def _lead_text(lead: Agent, board: Board, actor: AgentActor, words: Words, kind: Kind) -> str:
    return workspace.message_text(
        lead, head=_HEADS[kind], facts=_lead_facts(board, actor, words),
        block=redact_text(words.content), action=_lead_action(board, words),
    )  # fmt: skip


@service
def _leave_message(
    actor: AgentActor, lead: Agent, board: Board, words: Words, kind: Kind
) -> AgentNotification | None:
    message = notifications.Message(
        kind=AgentNotification.Kind.COORDINATION,
        head=_HEADS[kind],
        facts=_lead_facts(board, actor, words),
        block=redact_text(words.content),
        action=_lead_action(board, words),
    )
    row = notifications.notify(lead, message)
    setup.note("agent.lead_messaged", actor, lead, excerpt=_excerpt(words.content))
    return row


def broadcast_to_leads(
    actor: AgentActor, words: Words, *, kind: Kind, board_ids: Sequence[UUID] | None = None
) -> list[dict[str, Any]]:
    """The gateway's own agent writes to the leads of its boards; a lead is never made.

    Returns:
        One result for each board: ``{board_id, board_name, lead_agent_id, lead_agent_name, ok,
        error}``.

    Raises:
        Forbidden: not a gateway's own agent.
        NotFound: a named board is not on its gateway.
    """
    _as_main(actor)
    boards = Board.objects.visible_to(actor).order_by("name", "pk")
    if board_ids is not None:
        wanted = set(board_ids)
        boards = boards.filter(pk__in=wanted)
        if boards.count() != len(wanted):
            raise NotFound
    leads = {
        lead.board_id: lead
        for lead in Agent.objects.select_related("board", "gateway")
        .filter(board__in=boards.values("pk"), agent_type=Agent.Type.LEAD)
        .exclude(status=Agent.Status.DELETING)
    }
    deadline = time.monotonic() + saying.PATIENCE_SECONDS
    results = [
        _broadcast_one(actor, board, leads.get(board.pk), words, kind, deadline)
        for board in boards[:200]
    ]
    _tell_broadcast(actor, results, _excerpt(words.content))
    return results


def _broadcast_one(
    actor: AgentActor, board: Board, lead: Agent | None, words: Words, kind: Kind, deadline: float
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "board_id": board.pk,
        "board_name": board.name,
        "lead_agent_id": lead.pk if lead else None,
        "lead_agent_name": lead.name if lead else None,
        "ok": False,
        "error": None,
    }
    if lead is None:
        return {**result, "error": "no lead"}
    try:
        require_session(lead)
        saying.say(lead, _lead_text(lead, board, actor, words, kind), deadline=deadline)
    except DomainError as refusal:
        reason = redact_text(str(refusal.detail), (tokens.token_to_write(lead),))
        _note("agent.lead_message_failed", actor, lead, reason=reason[:300])
        return {**result, "error": reason[:500]}
    return {**result, "ok": True}


@service
def _tell_broadcast(actor: AgentActor, results: list[dict[str, Any]], excerpt: str) -> None:
    me = Agent.objects.get(pk=actor.id)
    sent = sum(bool(row["ok"]) for row in results)
    publish(
        "agent.leads_told",
        actor=actor,
        target=me,
        organization_id=actor.organization_id,
        agent_id=me.pk,
        data={"sent": sent, "failed": len(results) - sent, "excerpt": excerpt},
    )
