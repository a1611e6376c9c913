"""Files, template sync, the gateway's own agent, sweeps and races, on the simulated gateway."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from activity.models import ActivityEvent
from activity.publish import publish
from agents import jobs, lifecycle, lookups, services, sweeps
from agents.models import Agent, AgentBeat
from gateways.simulator.faults import Refused
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.unit import service
from tests import factories
from tests.clients import Client

from .conftest import Stage
from .test_setup import check_in, make, ready, token_of


def test_files_are_listed_read_without_token_and_written(stage: Stage) -> None:
    agent = ready(stage)
    ann = stage.world.as_ann
    path = f"/agents/{agent.id}/files"
    names = {row["name"] for row in ann.get(path).expect(200).items}
    assert {"AGENTS.md", "SOUL.md", "MEMORY.md"} <= names
    text = ann.get(f"{path}/AGENTS.md").expect(200).json["content"]
    assert "mca_" not in text
    assert "AUTH_HEADER_FILE=BOOTSTRAP.md" in text
    ann.put(f"{path}/AGENTS.md", {"content": text + "\nMore.\n"}).expect(200)
    files = stage.sim.world.agents[agent.remote_id].files
    assert files["AGENTS.md"].endswith("More.\n")
    check_in(stage, agent).expect(200)
    for name in ("TOOLS.md", "BOOTSTRAP.md"):
        ann.get(f"{path}/{name}").expect(404)
        ann.put(f"{path}/{name}", {"content": "x"}).expect(404)
    assert "BOOTSTRAP.md" not in names
    ann.put(f"{path}/SOUL.md", {"content": "x" * 20_001}).expect(422)


def test_a_written_soul_survives_the_next_setup(stage: Stage) -> None:
    agent = ready(stage)
    content = "I am {{ calm }} and {% brief %}.\n"
    stage.world.as_ann.put(f"/agents/{agent.id}/files/SOUL.md", {"content": content}).expect(200)
    services.retry_agent(stage.world.actor(stage.world.ann), agent.id)
    stage.run(agent)
    assert stage.sim.world.agents[agent.remote_id].files["SOUL.md"] == content


def test_a_gateway_that_is_away_answers_503_for_files(stage: Stage) -> None:
    agent = ready(stage)
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    stage.world.as_ann.get(f"/agents/{agent.id}/files").expect(503)


def test_sync_updates_every_agent_and_lists_failures(stage: Stage) -> None:
    first, second = ready(stage, "One"), ready(stage, "Two")
    for agent in (first, second):
        stage.sim.world.agents[agent.remote_id].files["SOUL.md"] = "old"
    path = f"/gateways/{stage.gateway.id}/templates/sync"
    before = len(stage.chats())
    answer = stage.world.as_ann.post(f"{path}?reset_sessions=true").expect(200).json
    assert (answer["agents_updated"], answer["agents_skipped"], answer["errors"]) == (2, 0, [])
    assert len(stage.chats()) == before
    assert stage.sim.world.agents[first.remote_id].files["SOUL.md"] != "old"
    assert len(stage.methods("sessions.reset")) == 2
    assert ActivityEvent.objects.filter(type="gateway.templates_synced").count() == 1
    stage.sim.faults.refuse["agents.files.set"] = Refused(
        "disk full", code="INVALID_REQUEST", is_retryable=False
    )
    answer = stage.world.as_ann.post(f"{path}?rotate_tokens=true").expect(200).json
    assert (answer["agents_updated"], answer["agents_skipped"]) == (0, 2)
    assert {e["agent_name"] for e in answer["errors"]} == {"One", "Two"}
    assert "disk full" in answer["errors"][0]["message"]
    stage.world.as_eve.post(path).expect(404)
    stage.world.as_bob.post(path).expect(403)


def test_a_second_sync_at_once_is_refused(stage: Stage) -> None:
    ready(stage)
    stage.sim.faults.method_delay_seconds["agents.files.get"] = 0.3
    path = f"/gateways/{stage.gateway.id}/templates/sync"
    codes: list[int] = []

    def sync() -> None:
        try:
            codes.append(stage.world.as_ann.post(path).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=sync) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == [200, 409]


@service
def announce(name: str, gateway: Any) -> None:
    """Publish what the gateways' services publish."""
    publish(
        name, actor=SystemActor("test"), target=gateway, organization_id=gateway.organization_id
    )


def test_a_new_gateway_gets_its_own_agent_once(stage: Stage) -> None:
    announce("gateway.created", stage.gateway)
    announce("gateway.created", stage.gateway)
    main = Agent.objects.get(gateway=stage.gateway, agent_type="main")
    assert main.name == "Sim Gateway Agent"
    assert main.session_key == f"agent:mc-gateway-{stage.gateway.id}:main"
    main = stage.run(main)
    assert main.last_provision_error == ""
    assert lookups.id_of_remote(stage.gateway.id, main.remote_id) == main.id
    facts = stage.sim.world.agents[main.remote_id].files["AGENTS.md"]
    assert "BOARD_ID" not in facts
    check_in(stage, main).expect(200)
    refused = stage.world.as_ann.delete(f"/agents/{main.id}").expect(409)
    assert refused.code == "agent_is_main"


def test_a_removed_gateway_takes_its_agent_and_frees_the_others(stage: Stage) -> None:
    announce("gateway.created", stage.gateway)
    main = Agent.objects.get(agent_type="main", gateway=stage.gateway)
    worker = ready(stage)
    token = token_of(stage, worker)
    announce("gateway.deleted", stage.gateway)
    assert not Agent.objects.filter(pk=main.pk).exists()
    worker = stage.fresh(worker)
    assert (worker.status, worker.gateway_id, worker.board_id) == ("draft", None, stage.board.id)
    Client(agent_token=token).get("/agent/healthz").expect(401)


def test_agents_follow_their_board_to_another_gateway(stage: Stage) -> None:
    from boards import services as boards

    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    announce("gateway.created", stage.world.gateway)
    boards.update_board(who, stage.board.id, changes={"gateway_id": stage.world.gateway.id})
    stage.drain()
    agent = stage.fresh(agent)
    assert (agent.gateway_id, agent.status) == (stage.world.gateway.id, "provisioning")
    stage.run(agent)
    assert agent.remote_id not in stage.sim.world.agents
    assert stage.fresh(agent).left_behind == []


def test_the_sweep_wakes_what_a_lost_wake_up_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make(stage)
    woken: list[Any] = []
    monkeypatch.setattr(
        sweeps.jobs, "enqueue_now", lambda job, *args: woken.append((job.path, *args))
    )
    wish = ("agents.jobs.run_lifecycle", str(agent.pk))
    assert sweeps.sweep() >= 1
    assert woken.count(wish) == 1
    sweeps.sweep()
    assert woken.count(wish) == 1  # it still waits in the queue
    monkeypatch.setattr(jobs.lifecycle, "run", lambda _pk: None)
    jobs.run_lifecycle(str(agent.pk))
    sweeps.sweep()
    assert woken.count(wish) == 2


def test_a_stale_update_is_named(stage: Stage) -> None:
    agent = make(stage)
    Agent.objects.filter(pk=agent.pk).update(
        status="updating", work="update", provision_requested_at=clock.now() - timedelta(minutes=11)
    )
    assert sweeps.sweep_stale() == 1
    agent = stage.fresh(agent)
    assert (agent.status, agent.last_provision_code) == ("error", "stale_update")
    agent = stage.run(agent)
    assert agent.work == "await_check_in"


def test_beats_are_kept_a_day(stage: Stage) -> None:
    agent = ready(stage)
    AgentBeat.objects.create(agent=agent, at=clock.now() - timedelta(hours=25))
    jobs.retain_beats()
    assert AgentBeat.objects.filter(agent=agent).count() == 1


def test_two_workers_set_an_agent_up_once(stage: Stage) -> None:
    agent = make(stage)
    outcomes: list[bool] = []

    def work() -> None:
        try:
            outcomes.append(lifecycle.run(agent.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == [False, False, False, True]
    assert len(stage.methods("agents.create")) == 1
    assert len(stage.chats()) == 1


def test_a_run_whose_worker_died_is_taken_up_after_its_lease(stage: Stage) -> None:
    agent = make(stage)
    Agent.objects.filter(pk=agent.pk).update(
        lease_owner="dead", lease_until=clock.now() + timedelta(seconds=30)
    )
    assert not lifecycle.run(agent.pk)
    Agent.objects.filter(pk=agent.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert stage.run(agent).work == "await_check_in"


def test_two_creations_of_one_name_leave_one_agent(stage: Stage) -> None:
    second = factories.make_board(stage.world.org, "Twin", gateway=stage.gateway)
    codes: list[int] = []
    barrier = threading.Barrier(2)

    def create(board_id: Any) -> None:
        try:
            barrier.wait(10)
            body = {"name": "Same", "board_id": str(board_id)}
            answer = stage.world.as_ann.post("/agents?wait=false", body)
            codes.append(answer.status)
        finally:
            connection.close()

    threads = [threading.Thread(target=create, args=(b.id,)) for b in (stage.board, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == [200, 409]
    assert Agent.objects.filter(name="Same").count() == 1


def test_creating_waits_for_the_setup_and_tells_its_failure(stage: Stage) -> None:
    stop = threading.Event()

    def worker() -> None:
        try:
            while not stop.wait(0.1):
                for pk in Agent.objects.exclude(work="").values_list("pk", flat=True):
                    lifecycle.run(pk)
        finally:
            connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        body = {"name": "Quick", "board_id": str(stage.board.id)}
        made = stage.world.as_ann.post("/agents", body).expect(200)
        assert made.json["provision_state"] == "ready"
        stage.sim.faults.refuse["agents.create"] = Refused(
            "read only", code="INVALID_REQUEST", is_retryable=False
        )
        failed = stage.world.as_ann.post("/agents", {**body, "name": "Broken"}).expect(502)
        assert failed.json["detail"] == "Gateway provision failed: read only"
        kept = Agent.objects.get(name="Broken")
        assert kept.status == "error"
        stage.sim.faults.clear()
        stage.world.as_ann.delete(f"/agents/{made.json['id']}").expect(200)
        assert not Agent.objects.filter(pk=made.json["id"]).exists()
    finally:
        stop.set()
        thread.join(20)


def test_a_queued_run_sets_the_agent_up(stage: Stage) -> None:
    """The commit wakes a worker by the queue; no sweep is needed."""
    import django_rq
    from rq import SimpleWorker

    agent = make(stage)
    queue = django_rq.get_queue("gateway")
    assert queue.count >= 1
    SimpleWorker([queue], connection=queue.connection).work(burst=True)
    agent = stage.fresh(agent)
    assert (agent.last_provision_error, agent.work) == ("", "await_check_in")


def test_a_sign_of_life_does_not_break_the_removal_of_its_gateway(stage: Stage) -> None:
    """The agent calls between the deletion of its beats and its own."""
    announce("gateway.created", stage.gateway)
    main = stage.run(Agent.objects.get(gateway=stage.gateway, agent_type="main"))
    are_gone, codes = threading.Event(), []

    def beat() -> None:
        are_gone.wait(10)
        with transaction.atomic():
            rows = Agent.objects.select_for_update(of=("self",), no_key=True)
            if rows.filter(pk=main.pk).exists():
                AgentBeat.objects.create(agent=main, at=clock.now(), late=False)
        connection.close()

    def pausing(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if sql.startswith('DELETE FROM "agents_agentbeat"'):
            are_gone.set()
            time.sleep(0.5)
        return found

    def remove() -> None:
        with connection.execute_wrapper(pausing):
            path = f"/gateways/{stage.gateway.id}?force=true"
            codes.append(stage.world.as_ann.delete(path).status)
        connection.close()

    threads = [threading.Thread(target=work) for work in (beat, remove)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert are_gone.is_set()
    assert codes == [200]
    assert not AgentBeat.objects.filter(agent_id=main.pk).exists()
