"""Boards on which an assignment starts the work."""

from __future__ import annotations

import pytest

from activity.models import ListenerCursor
from agents.models import Execution
from boards import services as boards
from boards.models import Task

from .conftest import Stage
from .test_messages import give_task, told
from .test_setup import ready


@pytest.fixture
def eager(stage: Stage) -> Stage:
    """A stage whose board starts work on assignment."""
    who = stage.world.actor(stage.world.ann)
    boards.update_board(who, stage.board.id, changes={"execution_policy": "on_assign"})
    return stage


def test_an_assignment_starts_an_execution_and_is_told_once(eager: Stage) -> None:
    agent = ready(eager)
    task = give_task(eager, agent)
    eager.settle()
    execution = Execution.objects.get(task=task)
    assert (execution.agent_id, execution.requested_by_kind) == (agent.id, "system")
    task.refresh_from_db()
    assert task.status == Task.Status.IN_PROGRESS
    assert told(agent) == ["TASK EXECUTION"]
    ListenerCursor.objects.all().update(seq=0)
    eager.settle()
    assert Execution.objects.filter(task=task).count() == 1
    assert told(agent) == ["TASK EXECUTION"]


def test_what_cannot_start_is_told_as_an_assignment(eager: Stage) -> None:
    agent, who = ready(eager), eager.world.actor(eager.world.ann)
    boards.pause_board(who, eager.board.id)
    task = give_task(eager, agent)
    eager.drain()
    assert not Execution.objects.filter(task=task).exists()
    assert "TASK ASSIGNED" in told(agent)
    assert "TASK EXECUTION" not in told(agent)


def test_a_blocked_task_starts_when_it_may(eager: Stage) -> None:
    agent, who = ready(eager), eager.world.actor(eager.world.ann)
    first = boards.create_task(who, eager.board.id, title="First")
    task = give_task(eager, agent, depends_on_task_ids=[first.id])
    eager.settle()
    assert not Execution.objects.filter(task=task).exists()
    boards.update_task(who, first.id, changes={"status": "done"})
    eager.settle()
    assert Execution.objects.filter(task=task).count() == 1


def test_by_hand_stays_by_hand(stage: Stage) -> None:
    agent = ready(stage)
    give_task(stage, agent)
    stage.settle()
    assert not Execution.objects.exists()
    assert told(agent) == ["TASK ASSIGNED"]
