"""A worker's story on any gateway: task, command under approval, approval of the task, done."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from gateways.wire import provisioning, sessions
from gateways.wire.client import GatewayClient

from .mission import Mission
from .subject import Seen, Subject, text_of

CURL = "/usr/bin/curl"


async def set_up_worker(client: GatewayClient, mission: Mission, agent_id: str) -> None:
    """Give a fresh agent its contract, its token and leave to call the API."""
    await provisioning.write_files(client, agent_id, {"AGENTS.md": mission.contract})
    await provisioning.write_header_file(client, agent_id, {"X-Agent-Token": mission.token})
    await provisioning.allow_command(client, agent_id, CURL)


async def tell(client: GatewayClient, seen: Seen, agent_id: str, message: str) -> str:
    """Send a message and wait for what the agent says at the end."""
    run_id = str(uuid.uuid4())
    await sessions.send_chat(client, f"agent:{agent_id}:main", message, idempotency_key=run_id)
    return text_of(await seen.end_of(run_id))


async def worker_brings_a_task_to_its_end(subject: Subject) -> list[str]:
    """The whole story; returns the commands that reviewers were asked about."""
    with Mission() as mission:
        task = mission.add_task("Write the report", "Look first.\nRUN: echo looked")
        async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
            await set_up_worker(client, mission, agent_id)
            waiting = asyncio.create_task(_allow_next(client, seen))
            said = await tell(client, seen, agent_id, "A task is assigned to you.")
            await waiting
            assert "waits for an approval" in said
            assert mission.check_ins == 1
            assert task["status"] == "in_progress"
            assert [a["status"] for a in mission.approvals] == ["pending"]
            assert mission.approvals[0]["lead_reasoning"]
            assert any("command ran: echo looked. Evidence: looked" in c for c in mission.comments)

            count = len(mission.comments)
            said = await tell(client, seen, agent_id, "Anything new?")
            assert "waits for a decision" in said
            assert (len(mission.approvals), len(mission.comments)) == (1, count)

            mission.decide("approved")
            said = await tell(client, seen, agent_id, "APPROVAL RESOLVED\ndecision: approved")
            assert said == "Write the report is done."
            assert task["status"] == "done"
            assert mission.refused == []
            return [e.payload["request"]["command"] for e in _asked(seen)]


async def worker_respects_refusals(subject: Subject) -> None:
    """A denied command and a rejected approval are reported, the task stays open."""
    with Mission() as mission:
        task = mission.add_task("Delete everything", "RUN: echo dangerous")
        async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
            await set_up_worker(client, mission, agent_id)
            waiting = asyncio.create_task(_allow_next(client, seen, decision="deny"))
            await tell(client, seen, agent_id, "A task is assigned to you.")
            await waiting
            assert any("command refused: echo dangerous" in c for c in mission.comments)
            mission.decide("rejected")
            said = await tell(client, seen, agent_id, "APPROVAL RESOLVED\ndecision: rejected")
            assert said == "Delete everything was not approved."
            assert task["status"] == "in_progress"
            assert mission.comments[-1].startswith("Update: the approval was rejected")


async def worker_without_work_stays_silent(subject: Subject) -> None:
    """No task, no comment; only the check-in."""
    with Mission() as mission:
        async with subject.connected() as (client, seen), subject.agent(client) as agent_id:
            await set_up_worker(client, mission, agent_id)
            said = await tell(client, seen, agent_id, "Hello.")
            assert said == "Checked in; no open task is mine."
            assert (mission.check_ins, mission.comments) == (1, [])


async def _allow_next(client: GatewayClient, seen: Seen, *, decision: str = "allow-once") -> None:
    asked = await seen.wait_for("exec.approval.requested", lambda _: True)
    await client.call("exec.approval.resolve", {"id": asked["id"], "decision": decision})


def _asked(seen: Seen) -> list:  # type: ignore[type-arg]  # events of the recorder
    return [e for e in seen.events if e.name == "exec.approval.requested"]


STORIES: list[Callable] = [  # type: ignore[type-arg]  # coroutine functions of a subject
    worker_brings_a_task_to_its_end,
    worker_respects_refusals,
    worker_without_work_stays_silent,
]
