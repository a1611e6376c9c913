"""Scenarios of agents, gateways and decisions over HTTP, with a gateway that answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from agents import rules
from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from gateways.simulator.facts import read_facts
from gateways.simulator.faults import Refused
from tests import factories
from tests.agents.conftest import GATEWAY_TOKEN, Stage
from tests.clients import Answer, Client


def flat(stage: Stage) -> Client:
    """The guide's form, which does not wait for gateways."""
    return Client(bearer=stage.world.ann_token, base="/api")


def ready(stage: Stage, name: str, **facts: Any) -> Agent:
    body = {"name": name, "board_id": str(stage.board.pk), **facts}
    made = flat(stage).post("/agents", body).expect(200).json
    return stage.run(Agent.objects.get(pk=made["id"]))


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """Answers of calls that are made at the same time."""
    found: list[Answer] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> None:
        try:
            start.wait(10)
            found.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.scenario("CORE-62")
def test_two_people_decide_at_once_and_the_lead_hears_one_decision(stage: Stage) -> None:
    ready(stage, "Lead", agent_type="lead")
    factories.grant(stage.board, stage.world.bob, "write")
    task = factories.make_task(stage.board, "Deploy")
    body = {"task_id": str(task.pk), "action": "deploy", "reason": "It is time", "confidence": 70}
    asked = stage.world.as_ann.post("/approvals", body).expect(200).json
    path = f"/approvals/{asked['id']}"
    first, second = at_once(
        lambda: stage.world.as_ann.patch(path, {"status": "approved"}),
        lambda: stage.world.as_bob.patch(path, {"status": "rejected"}),
    )
    assert sorted([first.status, second.status]) == [200, 409]
    (kept,) = [answer for answer in (first, second) if answer.status == 200]
    (refused,) = [answer for answer in (first, second) if answer.status == 409]
    assert refused.code == "already_decided"
    stage.settle()
    (told,) = [text for text in stage.chats() if "APPROVAL RESOLVED" in text]
    decision = kept.json["status"]
    for part in (stage.board.name, asked["id"], "deploy", decision, "70", str(task.pk)):
        assert part in told


@pytest.mark.scenario("CORE-67")
def test_a_failed_setup_is_seen_and_retry_heals_it(stage: Stage) -> None:
    stage.sim.faults.refuse["agents.create"] = Refused(
        "workspace is read only", code="INVALID_REQUEST", is_retryable=False
    )
    agent = ready(stage, "Ada")
    ann, path = stage.world.as_ann, f"/agents/{agent.pk}"
    seen = ann.get(path).expect(200).json
    assert (seen["status"], seen["provision_state"]) == ("error", "failed")
    assert "workspace is read only" in seen["last_provision_error"]
    stage.sim.faults.clear()
    assert ann.post(f"{path}/retry").expect(200).json["provision_state"] == "pending"
    stage.run(agent)
    seen = ann.get(path).expect(200).json
    assert (seen["provision_state"], seen["last_provision_error"]) == ("ready", None)
    assert [known for known in stage.sim.world.agents if known != "main"] == [agent.remote_id]


@pytest.mark.scenario("CORE-68")
def test_a_wake_leaves_thirty_seconds(stage: Stage) -> None:
    agent = ready(stage, "Ada")
    seen = stage.world.as_ann.get(f"/agents/{agent.pk}").expect(200).json
    assert seen["wake_attempts"] == 1
    assert agent.checkin_deadline_at - agent.last_wake_sent_at == timedelta(seconds=30)
    assert agent.next_attempt_at == agent.checkin_deadline_at
    assert rules.MAX_WAKE_ATTEMPTS == 3


@pytest.mark.scenario("CORE-69")
def test_a_rotation_that_cannot_be_written_locks_nobody_out(stage: Stage) -> None:
    agent = ready(stage, "Ada")
    token = read_facts(stage.sim.world.agents[agent.remote_id].files).auth_token
    worker, path = Client(agent_token=token), f"/agents/{agent.pk}"
    worker.post("/agent/heartbeat").expect(200)
    stage.sim.faults.refuse["agents.files.set"] = Refused(
        "disk full", code="INVALID_REQUEST", is_retryable=False
    )
    stage.world.as_ann.post(f"{path}/rotate-token").expect(200)
    stage.run(agent)
    assert stage.world.as_ann.get(path).expect(200).json["status"] == "error"
    worker.get("/agent/healthz").expect(200)


@pytest.mark.scenario("CORE-70")
@pytest.mark.parametrize(("minutes", "shown"), [(20, "online"), (46, "offline")])
def test_what_is_shown_follows_the_heartbeat(stage: Stage, minutes: int, shown: str) -> None:
    agent = ready(stage, "Ada", heartbeat_config={"every": "30m"})
    fields: dict[str, Any] = dict.fromkeys(
        {"gateway_seen_at"} & {field.name for field in Agent._meta.get_fields()}
    )
    seen = timezone.now() - timedelta(minutes=minutes)
    Agent.objects.filter(pk=agent.pk).update(
        status="online", work="", last_provision_error="", last_seen_at=seen, **fields
    )
    assert stage.world.as_ann.get(f"/agents/{agent.pk}").expect(200).json["status"] == shown
    listed = stage.world.as_ann.get(f"/agents?status={shown}").expect(200).items
    assert [row["id"] for row in listed] == [str(agent.pk)]


@pytest.mark.scenario("CORE-77")
@pytest.mark.parametrize(
    ("version", "status"),
    [("2026.2.8", 422), ("2026.02.9", 200), ("v2026.2.9-1", 200), ("dev", 422), ("", 422)],
)
def test_only_gateways_that_are_new_enough_are_added(
    stage: Stage, version: str, status: int
) -> None:
    stage.sim.faults.version = version
    stage.sim.world.config.pop("meta", None)
    body = {"name": "New", "url": stage.simulator.url, "token": GATEWAY_TOKEN}
    answer = stage.world.as_ann.post("/gateways?wait=false", body).expect(status)
    assert Gateway.objects.filter(name="New").exists() is (status == 200)
    if status == 422:
        assert answer.code == "gateway_incompatible"
        assert "2026.02.9" in answer.json["detail"]


@pytest.mark.scenario("CORE-79")
def test_what_a_deleted_board_left_is_removed_when_its_gateway_is_back(stage: Stage) -> None:
    agent = ready(stage, "Ada")
    assert agent.remote_id in stage.sim.world.agents
    gateway = Gateway.objects.filter(pk=stage.gateway.pk)
    gateway.update(status="offline", url="ws://127.0.0.1:9")
    ann, path = stage.world.as_ann, f"/boards/{stage.board.pk}"
    assert ann.delete(path).expect(502).code == "gateway_cleanup_failed"
    assert Board.objects.filter(pk=stage.board.pk).exists()
    ann.delete(f"{path}?force=true").expect(200)
    ann.get(path).expect(404)
    left = agent.remote_id
    waiting = stage.run(agent)
    assert (waiting.work, waiting.next_attempt_at is not None) == ("clean_up", True)
    gateway.update(status="online", url=stage.simulator.url)
    stage.make_due(agent)
    assert stage.run(agent).work == ""
    assert left not in stage.sim.world.agents
