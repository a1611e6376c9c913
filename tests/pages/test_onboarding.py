"""The interview about a board's goal by its pages."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.test import Client

from agents import onboarding_rules as rules
from agents.models import Agent, Onboarding
from agents.pages.onboarding import lines_of, metrics_of
from missioncontrol.kernel import clock
from tests.pages.conftest import HTMX
from tests.world import World

QUESTION = {
    "question": "What <b>for</b>?",
    "options": [{"id": "1", "label": "Ship"}, {"id": "type", "label": "I will type it"}],
}
DRAFT = {
    "board_type": "goal", "objective": "Ship it", "success_metrics": {"users": 20},
    "lead_agent": {"name": "Grace", "autonomy_level": "balanced"},
}  # fmt: skip


def interview(world: World, *said: object, age: int = 0, **fields: object) -> Onboarding:
    """An interview: the prompt, then what is said in turn."""
    at = clock.now() - timedelta(seconds=age)
    messages = [rules.message("user", "PROMPT FOR THE AGENT", at)]
    for thing in said:
        is_question = isinstance(thing, dict)
        content = orjson.dumps(thing).decode() if is_question else str(thing)
        messages.append(rules.message("assistant" if is_question else "user", content, at))
    return Onboarding.objects.create(
        organization=world.org, board=world.board, session_key="agent:x:main", messages=messages,
        **fields,
    )  # fmt: skip


def path(world: World) -> str:
    return f"/boards/{world.board.id}/onboarding"


def test_before_it_begins(world: World, ann: Client, bob: Client, eve: Client) -> None:
    assert "Start the interview" in ann.get(path(world)).content.decode()
    assert "Start the interview" not in bob.get(path(world)).content.decode()
    assert eve.get(path(world)).status_code == 404
    # The gateway of the world has no agent of its own: the refusal is said on the page.
    answer = ann.post(f"{path(world)}/start", follow=True)
    assert "no agent of its own" in answer.content.decode()


def test_a_question_shows_its_answers(world: World, ann: Client, bob: Client) -> None:
    interview(world, QUESTION)
    page = ann.get(path(world), **HTMX).content.decode()
    assert "What &lt;b&gt;for&lt;/b&gt;?" in page
    assert "PROMPT FOR THE AGENT" not in page
    assert 'value="Ship"' in page
    assert 'name="other_text"' in page
    assert "every 3s" not in page
    assert 'value="Ship"' not in bob.get(path(world)).content.decode()


@pytest.mark.parametrize(("age", "is_silent"), [(0, False), (5, False), (119, False), (121, True)])
def test_silence_is_said(world: World, ann: Client, age: int, *, is_silent: bool) -> None:
    interview(world, QUESTION, "Ship", age=age)
    page = ann.get(path(world)).content.decode()
    assert ("The gateway agent has not answered" in page) is is_silent
    assert ("Ask again" in page) is is_silent
    assert ("is thinking" in page) is not is_silent
    assert "every 3s" in page


def test_a_proposal_is_looked_at_and_confirmed(world: World, ann: Client) -> None:
    done = {"status": "complete", **DRAFT}
    interview(world, QUESTION, "Ship", done, status="completed", draft_goal=DRAFT)
    assert "Review and confirm" in ann.get(path(world)).content.decode()
    form = ann.get(f"{path(world)}/confirm").content.decode()
    assert "Ship it" in form
    assert "users: 20" in form
    bad = ann.post(f"{path(world)}/confirm", {"board_type": "goal", "objective": ""})
    assert bad.status_code == 422
    Agent.objects.filter(pk=world.lead.pk).update(agent_type="worker")
    wanted = {"board_type": "goal", "objective": "Ship it", "success_metrics": "users: 25\nno bugs"}
    answer = ann.post(f"{path(world)}/confirm", wanted)
    assert answer["Location"] == f"/boards/{world.board.id}"
    world.board.refresh_from_db()
    assert world.board.goal_confirmed
    assert world.board.success_metrics == {"users": "25", "no bugs": ""}
    assert Agent.objects.get(board=world.board, agent_type="lead").name == "Grace"
    assert "The goal is confirmed" in ann.get(path(world)).content.decode()


def test_by_hand_without_an_interview(world: World, ann: Client, bob: Client) -> None:
    wanted = {"board_type": "general", "objective": "Run it"}
    assert bob.post(f"{path(world)}/confirm", wanted).status_code == 403
    assert ann.post(f"{path(world)}/confirm", wanted).status_code == 302
    world.board.refresh_from_db()
    assert (world.board.objective, world.board.goal_source) == ("Run it", "by_hand")


def test_ending_it(world: World, ann: Client, bob: Client) -> None:
    row = interview(world, QUESTION)
    bob.post(f"{path(world)}/cancel")
    row.refresh_from_db()
    assert row.status == "active"
    ann.post(f"{path(world)}/cancel")
    row.refresh_from_db()
    assert row.status == "cancelled"


def test_measures_are_lines() -> None:
    assert metrics_of("users: 20\n\n no bugs \nurl: http://x") == {
        "users": "20", "no bugs": "", "url": "http://x",
    }  # fmt: skip
    assert lines_of({"users": 20, "no bugs": ""}) == "users: 20\nno bugs"
    assert lines_of(None) == ""
    listed = {"regions": ["eu", "亚太"], "odd": "[not json"}
    assert lines_of(listed) == 'regions: ["eu","亚太"]\nodd: [not json'
    assert metrics_of(lines_of(listed)) == listed
