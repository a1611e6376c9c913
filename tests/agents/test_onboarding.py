"""Onboarding interviews: the whole way on the simulated gateway, its refusals, its confirmation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from activity.models import ActivityEvent
from agents import onboarding
from agents import onboarding_rules as rules
from agents.models import Agent, Onboarding
from agents.onboarding_shapes import Completion, Question, example_of
from boards.models import Board
from gateways.simulator.faults import Refused
from gateways.simulator.thread import SimulatedGatewayThread
from gateways.simulator.worker import Worker
from missioncontrol.kernel import clock
from tests import factories
from tests.clients import Client

from .conftest import GATEWAY_TOKEN, Stage, make_stage
from .test_setup import check_in, token_of

QUESTION = {"question": "What for?", "options": [{"id": "a", "label": "Ship"}]}
COMPLETE = {
    "status": "complete", "board_type": "goal", "objective": "Ship it",
    "success_metrics": {"users": 20}, "target_date": "2027-01-31",
    "user_profile": {"preferred_name": "Annie", "timezone": "Europe/Berlin"},
    "lead_agent": {
        "name": "Grace", "identity_profile": {"role": "Lead of all", "emoji": ":owl:"},
        "autonomy_level": "balanced", "update_cadence": "daily",
    },
}  # fmt: skip
GOAL = {"board_type": "goal", "objective": "Ship it", "success_metrics": {"users": 20}}


def main_of(stage: Stage) -> tuple[Agent, Client]:
    """The gateway's own agent, set up, and its client."""
    from agents.services import placement

    main = placement.ensure_main_agent(stage.gateway.id)
    assert main is not None
    stage.run(main)
    check_in(stage, main)
    return stage.fresh(main), Client(agent_token=token_of(stage, main))


def path_of(stage: Stage) -> str:
    return f"/boards/{stage.board.id}/onboarding"


def interview() -> Onboarding:
    return Onboarding.objects.latest("created_at")


# --- with a scripted agent ------------------------------------------------------------------------


class LocalApi(httpx.AsyncBaseTransport):
    """Carries an agent's calls to the product in this process."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(4)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body, loop = await request.aread(), asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._answer, request, body)

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        try:
            with httpx.Client(
                transport=httpx.WSGITransport(app=WSGIHandler()), base_url="http://localhost"
            ) as http:
                answer = http.request(
                    request.method, request.url.raw_path.decode(), content=body,
                    headers={
                        k: v for k, v in request.headers.items() if k.lower() != "host"
                    },
                )  # fmt: skip
            return httpx.Response(
                answer.status_code, content=answer.content, headers=dict(answer.headers)
            )
        finally:
            connections.close_all()


@pytest.fixture
def scripted(transactional_db: None) -> Iterator[Stage]:
    """The stage with agents that do what they are told."""
    calls = LocalApi()
    worker = Worker(speed=1_000, transport=calls)
    with SimulatedGatewayThread(token=GATEWAY_TOKEN, brain=worker, speed=1_000) as running:
        yield make_stage(running)
        running.run(worker.close())
    calls.pool.shutdown(wait=True)  # before the tables are emptied


def wait_for(what: Any, seconds: float = 30) -> Any:
    """Until something is true."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, orjson.dumps(interview().messages).decode()
        time.sleep(0.05)
    return found


def test_a_whole_interview_with_the_simulated_agent(scripted: Stage) -> None:
    main_of(scripted)
    ann, path = scripted.world.as_ann, path_of(scripted)
    row = ann.post(f"{path}/start", {}).expect(200).json
    assert (row["status"], row["messages"][0]["role"]) == ("active", "user")
    answers = {
        "What is this board for?": ("I will type it", "Ship release 4"),
        "What shall the lead be called?": ("Grace", None),
        "How much may the lead decide alone?": ("Ask me first", None),
    }
    asked = 0
    while interview().status == "active":
        wait_for(lambda: rules.is_users_turn(interview().messages))
        if interview().status != "active":
            break
        said = rules.read(interview().messages[-1]["content"])
        asked += 1
        first = (said["options"][0]["label"], None)
        answer, other = answers.get(said["question"], first)
        body = {"answer": answer} | ({"other_text": other} if other else {})
        ann.post(f"{path}/answer", body).expect(200)
    assert rules.LEAST_QUESTIONS <= asked <= rules.MOST_QUESTIONS
    draft = interview().draft_goal
    assert "Ship release 4" in draft["objective"]
    goal = {k: draft[k] for k in ("board_type", "objective", "success_metrics")}
    answer = ann.post(f"{path}/confirm", goal).expect(200).json
    assert (answer["goal_confirmed"], answer["goal_source"]) == (True, "lead_agent_onboarding")
    assert answer["warnings"] == []
    lead = Agent.objects.get(board=scripted.board, agent_type="lead")
    assert lead.name == "Grace"
    assert lead.identity_profile["autonomy_level"] == "ask_first"
    scripted.run(lead)
    assert scripted.fresh(lead).last_provision_error == ""
    types = set(ActivityEvent.objects.values_list("type", flat=True))
    assert types >= {
        "onboarding.started", "onboarding.asked", "onboarding.answered", "onboarding.completed",
        "onboarding.confirmed",
    }  # fmt: skip


# --- step by step ---------------------------------------------------------------------------------


def test_start_answer_completion_and_their_texts(stage: Stage) -> None:
    main, agent = main_of(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    ann.get(path).expect(404)
    first = ann.post(f"{path}/start", {}).expect(200).json
    prompt = stage.chats()[-1]
    assert stage.methods("chat.send")[-1].params["sessionKey"] == main.session_key
    assert prompt == first["messages"][0]["content"]
    for part in (
        "ONBOARDING INTERVIEW", str(stage.board.id), f"/api/v1/agent{path}",
        example_of(Question), example_of(Completion), "ask_first|balanced|autonomous",
    ):  # fmt: skip
        assert part in prompt
    assert "mca_" not in prompt
    # Started again while the agent is silent, the same text goes out again.
    again = ann.post(f"{path}/start", {}).expect(200).json
    assert again["id"] == first["id"]
    assert stage.chats()[-2:] == [prompt, prompt]
    agent.post(f"/agent{path}", QUESTION).expect(200)
    count = len(stage.chats())
    ann.post(f"{path}/start", {}).expect(200)
    assert len(stage.chats()) == count
    row = ann.post(f"{path}/answer", {"answer": "Ship", "other_text": "v4"}).expect(200).json
    assert row["messages"][-1]["content"] == "Ship: v4"
    assert "Ship: v4" in stage.chats()[-1]
    assert "Questions asked so far: 1" in stage.chats()[-1]
    agent.post(f"{path}/agent", COMPLETE, headers={}).expect(200)
    row = ann.get(path).expect(200).json
    assert (row["status"], row["draft_goal"]["objective"]) == ("completed", "Ship it")
    ann.post(f"{path}/answer", {"answer": "One thing more"}).expect(200)
    agent.post(f"{path}/agent", {**COMPLETE, "objective": "Ship it well"}).expect(200)
    assert ann.get(path).json["draft_goal"]["objective"] == "Ship it well"


def test_an_agent_that_asks_on_before_the_answer_is_kept_asks_after_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _main, agent = main_of(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    ann.post(f"{path}/start", {}).expect(200)
    agent.post(f"/agent{path}", QUESTION).expect(200)
    send = onboarding._send
    following = {**QUESTION, "question": "By when?"}

    def quickly(*sent: Any) -> None:
        send(*sent)
        agent.post(f"/agent{path}", following).expect(200)

    monkeypatch.setattr(onboarding, "_send", quickly)
    said = ann.post(f"{path}/answer", {"answer": "Ship"}).expect(200).json["messages"]
    assert [entry["role"] for entry in said] == ["user", "assistant", "user", "assistant"]
    assert said[2]["content"] == "Ship"
    assert "By when?" in said[3]["content"]


def test_what_the_gateway_does_not_take_leaves_no_trace(stage: Stage) -> None:
    _main, agent = main_of(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    refuse = Refused("model is away", code="INVALID_REQUEST", is_retryable=False)
    stage.sim.faults.refuse["chat.send"] = refuse
    answer = ann.post(f"{path}/start", {}).expect(502)
    assert answer.json["detail"].startswith("Gateway onboarding start dispatch failed: ")
    assert not Onboarding.objects.exists()
    stage.sim.faults.refuse.clear()
    ann.post(f"{path}/start", {}).expect(200)
    agent.post(f"{path}/agent", QUESTION).expect(200)
    stage.sim.faults.refuse["chat.send"] = refuse
    ann.post(f"{path}/answer", {"answer": "Ship"}).expect(502)
    assert len(interview().messages) == 2
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    ann.post(f"{path}/answer", {"answer": "Ship"}).expect(502)
    assert len(interview().messages) == 2


def test_who_may_speak(stage: Stage) -> None:
    _main, agent = main_of(stage)
    world, path = stage.world, path_of(stage)
    agent.post(f"/agent{path}", QUESTION).expect(404)
    factories.grant(stage.board, world.bob, "read")
    world.as_bob.post(f"{path}/start", {}).expect(403)
    world.as_eve.post(f"{path}/start", {}).expect(404)
    world.as_ann.post(f"{path}/start", {}).expect(200)
    for part in ("answer", "confirm", "cancel"):
        body = {"answer": {"answer": "x"}, "confirm": {"board_type": "general"}}.get(part, {})
        world.as_bob.post(f"{path}/{part}", body).expect(403)
        world.as_eve.post(f"{path}/{part}", body).expect(404)
    world.as_bob.get(path).expect(200)
    world.as_eve.get(path).expect(404)
    own = factories.make_agent(
        world.org, "Own", board=stage.board, gateway=stage.gateway, token="mca_" + "o" * 43
    )
    assert own.board_id == stage.board.id
    Client(agent_token="mca_" + "o" * 43).post(f"{path}/agent", QUESTION).expect(403)
    world.as_lead.post(f"{path}/agent", QUESTION).expect(404)
    world.as_other_lead.post(f"/agent{path}", QUESTION).expect(404)
    Client().post(f"{path}/agent", QUESTION).expect(401)
    world.as_ann.post(f"{path}/agent", QUESTION).expect(403)
    other = factories.make_agent(
        world.other_org, "MB", gateway=world.other_gateway, agent_type="main",
        token="mca_" + "m" * 43, status="online",
    )  # fmt: skip
    assert other.agent_type == "main"
    Client(agent_token="mca_" + "m" * 43).post(f"/agent{path}", QUESTION).expect(404)
    assert len(interview().messages) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"question": "What?", "options": []},
        {"question": " ", "options": [{"id": "a", "label": "b"}]},
        {"question": "What?"},
        {"question": "What?", "options": [{"id": "a"}]},
        {"question": "What?", "options": [{"id": "a", "label": "b"}], "more": 1},
        {"status": "done", "board_type": "goal"},
        {"status": "complete"},
        {"status": "complete", "board_type": "kanban"},
        {"status": "complete", "board_type": "goal", "lead_agent": {"autonomy_level": "wild"}},
        {"status": "complete", "board_type": "goal", "target_date": "soon"},
    ],
    ids=str,
)
def test_what_the_agent_says_has_to_fit(stage: Stage, body: dict[str, Any]) -> None:
    _main, agent = main_of(stage)
    stage.world.as_ann.post(f"{path_of(stage)}/start", {}).expect(200)
    answer = agent.post(f"/agent{path_of(stage)}", body).expect(422)
    assert answer.json["errors"]
    assert len(interview().messages) == 1


def test_no_gateway_no_agent_no_interview(stage: Stage) -> None:
    ann, path = stage.world.as_ann, path_of(stage)
    assert ann.post(f"{path}/start", {}).expect(422).code == "no_gateway_agent"
    for part, body in (("answer", {"answer": "x"}), ("cancel", {}), ("confirm", GOAL)):
        ann.post(f"{path}/{part}", body).expect(404)
    Board.objects.filter(pk=stage.board.pk).update(gateway=None)
    assert ann.post(f"{path}/start", {}).expect(422).code == "no_gateway"
    ann.post(f"{path}/answer", {"answer": "  "}).expect(422)


def test_an_ended_interview_makes_room_for_a_new_one(stage: Stage) -> None:
    _main, agent = main_of(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    first = ann.post(f"{path}/start", {}).expect(200).json["id"]
    assert ann.post(f"{path}/cancel", {}).expect(200).json["status"] == "cancelled"
    agent.post(f"{path}/agent", QUESTION).expect(404)
    ann.post(f"{path}/cancel", {}).expect(404)
    assert ann.post(f"{path}/start", {}).expect(200).json["id"] != first


# --- confirmation ---------------------------------------------------------------------------------


def completed(stage: Stage, **draft: Any) -> Client:
    """An interview with a draft; returns the agent's client."""
    _main, agent = main_of(stage)
    stage.world.as_ann.post(f"{path_of(stage)}/start", {}).expect(200)
    agent.post(f"{path_of(stage)}/agent", {**COMPLETE, **draft}).expect(200)
    return agent


def test_a_confirmed_goal_makes_the_lead_and_keeps_the_person(stage: Stage) -> None:
    agent = completed(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    ann.post(f"{path}/confirm", {"board_type": "goal"}).expect(422)
    ann.post(f"{path}/confirm", {"board_type": "goal", "objective": "x"}).expect(422)
    row = ann.post(f"{path}/confirm", GOAL).expect(200).json
    assert (row["goal_confirmed"], row["goal_source"]) == (True, "lead_agent_onboarding")
    assert (row["require_approval_for_done"], row["warnings"]) == (True, [])
    person = ann.get("/users/me").json
    assert (person["preferred_name"], person["timezone"]) == ("Annie", "Europe/Berlin")
    lead = Agent.objects.get(board=stage.board, agent_type="lead")
    assert (lead.name, lead.work) == ("Grace", "provision")
    assert lead.identity_profile == {
        "role": "Lead of all", "emoji": ":owl:", "autonomy_level": "balanced",
        "update_cadence": "daily",
    }  # fmt: skip
    assert ann.get(path).json["status"] == "confirmed"
    agent.post(f"{path}/agent", COMPLETE).expect(409)
    ann.post(f"{path}/confirm", GOAL).expect(409)
    ann.post(f"{path}/answer", {"answer": "x"}).expect(409)


@pytest.mark.parametrize(
    ("lead", "asks"),
    [
        ({"autonomy_level": "autonomous"}, False),
        ({"autonomy_level": "balanced"}, True),
        ({"identity_profile": {"mode": "Fully autonomous"}}, False),
        ({"identity_profile": {"autonomy": "full-autonomy"}}, False),
        ({"identity_profile": {"autonomy_level": "semi-autonomous"}}, True),
        (None, True),
    ],
    ids=str,
)
def test_only_a_fully_autonomous_lead_finishes_alone(lead: Any, asks: bool) -> None:
    assert rules.is_autonomous({"lead_agent": lead}) is not asks


def test_only_an_admin_gives_up_the_approval_rule(stage: Stage) -> None:
    completed(stage, lead_agent={"name": "Grace", "autonomy_level": "autonomous"})
    factories.grant(stage.board, stage.world.bob, "write")
    row = stage.world.as_bob.post(f"{path_of(stage)}/confirm", GOAL).expect(200).json
    assert row["require_approval_for_done"] is True
    assert len(row["warnings"]) == 1
    Onboarding.objects.update(status="completed")
    row = stage.world.as_ann.post(f"{path_of(stage)}/confirm", GOAL).expect(200).json
    assert row["require_approval_for_done"] is False


def test_what_does_not_work_is_a_warning(stage: Stage) -> None:
    completed(stage, user_profile={"timezone": "Mars/Base", "preferred_name": "Annie"})
    factories.make_agent(stage.world.org, "grace", gateway=stage.gateway, board=stage.board)
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(status="offline")
    row = stage.world.as_ann.post(f"{path_of(stage)}/confirm", GOAL).expect(200).json
    assert len(row["warnings"]) == 2
    assert stage.world.as_ann.get("/users/me").json["preferred_name"] == "Annie"
    lead = Agent.objects.get(board=stage.board, agent_type="lead")
    assert lead.name == f"Grace {stage.board.key}"


def test_a_lead_that_is_there_learns_what_was_agreed_on(stage: Stage) -> None:
    lead = factories.make_agent(
        stage.world.org, "Old", board=stage.board, gateway=stage.gateway, agent_type="lead",
        identity_profile={"role": "Before", "purpose": "stay"},
    )  # fmt: skip
    completed(stage)
    stage.world.as_ann.post(f"{path_of(stage)}/confirm", GOAL).expect(200)
    lead = stage.fresh(lead)
    assert lead.name == "Old"
    assert (lead.identity_profile["role"], lead.identity_profile["purpose"]) == (
        "Lead of all", "stay",
    )  # fmt: skip


def test_silence_is_counted_from_the_last_word(stage: Stage) -> None:
    _main, agent = main_of(stage)
    ann, path = stage.world.as_ann, path_of(stage)
    ann.post(f"{path}/start", {}).expect(200)
    messages = interview().messages
    assert rules.silent_seconds(messages, clock.now() + timedelta(seconds=130)) >= 130
    agent.post(f"{path}/agent", QUESTION).expect(200)
    assert ann.get(path).json["silent_seconds"] == 0


def test_typed_options_are_known() -> None:
    assert rules.is_typed({"id": "type", "label": "x"})
    assert rules.is_typed({"id": "3", "label": "I'll type it"})
    assert not rules.is_typed({"id": "3", "label": "Prototype first"})
