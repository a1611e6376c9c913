"""Leads and gateways' own agents speak to others: delivered now, or refused and told."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import ActivityEvent
from agents.models import Agent, AgentNotification
from agents.services import placement, saying
from gateways.models import Gateway
from gateways.simulator.faults import Refused
from tests import factories
from tests.clients import Client

from .conftest import Stage
from .test_setup import check_in, ready, token_of

HELLO = {"content": "Is the release ready?", "correlation_id": "c-1"}


def client_of(stage: Stage, agent: Agent) -> Client:
    return Client(agent_token=token_of(stage, agent))


@pytest.fixture
def lead(stage: Stage) -> Agent:
    return ready(stage, "Lea", agent_type="lead")


@pytest.fixture
def main(stage: Stage) -> Agent:
    agent = placement.ensure_main_agent(stage.gateway.pk)
    assert agent is not None
    agent = stage.run(agent)
    assert agent.last_provision_error == ""
    check_in(stage, agent)
    return stage.fresh(agent)


def test_a_lead_nudges_a_worker(stage: Stage, lead: Agent) -> None:
    worker = ready(stage, "Wim")
    path = f"/agent/boards/{stage.board.pk}/agents/{worker.pk}/nudge"
    client_of(stage, lead).post(path, {"message": "Where do you stand?"}).expect(200)
    assert "Where do you stand?" in stage.chats()[-1]
    assert "NUDGE FROM THE LEAD" in stage.chats()[-1]
    event = ActivityEvent.objects.get(type="agent.nudged")
    assert (event.agent_id, event.actor_id) == (worker.pk, lead.pk)
    client_of(stage, worker).post(path, {"message": "x"}).expect(403)
    client_of(stage, lead).post(path, {"message": "  "}).expect(422)
    foreign = f"/agent/boards/{stage.world.board.pk}/agents/{stage.world.worker.pk}/nudge"
    client_of(stage, lead).post(foreign, {"message": "x"}).expect(404)


@pytest.mark.scenario("CORE-30")
def test_agents_of_others_are_not_there(stage: Stage, lead: Agent) -> None:
    other = stage.world.as_other_lead
    base = f"/agent/boards/{stage.board.pk}/agents/{lead.pk}"
    other.post(f"{base}/nudge", {"message": "x"}).expect(404)
    other.get(f"{base}/soul").expect(404)
    other.put(f"{base}/soul", {"content": "x"}).expect(404)
    mixed = f"/agent/boards/{stage.world.other_board.pk}/agents/{lead.pk}/nudge"
    other.post(mixed, {"message": "x"}).expect(404)


def test_who_has_no_session_or_rests_is_not_nudged(stage: Stage, lead: Agent) -> None:
    fresh = factories.make_agent(stage.world.org, "New", board=stage.board, gateway=stage.gateway)
    path = f"/agent/boards/{stage.board.pk}/agents/{fresh.pk}/nudge"
    refused = client_of(stage, lead).post(path, {"message": "x"}).expect(422)
    assert refused.code == "no_session"
    Agent.objects.filter(pk=fresh.pk).update(status="paused", provisioned_at=lead.provisioned_at)
    assert client_of(stage, lead).post(path, {"message": "x"}).expect(409).code == "agent_paused"


def test_a_refusal_of_the_gateway_is_502_and_told(stage: Stage, lead: Agent) -> None:
    worker = ready(stage, "Wim")
    stage.sim.faults.refuse["chat.send"] = Refused(
        "disk full", code="INVALID_REQUEST", is_retryable=False
    )
    path = f"/agent/boards/{stage.board.pk}/agents/{worker.pk}/nudge"
    refused = client_of(stage, lead).post(path, {"message": "x"}).expect(502)
    assert refused.json["detail"].startswith("Gateway nudge failed: ")
    assert ActivityEvent.objects.get(type="agent.nudge_failed").data["reason"]
    assert not ActivityEvent.objects.filter(type="agent.nudged").exists()


def test_a_gateway_that_is_away_for_a_moment_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(saying.time, "sleep", pauses.append)
    answers: list[Any] = [1, 2, 3]

    def work() -> str:
        if answers:
            answers.pop()
            raise saying.GatewayUnavailable("away")
        return "said"

    assert saying.with_patience(work) == "said"
    assert [round(p, 1) for p in pauses] == pytest.approx([0.5, 1.0, 2.0], rel=0.2)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch, stage: Stage, lead: Agent) -> None:
    worker = ready(stage, "Wim")
    monkeypatch.setattr(saying, "PATIENCE_SECONDS", 0.1)
    Gateway.objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    path = f"/agent/boards/{stage.board.pk}/agents/{worker.pk}/nudge"
    client_of(stage, lead).post(path, {"message": "x"}).expect(502)


def test_a_soul_is_read_and_rewritten(stage: Stage, lead: Agent) -> None:
    worker = ready(stage, "Wim")
    path = f"/agent/boards/{stage.board.pk}/agents/{worker.pk}/soul"
    assert "Wim" in client_of(stage, worker).get(path).expect(200).json["content"]
    client_of(stage, worker).put(path, {"content": "mine"}).expect(403)
    body = {"content": "Patient. {{ no template }}", "source_url": "https://s.example/x",
            "reason": "too hasty"}  # fmt: skip
    client_of(stage, lead).put(path, body).expect(200)
    files = stage.sim.world.agents[worker.remote_id].files
    assert files["SOUL.md"] == "Patient. {{ no template }}\n"
    assert "raw" in (stage.fresh(worker).soul_template or "")
    event = ActivityEvent.objects.get(type="agent.soul_updated")
    assert event.data["reason"] == "too hasty"
    assert event.data["source_url"] == "https://s.example/x"
    client_of(stage, lead).put(path, {"content": " "}).expect(422)
    client_of(stage, lead).put(path, {"content": "x" * 20_001}).expect(422)
    own = f"/agent/boards/{stage.board.pk}/agents/{lead.pk}/soul"
    client_of(stage, worker).get(own).expect(403)


def test_a_lead_asks_the_person_through_the_gateways_agent(
    stage: Stage, lead: Agent, main: Agent
) -> None:
    path = f"/agent/boards/{stage.board.pk}/gateway/main/ask-user"
    body = {**HELLO, "preferred_channel": "telegram"}
    answer = client_of(stage, lead).post(path, body).expect(200).json
    assert (answer["main_agent_id"], answer["main_agent_name"]) == (str(main.pk), main.name)
    said = stage.chats()[-1]
    assert said.startswith("LEAD REQUEST: ASK USER")
    assert "Is the release ready?" in said
    assert "user_via_gateway_main" in said
    assert f"/agent/boards/{stage.board.pk}/memory" in said
    client_of(stage, main).post(path, HELLO).expect(403)


def test_without_a_gateways_agent_nobody_is_asked(stage: Stage, lead: Agent) -> None:
    path = f"/agent/boards/{stage.board.pk}/gateway/main/ask-user"
    assert client_of(stage, lead).post(path, HELLO).expect(409).code == "no_main_agent"


def test_the_gateways_agent_writes_to_a_lead(stage: Stage, lead: Agent, main: Agent) -> None:
    path = f"/agent/gateway/boards/{stage.board.pk}/lead/message"
    answer = client_of(stage, main).post(path, {**HELLO, "kind": "handoff"}).expect(200).json
    assert (answer["lead_agent_id"], answer["lead_created"]) == (str(lead.pk), False)
    assert stage.chats()[-1].startswith("GATEWAY MAIN HANDOFF")
    refused = client_of(stage, lead).post(path, HELLO).expect(403)
    assert refused.json["detail"] == "Only the dedicated gateway agent may call this endpoint."
    client_of(stage, main).post(path, {**HELLO, "kind": "order"}).expect(422)


def test_a_missing_lead_is_made_and_told_when_it_is_ready(stage: Stage, main: Agent) -> None:
    path = f"/agent/gateway/boards/{stage.board.pk}/lead/message"
    answer = client_of(stage, main).post(path, HELLO).expect(200).json
    assert answer["lead_created"] is True
    made = Agent.objects.get(pk=answer["lead_agent_id"])
    assert (made.agent_type, made.board_id) == ("lead", stage.board.pk)
    assert AgentNotification.objects.get(agent=made).kind == "coordination"
    stage.settle()
    assert any(text.startswith("GATEWAY MAIN QUESTION") for text in stage.chats())
    again = client_of(stage, main).post(path, HELLO).expect(200).json
    assert (again["lead_agent_id"], again["lead_created"]) == (str(made.pk), False)


@pytest.mark.scenario("CORE-73")
def test_a_broadcast_reaches_leads_and_makes_none(stage: Stage, main: Agent) -> None:
    for number in range(9):
        factories.make_board(stage.world.org, f"Board {number}", gateway=stage.gateway)
    boards = list(type(stage.board).objects.filter(gateway=stage.gateway).order_by("name"))
    for board in boards[:3]:
        lead = factories.make_agent(
            stage.world.org, f"Lead of {board.name}", board=board, gateway=stage.gateway,
            agent_type="lead",
        )  # fmt: skip
        type(lead).objects.filter(pk=lead.pk).update(
            work="provision", provision_requested_at=lead.created_at
        )
        stage.run(lead)
    count = Agent.objects.count()
    answer = client_of(stage, main).post("/agent/gateway/leads/broadcast", HELLO).expect(200).json
    assert (answer["sent"], answer["failed"], answer["ok"]) == (3, 7, False)
    assert [row["error"] for row in answer["results"]].count("no lead") == 7
    assert Agent.objects.count() == count
    event = ActivityEvent.objects.get(type="agent.leads_told")
    assert (event.data["sent"], event.data["failed"]) == (3, 7)
    some = {**HELLO, "board_ids": [str(boards[0].pk)]}
    answer = client_of(stage, main).post("/agent/gateway/leads/broadcast", some).expect(200).json
    assert (answer["sent"], answer["ok"]) == (1, True)


@pytest.mark.scenario("CORE-35")
def test_a_gateways_agent_stays_on_its_gateway(stage: Stage, main: Agent) -> None:
    client, foreign = client_of(stage, main), stage.world.other_board.pk
    client.post(f"/agent/gateway/boards/{foreign}/lead/message", HELLO).expect(404)
    client.get(f"/agent/boards/{foreign}").expect(404)
    client.get(f"/agent/agents?board_id={foreign}").expect(404)
    some = {**HELLO, "board_ids": [str(foreign)]}
    client.post("/agent/gateway/leads/broadcast", some).expect(404)
    gateways = {row["gateway_id"] for row in client.get("/agent/agents").expect(200).items}
    assert gateways == {str(stage.gateway.pk)}


def test_every_operation_for_agents_says_when_to_call_it(db: None) -> None:
    from drf_spectacular.generators import SchemaGenerator

    document = SchemaGenerator().get_schema(request=None, public=True)
    hints = ("x-llm-intent", "x-when-to-use", "x-when-not-to-use", "x-required-actor",
             "x-prerequisites", "x-side-effects", "x-routing-policy")  # fmt: skip
    bare = [
        f"{method} {path}"
        for path, calls in document["paths"].items()
        if path.startswith("/api/v1/agent/")
        for method, call in calls.items()
        if not set(hints) <= set(call)
        or not {tag for tag in call["tags"] if tag.startswith("agent-")}
    ]
    assert bare == []
