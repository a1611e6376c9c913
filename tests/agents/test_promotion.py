"""A board's agent becomes its gateway's own, and the other way round, through API and page."""

from __future__ import annotations

from typing import Any

import pytest

from agents.models import Agent
from agents.services import crud, placement
from boards.models import Task
from tests import factories
from tests.agents.conftest import Stage
from tests.pages.conftest import browser


@pytest.fixture
def main(stage: Stage) -> Agent:
    """The gateway's own agent, set up."""
    made = placement.ensure_main_agent(stage.gateway.pk)
    assert made is not None
    return stage.run(made)


def worker(stage: Stage, name: str = "Wim", **facts: Any) -> Agent:
    ann = stage.world.actor(stage.world.ann)
    return stage.run(crud.create_agent(ann, name=name, board_id=stage.board.pk, **facts))


def test_a_worker_becomes_the_own_agent_and_the_former_one_rests(stage: Stage, main: Agent) -> None:
    wim = worker(stage)
    task = factories.make_task(stage.board, "In hand", assigned_agent=wim, status="in_progress")
    answer = stage.world.as_ann.patch(f"/agents/{wim.pk}", {"is_gateway_main": True}).expect(200)
    assert answer.json["is_gateway_main"] is True
    assert (answer.json["board_id"], answer.json["gateway_id"]) == (None, str(stage.gateway.pk))
    assert answer.json["openclaw_session_id"] == f"agent:mc-gateway-{stage.gateway.pk}:main"
    former = stage.fresh(main)
    assert (former.agent_type, former.gateway_id, former.status) == ("worker", None, "draft")
    assert Task.objects.get(pk=task.pk).status == "todo"
    assert Task.objects.get(pk=task.pk).assigned_agent_id is None
    before = f"mc-{wim.pk}"
    stage.run(former)
    assert stage.run(wim).last_provision_error == ""
    # The remote agent of the gateway passed from one to the other; the worker's is removed.
    assert f"mc-gateway-{stage.gateway.pk}" in stage.sim.world.agents
    assert before not in stage.sim.world.agents


def test_the_own_agent_goes_to_a_board_that_has_to_be_named(stage: Stage, main: Agent) -> None:
    ann = stage.world.as_ann
    path = f"/agents/{main.pk}"
    assert ann.patch(path, {"is_gateway_main": False}).expect(422).code == "board_required"
    body = {"is_gateway_main": False, "board_id": str(stage.board.pk), "is_board_lead": True}
    found = ann.patch(path, body).expect(200).json
    assert (found["agent_type"], found["board_id"]) == ("lead", str(stage.board.pk))
    assert found["is_gateway_main"] is False
    assert stage.run(main).last_provision_error == ""
    assert f"lead-{stage.board.pk}" in stage.sim.world.agents
    assert f"mc-gateway-{stage.gateway.pk}" not in stage.sim.world.agents


def test_what_cannot_be_is_refused_and_changes_nothing(stage: Stage, main: Agent) -> None:
    ann = stage.world.as_ann
    wim = worker(stage)
    pooled = crud.create_agent(stage.world.actor(stage.world.ann), name="Pool")
    refused = ann.patch(f"/agents/{pooled.pk}", {"is_gateway_main": True}).expect(422)
    assert refused.code == "gateway_required"
    Agent.objects.filter(pk=main.pk).update(status="deleting")
    refused = ann.patch(f"/agents/{wim.pk}", {"is_gateway_main": True, "name": "New"}).expect(409)
    assert refused.code == "main_is_leaving"
    assert (stage.fresh(wim).agent_type, stage.fresh(wim).name) == ("worker", "Wim")
    assert stage.fresh(main).agent_type == "main"
    stage.world.as_bob.patch(f"/agents/{wim.pk}", {"is_gateway_main": True}).expect(404)
    # The same as before is no change of place.
    kept = ann.patch(f"/agents/{wim.pk}", {"is_gateway_main": False, "name": "Neu"}).expect(200)
    assert (kept.json["name"], kept.json["board_id"]) == ("Neu", str(stage.board.pk))


def test_the_form_offers_the_role(stage: Stage, main: Agent) -> None:
    wim = worker(stage)
    page = browser(stage.world.ann)
    fields = {"name": "Wim", "board_id": str(stage.board.pk), "every": "10m"}
    shown = page.get(f"/agents/{wim.pk}/edit").content.decode()
    assert 'value="main"' in shown
    answer = page.post(f"/agents/{wim.pk}/edit", {**fields, "agent_type": "main"})
    assert answer.status_code == 302, answer.content.decode()
    assert (stage.fresh(wim).agent_type, stage.fresh(main).agent_type) == ("main", "worker")
    answer = page.post(f"/agents/{wim.pk}/edit", {**fields, "name": "W", "agent_type": "main"})
    assert (answer.status_code, stage.fresh(wim).name) == (302, "W")
    answer = page.post(f"/agents/{wim.pk}/edit", {**fields, "agent_type": "worker"})
    assert answer.status_code == 302
    assert (stage.fresh(wim).agent_type, stage.fresh(wim).board_id) == ("worker", stage.board.pk)
