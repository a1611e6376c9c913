"""Scripted agents on a simulated gateway do real work over the API, with a decision between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from activity.models import ActivityEvent
from agents import services
from agents.models import Agent, Execution
from boards import services as boards
from boards.models import Task
from gateways.simulator.thread import SimulatedGatewayThread
from gateways.simulator.worker import Worker
from governance import services as governance
from governance.models import Approval
from tests.agents.conftest import GATEWAY_TOKEN, Stage, make_stage
from tests.agents.test_setup import make


@pytest.fixture
def working_stage(live_server: Any, settings: Any) -> Iterator[Stage]:
    """A stage whose agents act: the gateway's brain is the scripted worker."""
    settings.BASE_URL = live_server.url
    brain = Worker(speed=1000)
    with SimulatedGatewayThread(token=GATEWAY_TOKEN, brain=brain) as simulator:
        yield make_stage(simulator)
        simulator.run(brain.close())


def until(stage: Stage, is_over: Callable[[], bool], *, seconds: float = 20) -> None:
    """Work on everything that is due until something is so."""
    deadline = time.monotonic() + seconds
    while not is_over():
        assert time.monotonic() < deadline, ActivityEvent.objects.order_by("-at").values_list(
            "type", "data"
        )[:6]
        stage.settle()
        time.sleep(0.05)


def online(agent: Agent) -> bool:
    return Agent.objects.filter(pk=agent.pk, status="online", last_seen_at__isnull=False).exists()


def test_from_a_new_agent_to_a_finished_task_with_one_decision(working_stage: Stage) -> None:
    stage = working_stage
    who = stage.world.actor(stage.world.ann)
    agent = make(stage, "Ada")
    until(stage, lambda: online(agent))

    task = boards.create_task(
        who, stage.board.id, title="Write the note", assigned_agent_id=agent.id
    )
    until(stage, lambda: Approval.objects.filter(task_links__task_id=task.id).exists())
    task.refresh_from_db()
    assert task.status == "in_progress"
    assert task.comments_count >= 2
    assert task.delivery == "working"

    approval = Approval.objects.get(task_links__task_id=task.id)
    assert (approval.agent_id, approval.status) == (agent.id, "pending")
    governance.resolve_approval(who, approval.id, status="approved", comment="Fine.")
    until(stage, lambda: Task.objects.filter(pk=task.id, status="done").exists())
    moves = ActivityEvent.objects.filter(task_id=task.id, type="task.moved").order_by("seq")
    assert [m.data["to"] for m in moves] == ["in_progress", "done"]
    assert {m.actor_id for m in moves} == {agent.id}
    assert any("APPROVAL RESOLVED" in text for text in stage.chats())


def test_a_refusal_leaves_the_task_open_with_a_comment(working_stage: Stage) -> None:
    stage = working_stage
    who = stage.world.actor(stage.world.ann)
    agent = make(stage, "Ada")
    until(stage, lambda: online(agent))
    task = boards.create_task(
        who, stage.board.id, title="Send the letter", assigned_agent_id=agent.id
    )
    until(stage, lambda: Approval.objects.filter(task_links__task_id=task.id).exists())
    before = Task.objects.get(pk=task.id).comments_count
    approval = Approval.objects.get(task_links__task_id=task.id)
    governance.resolve_approval(who, approval.id, status="rejected", comment="Wrong address.")
    until(stage, lambda: Task.objects.get(pk=task.id).comments_count > before)
    assert Task.objects.get(pk=task.id).status == "in_progress"


@pytest.mark.scenario("CORE-72")
def test_the_gateway_restarts_while_agents_are_set_up_and_all_come_online(
    working_stage: Stage,
) -> None:
    stage = working_stage
    type(stage.board).objects.filter(pk=stage.board.pk).update(max_agents=5)
    agents = [make(stage, f"Ada {n}") for n in range(3)]
    stage.run(agents[0])
    stage.simulator.restart()

    def all_online() -> bool:
        Agent.objects.exclude(work="").exclude(work="await_check_in").update(next_attempt_at=None)
        return all(online(agent) for agent in agents)

    until(stage, all_online, seconds=30)
    assert {a.id for a in agents} == {
        row.id for row in Agent.objects.filter(board=stage.board, last_provision_error="")
    }
    assert len(stage.sim.world.agents) == 4


def test_an_agents_tokens_leave_no_trace(working_stage: Stage) -> None:
    """CORE-76 for agents: events, messages and errors after real work."""
    stage = working_stage
    who = stage.world.actor(stage.world.ann)
    agent = make(stage, "Ada")
    until(stage, lambda: online(agent))
    boards.create_task(who, stage.board.id, title="Any", assigned_agent_id=agent.id)
    stage.settle()
    events = str(list(ActivityEvent.objects.values_list("data", "target_title")))
    assert "mca_" not in events
    assert GATEWAY_TOKEN not in events
    assert "mca_" not in str(
        list(Agent.objects.values_list("token_sealed", "last_provision_error"))
    )
    assert not Execution.objects.exists()
    assert services.read_file(who, agent.id, "AGENTS.md").count("mca_") == 0
