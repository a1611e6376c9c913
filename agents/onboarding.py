"""Interviews about boards, sent to the agent of the board's gateway while a person waits.

No transaction is open while the gateway is called. What could not be sent leaves no trace.
Source: core specification 8.
"""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from gateways import rpc
from gateways.wire import sessions
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.errors import DomainError, Invalid, RemoteFailed

from . import delivery, onboarding_rules, workspace
from .models import Onboarding
from .onboarding_shapes import Completion, Question, example_of
from .services import interviews
from .services.interviews import Opened

MAX_ANSWER = 4_000
_STEADY = uuid.UUID("5a2a2f0e-6d0b-4c1c-9a55-2f1f0c3c7c10")


def start(actor: UserActor, board_id: Any) -> Onboarding:
    """Begin the interview about a board, or say again what the agent has not answered.

    Raises:
        NotFound: absent or invisible.
        Forbidden: no right to write.
        Invalid: no gateway, or one without an agent of its own.
        RemoteFailed: the gateway did not take it; a new interview is then forgotten.
    """
    opened = interviews.open_interview(actor, board_id)
    interview = opened.interview
    if not interview.messages:
        interview = interviews.keep_prompt(actor, interview.pk, text=_prompt(opened))
    elif onboarding_rules.is_users_turn(interview.messages):
        return interview
    key = interview.pk if opened.is_new else uuid.uuid4()
    try:
        _send(opened, _text_of_last(opened, interview), key)
    except DomainError as refusal:
        if opened.is_new:
            interviews.abandon(interview.pk)
        raise _failed(_("Gateway onboarding start dispatch failed: %(e)s"), refusal) from refusal
    if opened.is_new:
        interviews.record_started(actor, interview.pk)
    return interview


def answer(actor: UserActor, board_id: Any, *, answer: str, other_text: str | None) -> Onboarding:
    """Pass a person's answer on; it is kept once the gateway took it.

    Raises:
        Invalid: blank or too long; no gateway.
        NotFound: absent or invisible board; no interview.
        Forbidden: no right to write.
        Conflict: the interview was confirmed already.
        RemoteFailed: the gateway did not take it.
    """
    content = onboarding_rules.content_of(answer, other_text)
    if not answer.strip():
        raise Invalid(_("An answer needs some text."), field="answer")
    if len(content) > MAX_ANSWER:
        raise Invalid(_("The answer is longer than 4 000 characters."), field="answer")
    opened = interviews.open_answer(actor, board_id)
    interview = opened.interview
    # The same answer at the same point is one message, also when its first sending got lost.
    after = len(interview.messages)
    key = uuid.uuid5(_STEADY, f"{interview.pk}:{after}:{content}")
    try:
        _send(opened, _wrapped(opened, interview, content), key)
    except DomainError as refusal:
        raise _failed(_("Gateway onboarding answer dispatch failed: %(e)s"), refusal) from refusal
    return interviews.record_answer(actor, interview.pk, content=content, after=after)


def _failed(text: str, refusal: DomainError) -> RemoteFailed:
    return RemoteFailed(text % {"e": refusal.detail}, code="onboarding_dispatch_failed")


def _send(opened: Opened, text: str, key: UUID) -> None:
    main = opened.main
    hold = delivery.why_held(main)
    if hold or main.gateway_id is None:
        raise RemoteFailed(hold or _("The agent has no gateway any more."))
    with rpc.session(main.gateway_id) as session:
        session.run(
            lambda client: sessions.send_chat(
                client, main.session_key, text, idempotency_key=str(key)
            )
        )


def _text_of_last(opened: Opened, interview: Onboarding) -> str:
    """What the agent has not answered: the prompt as it is, or an answer with what to do next."""
    last = str(interview.messages[-1]["content"])
    if len(interview.messages) == 1:
        return last
    return _wrapped(opened, interview, last)


def _prompt(opened: Opened) -> str:
    return workspace.interview_text(opened.main, "interview.txt.j2", _facts(opened, asked=0))


def _wrapped(opened: Opened, interview: Onboarding, content: str) -> str:
    asked = onboarding_rules.questions_in(interview.messages)
    facts = {**_facts(opened, asked=asked), "content": content}
    return workspace.interview_text(opened.main, "answer.txt.j2", facts)


def _facts(opened: Opened, *, asked: int) -> dict[str, Any]:
    board = opened.board
    return {
        "board_id": str(board.pk),
        "board_name": board.name,
        "board_description": board.description,
        "onboarding_id": str(opened.interview.pk),
        "address": f"{settings.BASE_URL.rstrip('/')}/api/v1/agent/boards/{board.pk}/onboarding",
        "asked": asked,
        "least": onboarding_rules.LEAST_QUESTIONS,
        "most": onboarding_rules.MOST_QUESTIONS,
        "question": example_of(Question),
        "completion": example_of(Completion),
    }


def newest(actor: Actor, board_id: UUID) -> Onboarding | None:
    """The newest interview of a readable board."""
    rows = Onboarding.objects.visible_to(actor).filter(board_id=board_id)
    found: Onboarding | None = rows.order_by("-created_at", "-id").first()
    return found
