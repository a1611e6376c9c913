"""Setup on the gateway: steps, greeting, check-in, failures, restarts, rotation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from activity.models import ActivityEvent
from agents import lifecycle, rules, services
from agents.models import Agent
from gateways.simulator.facts import read_facts
from gateways.simulator.faults import Refused
from missioncontrol.kernel.secrets import token_hash, unseal
from tests import factories
from tests.clients import Client

from .conftest import GATEWAY_TOKEN, Stage


def make(stage: Stage, name: str = "Ada", **fields: Any) -> Agent:
    who = stage.world.actor(stage.world.ann)
    return services.create_agent(who, name=name, board_id=stage.board.id, **fields)


def ready(stage: Stage, name: str = "Ada", **fields: Any) -> Agent:
    """An agent that is set up and has checked in."""
    agent = stage.run(make(stage, name, **fields))
    assert agent.last_provision_error == ""
    check_in(stage, agent)
    return stage.fresh(agent)


def token_of(stage: Stage, agent: Agent) -> str:
    return read_facts(stage.sim.world.agents[agent.remote_id].files).auth_token


def check_in(stage: Stage, agent: Agent, token: str = "") -> Any:
    client = Client(agent_token=token or token_of(stage, agent))
    return client.post("/agent/heartbeat", {"status": "online"})


def pass_deadline(agent: Agent) -> None:
    row = Agent.objects.get(pk=agent.pk)
    late = timedelta(seconds=31)
    Agent.objects.filter(pk=agent.pk).update(
        next_attempt_at=row.next_attempt_at - late,
        checkin_deadline_at=row.checkin_deadline_at - late,
        last_wake_sent_at=row.last_wake_sent_at - late,
    )


def test_an_agent_is_set_up_greeted_and_checks_in(stage: Stage) -> None:
    agent = make(stage)
    assert agent.status == "provisioning"
    agent = stage.run(agent)
    assert (agent.last_provision_error, agent.work) == ("", "await_check_in")
    remote = stage.sim.world.agents[f"mc-{agent.id}"]
    assert set(remote.files) >= {"AGENTS.md", "SOUL.md", "IDENTITY.md", "USER.md", "MEMORY.md"}
    facts = read_facts(remote.files)
    assert facts.agent_id == str(agent.id)
    assert facts.board_id == str(stage.board.id)
    block = stage.sim.world.config["agents"]["entries"][agent.remote_id]["heartbeat"]
    assert (block["every"], block["target"]) == ("10m", "none")
    assert "NO_REPLY" in block["prompt"]
    assert len(stage.chats()) == 1
    assert agent.wake_attempts == 1
    assert rules.displayed(agent, now=agent.updated_at) == "provisioning"

    check_in(stage, agent).expect(200)
    agent = stage.fresh(agent)
    assert (agent.status, agent.work, agent.wake_attempts) == ("online", "", 0)
    assert agent.checkin_deadline_at is None
    types = list(
        ActivityEvent.objects.filter(agent_id=agent.id)
        .order_by("seq")
        .values_list("type", flat=True)
    )
    assert types == [
        "agent.created", "agent.provisioning", "agent.provisioned", "agent.wakeup_sent",
        "agent.checked_in",
    ]  # fmt: skip


@pytest.mark.scenario("CORE-67")
def test_a_refused_create_shows_the_reason_and_retry_heals_it(stage: Stage) -> None:
    stage.sim.faults.refuse["agents.create"] = Refused(
        "workspace is read only", code="INVALID_REQUEST", is_retryable=False
    )
    agent = stage.run(make(stage))
    assert (agent.status, agent.last_provision_code) == ("error", "refused")
    assert "workspace is read only" in agent.last_provision_error
    assert agent.work == ""

    stage.sim.faults.clear()
    services.retry_agent(stage.world.actor(stage.world.ann), agent.id)
    agent = stage.run(agent)
    assert (agent.last_provision_error, agent.status) == ("", "online")
    assert rules.displayed(agent, now=agent.updated_at) == "provisioning"
    assert [a for a in stage.sim.world.agents if a != "main"] == [agent.remote_id]
    check_in(stage, agent).expect(200)


def test_an_error_text_holds_no_secret(stage: Stage) -> None:
    stage.sim.faults.refuse["agents.create"] = Refused(
        f"bad {GATEWAY_TOKEN} and mca_{'x' * 43}", code="INVALID_REQUEST", is_retryable=False
    )
    agent = stage.run(make(stage))
    assert GATEWAY_TOKEN not in agent.last_provision_error
    assert "mca_xxxx" not in agent.last_provision_error
    events = ActivityEvent.objects.filter(type="agent.provision_failed")
    assert GATEWAY_TOKEN not in str(list(events.values_list("data", flat=True)))


@pytest.mark.scenario("CORE-68")
def test_without_check_in_it_is_woken_three_times_then_offline(stage: Stage) -> None:
    agent = stage.run(make(stage))
    for attempt in (2, 3):
        pass_deadline(agent)
        agent = stage.run(agent)
        assert (agent.wake_attempts, agent.work) == (attempt, "await_check_in")
    assert len(stage.chats()) == 3
    keys = [c.params["idempotencyKey"] for c in stage.methods("chat.send")]
    assert len({key for key in keys if key.startswith("wake-")}) == 3
    pass_deadline(agent)
    agent = stage.run(agent)
    assert (agent.status, agent.work) == ("offline", "")
    assert agent.last_provision_error == (
        "Agent did not check in after wake; max wake attempts reached"
    )
    assert len(stage.chats()) == 3
    assert ActivityEvent.objects.filter(type="agent.offline", agent_id=agent.id).count() == 1


@pytest.mark.scenario("CORE-68")
def test_a_check_in_between_two_wakes_stops_them(stage: Stage) -> None:
    agent = stage.run(make(stage))
    pass_deadline(agent)
    agent = stage.run(agent)
    check_in(stage, agent).expect(200)
    assert not lifecycle.run(agent.pk)
    agent = stage.fresh(agent)
    assert (agent.status, agent.wake_attempts) == ("online", 0)
    assert len(stage.chats()) == 2


def test_an_early_look_uses_no_attempt(stage: Stage) -> None:
    agent = stage.run(make(stage))
    assert not lifecycle.run(agent.pk)
    assert stage.fresh(agent).wake_attempts == 1


def test_no_reset_and_no_attempt_while_a_run_is_active(stage: Stage) -> None:
    agent = make(stage)
    Agent.objects.filter(pk=agent.pk).update(provisioned_at=agent.created_at)
    agent = stage.run(agent)
    who = stage.world.actor(stage.world.ann)
    stage.sim.faults.method_delay_seconds.clear()
    # A long run occupies the session.
    from gateways import rpc
    from gateways.wire import sessions

    with rpc.session(stage.gateway.pk) as session:
        session.run(
            lambda c: sessions.send_chat(
                c, agent.session_key, "SLOW 50 200", idempotency_key="busy"
            )
        )
    pass_deadline(agent)
    agent = stage.run(agent)
    assert agent.wake_attempts == 1
    assert agent.work == "await_check_in"
    assert agent.next_attempt_at is not None
    assert stage.methods("sessions.reset") == []
    assert who.kind == "user"


@pytest.mark.scenario("CORE-69")
def test_a_rotation_whose_file_write_fails_leaves_the_old_token_working(stage: Stage) -> None:
    agent = ready(stage)
    old = token_of(stage, agent)
    stage.sim.faults.refuse["agents.files.set"] = Refused(
        "disk full", code="INVALID_REQUEST", is_retryable=False
    )
    services.rotate_token(stage.world.actor(stage.world.ann), agent.id)
    agent = stage.run(agent)
    assert agent.status == "error"
    assert "disk full" in agent.last_provision_error
    assert token_of(stage, agent) == old
    Client(agent_token=old).get("/agent/healthz").expect(200)
    assert stage.fresh(agent).token_hash == token_hash(old)


def test_a_rotated_token_counts_from_the_written_file_and_the_old_one_has_its_grace(
    stage: Stage,
) -> None:
    agent = ready(stage)
    old = token_of(stage, agent)
    services.rotate_token(stage.world.actor(stage.world.ann), agent.id)
    agent = stage.run(agent)
    new = token_of(stage, agent)
    assert new != old
    assert (agent.token_hash, agent.previous_token_hash) == (token_hash(new), token_hash(old))
    Client(agent_token=new).get("/agent/healthz").expect(200)
    Client(agent_token=old).get("/agent/healthz").expect(200)
    Agent.objects.filter(pk=agent.pk).update(previous_token_until=agent.created_at)
    Client(agent_token=old).get("/agent/healthz").expect(401)


def test_a_pending_token_is_promoted_by_its_first_use(stage: Stage) -> None:
    agent = ready(stage)
    old = agent.token_hash
    services.rotate_token(stage.world.actor(stage.world.ann), agent.id)
    pending = unseal(stage.fresh(agent).pending_token_sealed)
    Client(agent_token=pending).get("/agent/healthz").expect(200)
    agent = stage.fresh(agent)
    assert (agent.token_hash, agent.previous_token_hash) == (token_hash(pending), old)
    assert agent.pending_token_hash is None


@pytest.mark.scenario("CORE-72")
def test_a_restart_in_the_middle_is_survived(stage: Stage) -> None:
    agent = make(stage)
    stage.sim.faults.refuse["config.get"] = Refused("service restart", is_retryable=True)
    agent = stage.run(agent)
    assert agent.work == "provision"
    assert agent.next_attempt_at is not None
    stage.sim.faults.clear()
    stage.simulator.restart()
    stage.make_due(agent)
    agent = stage.run(agent)
    assert (agent.last_provision_error, agent.work) == ("", "await_check_in")
    check_in(stage, agent).expect(200)
    assert stage.fresh(agent).status == "online"


@pytest.mark.scenario("CORE-72")
def test_a_connection_cut_with_1012_is_no_error_of_the_agent(stage: Stage) -> None:
    import threading

    agent = make(stage)
    stage.sim.faults.method_delay_seconds["agents.files.get"] = 0.6
    timer = threading.Timer(0.5, stage.simulator.restart)
    timer.start()
    agent = stage.run(agent)
    timer.join()
    assert agent.status == "provisioning"
    assert agent.work == "provision"
    stage.sim.faults.clear()
    stage.make_due(agent)
    agent = stage.run(agent)
    assert agent.work == "await_check_in"
    assert agent.last_provision_error == ""


def test_silence_of_the_gateway_is_named_a_timeout(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateways.wire import client as wire_client

    monkeypatch.setattr(wire_client, "CALL_SECONDS", 0.5, raising=False)
    stage.sim.faults.silent_methods.add("agents.create")
    agent = make(stage)
    real = lifecycle.provisioning.ensure_agent

    async def hasty(client: Any, **options: Any) -> Any:
        call = client.call

        async def short(method: str, params: Any = None, **_options: Any) -> Any:
            return await call(method, params, timeout=0.3)

        monkeypatch.setattr(client, "call", short)
        return await real(client, **options)

    monkeypatch.setattr(lifecycle.provisioning, "ensure_agent", hasty)
    agent = stage.run(agent)
    assert (agent.status, agent.last_provision_code) == ("error", "timeout")
    assert agent.work == "provision"


def test_an_unreachable_gateway_is_shown_and_tried_again(stage: Stage) -> None:
    agent = make(stage)
    url = stage.gateway.url
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    agent = stage.run(agent)
    assert (agent.status, agent.last_provision_code) == ("error", "unreachable")
    assert agent.work == "provision"
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url=url)
    stage.make_due(agent)
    agent = stage.run(agent)
    assert agent.work == "await_check_in"


def test_an_older_run_does_not_write_over_a_newer_request(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make(stage)
    who = stage.world.actor(stage.world.ann)
    real = lifecycle._label_session

    def meanwhile(row: Agent, session: Any) -> None:
        real(row, session)
        monkeypatch.setattr(lifecycle, "_label_session", real)
        services.update_agent(who, row.id, changes={"name": "Ada Lovelace"})

    monkeypatch.setattr(lifecycle, "_label_session", meanwhile)
    agent = stage.run(agent)
    assert agent.work == "provision"
    assert agent.provisioned_at is None
    assert stage.chats() == []
    agent = stage.run(agent)
    assert agent.work == "await_check_in"
    assert "Ada Lovelace" in stage.sim.world.agents[agent.remote_id].files["AGENTS.md"]
    assert len(stage.chats()) == 1


def test_memory_is_kept_on_update_and_rewritten_on_demand(stage: Stage) -> None:
    agent = ready(stage)
    files = stage.sim.world.agents[agent.remote_id].files
    files["MEMORY.md"], files["USER.md"], files["SOUL.md"] = "mine", "mine", "changed"
    who = stage.world.actor(stage.world.ann)
    services.update_agent(who, agent.id, changes={"description": "Builds engines"})
    agent = stage.run(agent)
    assert (files["MEMORY.md"], files["USER.md"]) == ("mine", "mine")
    assert files["SOUL.md"] != "changed"
    assert "Builds engines" in files["AGENTS.md"]


def test_a_deleted_agent_is_gone_at_once_here_and_soon_there(stage: Stage) -> None:
    """CORE-10 with a gateway."""
    agent = ready(stage)
    token = token_of(stage, agent)
    task = factories.make_task(stage.board, assigned_agent=agent, status="in_progress")
    waiting = factories.make_task(stage.board, assigned_agent=agent)
    services.delete_agent(stage.world.actor(stage.world.ann), agent.id)
    Client(agent_token=token).get("/agent/healthz").expect(401)
    task.refresh_from_db()
    waiting.refresh_from_db()
    assert (task.status, task.assigned_agent_id) == ("todo", None)
    assert waiting.assigned_agent_id is None
    assert Agent.objects.get(pk=agent.pk).status == "deleting"
    lifecycle.run(agent.pk)
    assert not Agent.objects.filter(pk=agent.pk).exists()
    assert agent.remote_id not in stage.sim.world.agents
    deleted = ActivityEvent.objects.get(type="agent.deleted", target_id=agent.pk)
    assert deleted.actor_id == stage.world.ann.id


def test_a_forced_delete_does_not_depend_on_the_gateway(stage: Stage) -> None:
    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    stage.sim.faults.refuse["agents.delete"] = Refused(
        "no", code="INVALID_REQUEST", is_retryable=False
    )
    services.delete_agent(who, agent.id)
    lifecycle.run(agent.pk)
    kept = Agent.objects.get(pk=agent.pk)
    assert (kept.status, kept.last_provision_code) == ("deleting", "refused")
    assert ActivityEvent.objects.filter(type="agent.delete_failed").count() == 1
    services.delete_agent(who, agent.id, force=True)
    lifecycle.run(agent.pk)
    assert not Agent.objects.filter(pk=agent.pk).exists()


def test_a_new_lead_is_not_removed_with_the_old_one(stage: Stage) -> None:
    old = ready(stage, "Old lead", agent_type="lead")
    who = stage.world.actor(stage.world.ann)
    services.update_agent(who, old.id, changes={"agent_type": "worker"})
    new = make(stage, "New lead", agent_type="lead")
    stage.run(new)
    old = stage.run(old)
    assert f"lead-{stage.board.id}" in stage.sim.world.agents
    assert f"mc-{old.id}" in stage.sim.world.agents
    assert old.left_behind == []


def test_a_released_agent_becomes_a_draft_and_leaves_its_gateway(stage: Stage) -> None:
    agent = ready(stage)
    token = token_of(stage, agent)
    services.update_agent(stage.world.actor(stage.world.ann), agent.id, changes={"board_id": None})
    agent = stage.fresh(agent)
    assert (agent.status, agent.gateway_id, agent.token_hash) == ("draft", None, None)
    Client(agent_token=token).get("/agent/healthz").expect(401)
    agent = stage.run(agent)
    assert (agent.work, agent.left_behind) == ("", [])
    assert f"mc-{agent.id}" not in stage.sim.world.agents


def test_the_greeting_and_the_prompt_hold_no_token(stage: Stage) -> None:
    agent = ready(stage)
    prompt = stage.sim.world.config["agents"]["entries"][agent.remote_id]["heartbeat"]["prompt"]
    said = prompt + "".join(stage.chats())
    assert not re.search(r"mca_", said)
    files = stage.sim.world.agents[agent.remote_id].files
    holders = [name for name, text in files.items() if "mca_" in text]
    assert holders == ["BOOTSTRAP.md"]
    assert files["BOOTSTRAP.md"] == f"X-Agent-Token: {token_of(stage, agent)}\n"
