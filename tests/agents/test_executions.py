"""Executions: gates, targets, dispatch, reports, waiting (CORE-64, 65)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activity.models import ActivityEvent
from agents import dispatch, services
from agents.models import Agent, AgentNotification, Execution
from agents.services import executions
from boards import services as boards
from boards.models import Task
from governance import services as governance
from missioncontrol.kernel.actors import AgentActor, AgentRole
from tests import factories
from tests.clients import Client
from tests.world import World

from .conftest import Stage
from .test_setup import ready, token_of


def ask(world: World, task: Task) -> Any:
    lead = world.lead
    actor = AgentActor(
        lead.id, lead.name, world.org.id, AgentRole.LEAD, lead.board_id, lead.gateway_id
    )
    return boards.request_approval(
        actor, world.board.id, task_ids=[task.id], action_type="deploy", payload=None,
        confidence=70, rubric_scores=None, lead_reasoning="ready",
    )  # fmt: skip


@pytest.mark.scenario("CORE-64")
def test_the_newest_approval_decides(world: World) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    path = f"/tasks/{task.id}/execute"
    first = ask(world, task)
    refused = world.as_ann.post(path).expect(409)
    assert (refused.code, refused.json["approval_id"]) == ("approval_pending", str(first.id))
    ann = world.actor(world.ann)
    governance.resolve_approval(ann, first.id, status="rejected", comment="no")
    assert world.as_ann.post(path).expect(409).code == "approval_rejected"
    assert not Execution.objects.exists()
    second = ask(world, task)
    governance.resolve_approval(ann, second.id, status="approved", comment="yes")
    answer = world.as_ann.post(path, {"parameters": {"env": "prod"}}).expect(202)
    assert answer.json["approval_id"] == str(second.id)
    assert answer.json["agent_id"] == str(world.worker.id)
    assert answer.json["status"] == "queued"
    assert ActivityEvent.objects.filter(type="execution.created", task_id=task.id).count() == 1


@pytest.mark.scenario("CORE-65")
def test_the_same_key_runs_once(world: World) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    path, key = f"/tasks/{task.id}/execute", {"Idempotency-Key": "deploy-1"}
    first = world.as_ann.post(path, {"parameters": {"a": 1}}, headers=key).expect(202)
    again = world.as_ann.post(path, {"parameters": {"a": 1}}, headers=key).expect(202)
    assert again.json["id"] == first.json["id"]
    assert again.headers["Idempotent-Replay"] == "true"
    other = world.as_ann.post(path, {"parameters": {"a": 2}}, headers=key).expect(409)
    assert other.code == "idempotency_mismatch"
    assert Execution.objects.count() == 1


def test_one_execution_at_a_time_and_a_new_one_after_cancel(world: World) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    first = world.as_ann.post(f"/tasks/{task.key}/execute").expect(202)
    second = world.as_ann.post(f"/tasks/{task.id}/execute").expect(409)
    assert (second.code, second.json["execution_id"]) == ("execution_active", first.json["id"])
    path = f"/executions/{first.json['id']}"
    assert world.as_ann.post(f"{path}/cancel").expect(200).json["status"] == "cancelled"
    assert world.as_ann.post(f"{path}/cancel").expect(200).json["status"] == "cancelled"
    world.as_ann.post(f"/tasks/{task.id}/execute").expect(202)


@pytest.mark.parametrize("why", ["paused", "done", "blocked"])
def test_what_cannot_run_is_refused_with_its_reason(world: World, why: str) -> None:
    fields = {"status": "done"} if why == "done" else {}
    task = factories.make_task(world.board, assigned_agent=world.worker, **fields)
    if why == "paused":
        type(world.board).objects.filter(pk=world.board.pk).update(paused=True)
    if why == "blocked":
        first = factories.make_task(world.board)
        task.dependency_links.create(depends_on=first)
    code = {
        "paused": "board_paused", "done": "task_done", "blocked": "task_blocked_cannot_transition",
    }[why]  # fmt: skip
    refused = world.as_ann.post(f"/tasks/{task.id}/execute").expect(409)
    assert refused.code == code
    if why == "blocked":
        assert refused.json["blocked_by_task_ids"] == [str(first.id)]


@pytest.mark.parametrize(("who", "status"), [("ann", 202), ("bob", 403), ("eve", 404)])
def test_who_may_execute(world: World, who: str, status: int) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    getattr(world, f"as_{who}").post(f"/tasks/{task.id}/execute").expect(status)
    body = {"task_id": str(task.id)}
    if status != 202:
        path = f"/gateways/{world.gateway.id}/execute"
        getattr(world, f"as_{who}").post(path, body).expect(status)
    world.as_worker.post(f"/tasks/{task.id}/execute").expect(403)


def test_targets_assignee_lead_main(world: World) -> None:
    main = factories.make_agent(world.org, "Main", agent_type="main", gateway=world.gateway)

    def target(task: Task, gateway: Any = None) -> str | None:
        if gateway is None:
            answer = world.as_ann.post(f"/tasks/{task.id}/execute")
        else:
            answer = world.as_ann.post(f"/gateways/{gateway.id}/execute", {"task_id": str(task.id)})
        return answer.expect(202).json["agent_id"]

    assigned = factories.make_task(world.board, assigned_agent=world.worker)
    assert target(assigned) == str(world.worker.id)
    assert target(factories.make_task(world.board)) == str(world.lead.id)
    assert target(factories.make_task(world.board), world.gateway) == str(world.lead.id)
    assert target(factories.make_task(world.second_board)) is None
    assert target(factories.make_task(world.second_board), world.gateway) == str(main.id)
    elsewhere = factories.make_gateway(world.org, "Elsewhere")
    assert target(factories.make_task(world.board, assigned_agent=world.worker), elsewhere) is None
    world.as_ann.post(
        f"/gateways/{world.other_gateway.id}/execute", {"task_id": str(assigned.id)}
    ).expect(404)


def test_the_guides_empty_execution_waits_without_a_runtime(world: World) -> None:
    task = factories.make_task(world.second_board)
    answer = world.as_ann.request("POST", f"/api/tasks/{task.id}/execute").expect(202)
    assert answer.json["status"] == "waiting"
    listed = world.as_ann.get(f"/executions?task_id={task.id}&status=waiting").expect(200)
    assert [row["id"] for row in listed.items] == [answer.json["id"]]
    world.as_bob.get(f"/executions/{answer.json['id']}").expect(404)
    world.as_eve.get(f"/executions/{answer.json['id']}").expect(404)
    assert world.as_eve.get("/executions").expect(200).items == []
    world.as_ann.get("/executions?status=gone").expect(422)


def test_without_a_target_it_fails_after_a_day(world: World) -> None:
    task = factories.make_task(world.second_board)
    pk = world.as_ann.post(f"/tasks/{task.id}/execute").expect(202).json["id"]
    assert executions.fail_without_target() == 0
    old = Execution.objects.get(pk=pk).created_at - timedelta(hours=24, minutes=1)
    Execution.objects.filter(pk=pk).update(created_at=old)
    assert executions.fail_without_target() == 1
    row = world.as_ann.get(f"/executions/{pk}").expect(200).json
    assert (row["status"], row["error"]) == ("failed", "no_target")


def test_an_execution_is_dispatched_reported_and_ended(stage: Stage) -> None:
    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    task = boards.create_task(who, stage.board.id, title="Deploy", assigned_agent_id=agent.id)
    stage.settle()
    AgentNotification.objects.all().delete()
    row = services.execute_task(who, task.id, parameters={"env": "prod", "n": 2})
    stage.settle()
    row.refresh_from_db()
    task.refresh_from_db()
    assert (row.status, task.status, task.delivery) == ("queued", "in_progress", "delivered")
    [text] = [t for t in stage.chats() if t.startswith("TASK EXECUTION")]
    assert str(row.id) in text
    assert '"env": "prod"' in text
    assert "```json" in text
    kinds = AgentNotification.objects.filter(agent=agent).values_list("kind", flat=True)
    assert list(kinds) == ["execution"]

    client = Client(agent_token=token_of(stage, agent))
    path = f"/agent/executions/{row.id}"
    assert client.post(path, {"status": "running"}).expect(200).json["status"] == "running"
    client.post(path, {"status": "waiting"}).expect(422)
    done = client.post(path, {"status": "succeeded", "output": {"url": "https://x"}}).expect(200)
    assert (done.json["status"], done.json["output"]) == ("succeeded", {"url": "https://x"})
    client.post(path, {"status": "succeeded"}).expect(200)
    assert client.post(path, {"status": "failed"}).expect(409).code == "execution_ended"
    stage.world.as_worker.post(path, {"status": "running"}).expect(404)
    types = ActivityEvent.objects.filter(type__startswith="execution.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == [
        "execution.created", "execution.dispatched", "execution.running", "execution.succeeded",
    ]  # fmt: skip


def test_a_waiting_execution_is_picked_up_when_an_agent_appears(stage: Stage) -> None:
    who = stage.world.actor(stage.world.ann)
    task = factories.make_task(stage.board)
    row = services.execute_task(who, task.id)
    assert row.status == "waiting"
    assert not dispatch.dispatch(row.id)
    lead = ready(stage, "Lea", agent_type="lead")
    stage.settle()
    row.refresh_from_db()
    assert (row.status, row.agent_id) == ("queued", lead.id)


def test_a_message_that_never_arrives_fails_the_execution(stage: Stage) -> None:
    from gateways.simulator.faults import Refused

    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    task = factories.make_task(stage.board, assigned_agent=agent)
    stage.sim.faults.refuse["chat.send"] = Refused(
        "locked", code="INVALID_REQUEST", is_retryable=False
    )
    row = services.execute_task(who, task.id)
    stage.settle()
    row.refresh_from_db()
    assert row.status == "failed"
    assert "locked" in row.error


def test_a_cancelled_execution_is_not_sent(stage: Stage) -> None:
    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    task = factories.make_task(stage.board, assigned_agent=agent)
    row = services.execute_task(who, task.id)
    assert dispatch.dispatch(row.id)
    services.cancel_execution(who, row.id)
    before = len(stage.chats())
    stage.settle()
    assert len(stage.chats()) == before
    client = Client(agent_token=token_of(stage, agent))
    client.post(f"/agent/executions/{row.id}", {"status": "running"}).expect(409)


def test_a_gate_of_the_board_fails_the_execution_with_its_code(world: World) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    Agent.objects.filter(pk=world.worker.pk).update(provisioned_at=world.worker.created_at)
    pk = world.as_ann.post(f"/tasks/{task.id}/execute").expect(202).json["id"]
    task.dependency_links.create(depends_on=factories.make_task(world.board))
    dispatch.dispatch(Execution.objects.get(pk=pk).pk)
    row = Execution.objects.get(pk=pk)
    assert row.status == "failed"
    assert row.error.startswith("task_blocked_cannot_transition")
