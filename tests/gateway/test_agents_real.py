"""The life of an agent on a real gateway: setup, message, heartbeat, update, rotation, removal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents import delivery, lifecycle, services, sweeps
from agents.models import Agent, AgentNotification
from boards import services as boards
from gateways import rpc
from missioncontrol.kernel import clock
from missioncontrol.kernel.secrets import seal
from tests import factories
from tests.clients import Client
from tests.rig.installation import Rig
from tests.world import build_world


def fresh(agent: Agent) -> Agent:
    return Agent.objects.get(pk=agent.pk)


def text_of(gateway_id: Any, agent: Agent, name: str) -> str:
    params = {"agentId": agent.remote_id, "name": name}
    with rpc.session(gateway_id) as session:
        file = session.run(lambda c: c.call("agents.files.get", params))["file"]
    return str(file.get("content") or "")


def files_of(gateway_id: Any, agent: Agent) -> dict[str, str]:
    return {name: text_of(gateway_id, agent, name) for name in ("AGENTS.md", "BOOTSTRAP.md")}


@pytest.mark.django_db(transaction=True)
def test_an_agent_lives_on_a_real_gateway(real_gateway: Rig) -> None:
    from activity import subscribe
    from gateways.simulator.facts import read_facts

    world = build_world()
    gateway = factories.make_gateway(
        world.org, "Real", url=real_gateway.url, token_sealed=seal(real_gateway.token),
        status="online",
    )  # fmt: skip
    board = factories.make_board(world.org, "Live", gateway=gateway)
    who = world.actor(world.ann)

    agent = services.create_agent(who, name="Ada Lövelace", board_id=board.id)
    lifecycle.run(agent.pk)
    agent = fresh(agent)
    assert (agent.last_provision_error, agent.work) == ("", "await_check_in")
    facts = read_facts(files_of(gateway.pk, agent))
    assert facts is not None
    Client(agent_token=facts.auth_token).post("/agent/heartbeat").expect(200)
    config = rpc.call(gateway.pk, "config.get")["config"]
    block = config["agents"]["entries"][agent.remote_id]["heartbeat"]
    assert (block["every"], block["target"]) == ("10m", "none")

    task = boards.create_task(who, board.id, title="Look", assigned_agent_id=agent.id)
    subscribe.drain(world.org.id)
    row = AgentNotification.objects.get(agent=agent)
    assert delivery.deliver(row.pk)
    task.refresh_from_db()
    assert task.delivery == "delivered"
    with rpc.session(gateway.pk) as session:
        found = session.call("sessions.describe", {"key": agent.session_key})["session"]
    assert found["label"] == "Ada Lövelace"

    services.rotate_token(who, agent.id)
    lifecycle.run(agent.pk)
    agent = fresh(agent)
    assert agent.last_provision_error == ""
    rotated = read_facts(files_of(gateway.pk, agent))
    assert rotated is not None
    assert rotated.auth_token != facts.auth_token
    Client(agent_token=rotated.auth_token).post("/agent/heartbeat").expect(200)

    services.pause_agent(who, agent.id)
    assert sweeps.sync_heartbeats(gateway.pk) == 1
    config = rpc.call(gateway.pk, "config.get")["config"]
    assert config["agents"]["entries"][agent.remote_id]["heartbeat"]["every"] == "0m"
    services.resume_agent(who, agent.id)

    services.delete_agent(who, agent.id)
    lifecycle.run(agent.pk)
    assert not Agent.objects.filter(pk=agent.pk).exists()
    left = [a["id"] for a in rpc.call(gateway.pk, "agents.list")["agents"]]
    assert agent.remote_id not in left
    assert clock.now() - task.created_at < timedelta(minutes=5)
