"""The same list put to the simulated and to the real gateway: the simulator is shown to match."""

import json
from collections.abc import AsyncGenerator

import pytest

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.worker import Worker
from gateways.wire import provisioning, sessions
from gateways.wire.diagnose import State, diagnose
from gateways.wire.errors import Cause
from tests.rig.conformance import Check
from tests.rig.conformance_runs import CHECKS
from tests.rig.installation import Rig
from tests.rig.subject import FORWARDED, Subject, new_identity, say
from tests.rig.worker_story import STORIES, worker_brings_a_task_to_its_end


@pytest.fixture(params=["simulated", "real"])
async def gateway(request: pytest.FixtureRequest) -> AsyncGenerator[Subject]:
    if request.param == "real":
        yield request.getfixturevalue("subject")
        return
    worker = Worker(speed=10_000)
    async with SimulatedGateway(
        token="conformance-token",
        trusts_proxy=True,
        brain=worker,
        faults=Faults(visibility_lag_seconds=0.2),
    ) as simulated:
        yield Subject(simulated.url, simulated.token)
    await worker.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
async def test_both_gateways_conform(gateway: Subject, check: Check):
    await check(gateway)


@pytest.mark.parametrize("story", STORIES, ids=lambda s: s.__name__)
async def test_workers_of_both_gateways_act_alike(gateway: Subject, story):
    await story(gateway)


async def test_no_model_and_no_reviewer_sees_the_token(real_gateway: Rig, subject: Subject):
    commands = await worker_brings_a_task_to_its_end(subject)
    assert commands == ["echo looked"]
    requests = real_gateway.model_requests()
    assert any("AUTH_HEADER_FILE" in json.dumps(r) for r in requests)
    assert "mca_" + "t" * 43 not in json.dumps(requests)


async def test_heartbeats_and_new_sessions_keep_the_token_unseen(
    real_gateway: Rig, subject: Subject
):
    token, mark = "mca_" + "h" * 43, "contract-of-the-header-test"
    async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
        await provisioning.write_files(client, agent_id, {"AGENTS.md": mark})
        await provisioning.write_header_file(client, agent_id, {"X-Agent-Token": token})
        beat = provisioning.Heartbeat(every="55m", prompt="SAY unseen beat")
        await provisioning.patch_config(client, heartbeats={agent_id: beat})
        await sessions.wake(client, agent_id=agent_id, text="text of the wake")
        await seen.wait_for("heartbeat", lambda p: p.get("preview") == "unseen beat")
        beats = [json.dumps(r) for r in real_gateway.model_requests() if mark in json.dumps(r)]
        assert any("text of the wake" in b for b in beats)
        await say(client, seen, agent_id, "SAY one")
        await sessions.reset_session(client, f"agent:{agent_id}:main")
        await say(client, seen, agent_id, "SAY two")
    requests = [json.dumps(r) for r in real_gateway.model_requests()]
    assert sum(mark in r for r in requests) >= 3
    assert not any(token in r for r in requests)


async def test_doctor_passes_a_good_gateway(gateway: Subject):
    diagnosis = await diagnose(gateway.target(identity=new_identity()))
    assert diagnosis.cause is None
    assert (diagnosis.version, diagnosis.exec_mode) == ("2026.9.6", "ask")
    assert {c.state for c in diagnosis.checks} == {State.OK, State.SKIPPED}


async def test_doctor_names_each_cause(gateway: Subject):
    identity = new_identity()
    cases = {
        Cause.TOKEN: gateway.target(token="wrong", identity=identity),
        Cause.SCOPE: gateway.target(headers=FORWARDED),
        Cause.PAIRING: gateway.target(headers=FORWARDED, identity=identity),
        Cause.WRONG_PORT: gateway.target(url=gateway.url.replace("ws://", "wss://")),
        Cause.UNREACHABLE: gateway.target(url="ws://127.0.0.1:1"),
    }
    for cause, target in cases.items():
        diagnosis = await diagnose(target)
        assert diagnosis.cause is cause
        failed = [c for c in diagnosis.checks if c.state is State.FAIL]
        assert len(failed) == 1
        assert failed[0].next_step
        if cause is Cause.PAIRING:
            assert diagnosis.error is not None
            request_id = diagnosis.error.request_id
            assert f"openclaw devices approve {request_id}" in failed[0].next_step
