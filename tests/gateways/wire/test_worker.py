"""Scripted agents of the simulator, and the same script told as curl commands."""

import shlex

import pytest

from gateways.simulator.script import ApiCall
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.worker import Worker
from gateways.wire import provisioning, sessions
from gateways.wire.client import GatewayClient
from gateways.wire.target import Target
from tests.rig.mission import Mission
from tests.rig.model import plan
from tests.rig.model_worker import read_prompt
from tests.rig.subject import Subject
from tests.rig.worker_story import STORIES, set_up_worker

TOKEN = "worker-test-token"


@pytest.fixture
async def gateway():
    worker = Worker(speed=10_000)
    async with SimulatedGateway(token=TOKEN, brain=worker, speed=1000) as simulated:
        yield simulated
    await worker.close()


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.__name__)
async def test_scripted_workers_act_like_agents(gateway: SimulatedGateway, story):
    await story(Subject(gateway.url, TOKEN))


async def test_heartbeats_bring_work_forward(gateway: SimulatedGateway):
    with Mission(needs_approval=False) as mission:
        task = mission.add_task("Quick one")
        subject = Subject(gateway.url, TOKEN)
        async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
            await set_up_worker(client, mission, agent_id)
            beat = provisioning.Heartbeat(every="10m", prompt="Heartbeat: look for work.")
            await provisioning.patch_config(client, heartbeats={agent_id: beat})
            await seen.wait_for("heartbeat", lambda p: "is done" in str(p.get("preview")))
            assert task["status"] == "done"


async def test_agents_without_facts_follow_directives(gateway: SimulatedGateway):
    subject = Subject(gateway.url, TOKEN)
    async with (
        GatewayClient.connect(Target(gateway.url, token=TOKEN)) as client,
        subject.agent(client) as agent_id,
    ):
        key = f"agent:{agent_id}:main"
        await sessions.send_chat(client, key, "hello", idempotency_key="one")
        answer = await client.call("agent.wait", {"runId": "one", "timeoutMs": 2000})
        assert answer["terminalReply"]["text"] == "echo: hello"


def _body(contract: str, *rest: dict) -> dict:
    return {"messages": [{"role": "system", "content": contract}, *rest]}


def test_the_model_works_from_the_prompt_alone():
    facts = "BASE_URL=http://mc:8000\nAUTH_HEADER_FILE=BOOTSTRAP.md\nAGENT_ID=a1\nBOARD_ID=b1\n"
    user = {"role": "user", "content": "[Sat 2026-11-21 14:33 UTC] A task is assigned to you."}
    first = plan(_body(facts, user))
    assert first.tool is not None
    words = shlex.split(first.tool[1]["command"])
    assert words[:2] == ["curl", "-s"]
    assert words[words.index("-w") :][:4] == ["-w", " %{http_code}", "-X", "POST"]
    assert any(word.startswith("Idempotency-Key: ") for word in words)
    assert "@BOOTSTRAP.md" in words
    assert words[-1] == "http://mc:8000/api/v1/agent/heartbeat"
    second = plan(_body(facts, user, {"role": "tool", "content": '{"id": "a1"} 200'}))
    assert second.tool is not None
    assert "assigned_agent_id=a1" in second.tool[1]["command"]
    end = plan(
        _body(
            facts,
            user,
            {"role": "tool", "content": '{"id": "a1"} 200'},
            {"role": "tool", "content": '{"items": []} 200'},
        )
    )
    assert (end.tool, end.text) == (None, "Checked in; no open task is mine.")
    assert plan(_body("no facts", user)).text.startswith("echo: A task is assigned")


def test_commands_are_single_and_plain():
    prompted = read_prompt("BASE_URL=http://mc\nAUTH_TOKEN=mca_x\nAGENT_ID=a\nBOARD_ID=b\n")
    assert prompted is not None
    call = ApiCall("POST", "boards/b/tasks/t/comments", {"message": "it's; done && $(x) `y` | z"})
    command = prompted.command_of(call)
    words = shlex.split(command)
    assert words[0] == "curl"
    assert "X-Agent-Token: mca_x" in words
    assert command.count("'") % 2 == 0
