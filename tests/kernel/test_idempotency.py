"""A key on a call that waits for a gateway: no transaction meanwhile, one run, a way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser

from activity.models import ActivityEvent
from agents.models import Agent
from agents.services import coordination
from gateways import services as gateways
from missioncontrol.kernel import clock
from missioncontrol.kernel.errors import GatewayUnavailable
from missioncontrol.kernel.models import IdempotencyRecord
from tests.clients import Answer
from tests.pages.conftest import browser
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)
KEY = {"Idempotency-Key": "once-1"}
Say = Callable[[Callable[[], None]], list[str]]


@pytest.fixture
def ground() -> World:
    """The world, with a worker who can be told something."""
    world = build_world()
    Agent.objects.filter(pk=world.worker.pk).update(
        provisioned_at=clock.now(), status=Agent.Status.ONLINE
    )
    return world


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let a function stand for the gateway; the list holds what it was told."""
    said: list[str] = []

    def put(work: Callable[[], None]) -> list[str]:
        def answer(_agent: Agent, text: str, **_options: Any) -> None:
            said.append(text)
            work()

        monkeypatch.setattr(coordination.saying, "say", answer)
        return said

    return put


def nudge(world: World, message: str = "Look again") -> Answer:
    path = f"/agent/boards/{world.board.pk}/agents/{world.worker.pk}/nudge"
    return world.as_lead.post(path, {"message": message}, headers=KEY)


def test_no_transaction_is_open_while_the_gateway_is_called(ground: World, say: Say) -> None:
    seen: list[tuple[bool, int]] = []
    said = say(lambda: seen.append((connection.in_atomic_block, IdempotencyRecord.objects.count())))
    nudge(ground).expect(200)
    assert seen == [(False, 1)]
    again = nudge(ground).expect(200)
    assert again.headers["Idempotent-Replay"] == "true"
    assert len(said) == 1
    assert nudge(ground, "Other words").expect(409).code == "idempotency_mismatch"


def test_the_same_key_meanwhile_is_told_to_wait(ground: World, say: Say) -> None:
    meanwhile: list[Answer] = []
    say(lambda: meanwhile.append(nudge(ground)))
    nudge(ground).expect(200)
    refused = meanwhile[0].expect(409)
    assert refused.code == "idempotency_in_progress"
    assert refused.headers["Retry-After"] == "2"
    assert ActivityEvent.objects.filter(type="agent.nudged").count() == 1


def test_a_refusal_gives_the_key_back_and_stays_recorded(ground: World, say: Say) -> None:
    def away() -> None:
        raise GatewayUnavailable("away")

    said = say(away)
    nudge(ground).expect(502)
    assert not IdempotencyRecord.objects.exists()
    assert ActivityEvent.objects.filter(type="agent.nudge_failed").count() == 1
    say(lambda: None)
    nudge(ground).expect(200)
    assert len(said) == 2


def test_a_crash_gives_the_key_back_after_a_while(ground: World, say: Say) -> None:
    said = say(lambda: None)
    nudge(ground).expect(200)
    IdempotencyRecord.objects.update(
        status=None, body=None, claimed_until=clock.now() + timedelta(minutes=9)
    )
    assert nudge(ground).expect(409).code == "idempotency_in_progress"
    IdempotencyRecord.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    assert nudge(ground, "Other words").expect(409).code == "idempotency_mismatch"
    nudge(ground).expect(200)
    assert nudge(ground).expect(200).headers["Idempotent-Replay"] == "true"
    assert len(said) == 2


def test_who_was_given_up_does_not_overwrite_the_new_answer(ground: World, say: Say) -> None:
    """The first request comes back after its claim was taken over."""
    rounds: list[Answer] = []

    def slow() -> None:
        if not rounds:
            rounds.append(nudge(ground))
            IdempotencyRecord.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
            rounds.append(nudge(ground))
            raise GatewayUnavailable("too late")

    say(slow)
    nudge(ground).expect(502)
    assert [answer.status for answer in rounds] == [409, 200]
    assert nudge(ground).expect(200).headers["Idempotent-Replay"] == "true"


def test_a_page_that_waits_sends_once(ground: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann: Browser = browser(ground.ann)
    path = f"/gateways/{ground.gateway.pk}/session?key=agent:x:main"
    form = {"form_key": "k1", "content": "Hello"}
    seen: list[Any] = []

    def send(*_given: Any, **_options: Any) -> None:
        seen.append(connection.in_atomic_block)
        if len(seen) == 1:
            seen.append(ann.post(path, form)["Location"])

    monkeypatch.setattr(gateways, "send_to_session", send)
    first = ann.post(path, form)
    assert first.status_code == 302
    assert seen[0] is False
    assert seen[1:] == [path]
    assert ann.post(path, form)["Location"] == first["Location"]
    assert len(seen) == 2
