"""Setup on the gateway: steps, greeting, check-in, failures, restarts (CORE-67, 68, 69, 72)."""

from __future__ import annotations

import pytest

from agents import services
from gateways.simulator.facts import read_facts
from gateways.simulator.faults import Refused
from tests.clients import Client

from .conftest import Stage


def make(stage: Stage, **fields):
    who = stage.world.actor(stage.world.ann)
    return services.create_agent(who, name=fields.pop("name", "Ada"), board_id=stage.board.id, **fields)


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

    client = Client(agent_token=facts.auth_token)
    client.post("/agent/heartbeat", {"status": "online"}).expect(200)
    agent = stage.fresh(agent)
    assert (agent.status, agent.work, agent.wake_attempts) == ("online", "", 0)
    assert agent.checkin_deadline_at is None
