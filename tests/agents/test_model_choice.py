"""Models of agents: chosen from what their gateway offers, on pages and over the API."""

from __future__ import annotations

from django.test import Client as Browser

from agents.models import Agent

from .conftest import Stage
from .test_setup import ready


def browser(user: object) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


def test_the_model_is_chosen_from_what_the_gateway_offers(stage: Stage) -> None:
    agent = ready(stage)
    ann = browser(stage.world.ann)
    html = ann.get(f"/agents/{agent.pk}/edit").content.decode()
    offered = [line for line in html.split("<option") if "scripted" in line]
    assert offered
    name = offered[0].split('value="')[1].split('"')[0]
    body = {"name": agent.name, "board_id": str(stage.board.pk), "agent_type": "worker",
            "every": "10m", "model": name}  # fmt: skip
    ann.post(f"/agents/{agent.pk}/edit", body)
    assert stage.fresh(agent).config == {"model": name}
    ann.post(f"/agents/{agent.pk}/edit", {**body, "model": ""})
    assert stage.fresh(agent).config == {"model": ""}


def test_a_new_agent_gets_a_model_that_its_gateway_offers(stage: Stage) -> None:
    ann = browser(stage.world.ann)
    assert "scripted-1" not in ann.get("/agents/new").content.decode()
    html = ann.get(f"/agents/new?board_id={stage.board.pk}").content.decode()
    assert 'value="sim/scripted-1"' in html.split('id="agent-model"')[1]
    body = {"name": "Choosy", "board_id": str(stage.board.pk), "agent_type": "worker",
            "every": "10m", "model": "sim/scripted-1"}  # fmt: skip
    ann.post("/agents/new", body)
    made = stage.run(Agent.objects.get(name="Choosy"))
    assert made.config == {"model": "sim/scripted-1"}
    assert stage.sim.world.agents[made.remote_id].model == "sim/scripted-1"

    api, board = stage.world.as_ann, str(stage.board.pk)
    refused = api.post("/agents", {"name": "Odd", "board_id": board, "model": "other/none"})
    assert refused.expect(422).code == "model_not_offered"
    assert refused.json["offered"] == ["sim/scripted-1"]
    given = {"name": "Even", "board_id": board, "model": "sim/scripted-1"}
    row = api.post("/agents?wait=false", given).expect(200).json
    assert (row["model"], row["config"]) == ("sim/scripted-1", {"model": "sim/scripted-1"})
    api.patch(f"/agents/{made.pk}", {"model": "other/none"}).expect(422)
    row = api.patch(f"/agents/{made.pk}", {"model": None}).expect(200).json
    assert (row["model"], row["config"]) == (None, {"model": ""})
    stage.run(made)
    assert stage.sim.world.agents[made.remote_id].model is None
    stage.world.as_bob.post("/agents", {**given, "name": "Not mine"}).expect(404)


def test_a_model_that_the_gateway_lacks_is_left_alone(stage: Stage) -> None:
    row = {"name": "Free", "board_id": str(stage.board.pk), "config": {"model": "small-1"}}
    made = stage.world.as_ann.post("/agents?wait=false", row).expect(200).json
    agent = stage.run(Agent.objects.get(pk=made["id"]))
    assert (agent.last_provision_error, made["model"]) == ("", "small-1")
    assert stage.sim.world.agents[agent.remote_id].model is None
    bare = {"config": {"model": "scripted-1", "temperature": 0.2}}
    stage.world.as_ann.patch(f"/agents/{agent.pk}", bare).expect(200)
    stage.run(agent)
    assert stage.sim.world.agents[agent.remote_id].model == "sim/scripted-1"


def test_an_interval_that_was_set_elsewhere_survives_the_edit_page(stage: Stage) -> None:
    agent = ready(stage)
    ann, path = browser(stage.world.ann), f"/agents/{agent.pk}/edit"
    for every, word in (("0m", "Off"), ("2h", "2h")):
        Agent.objects.filter(pk=agent.pk).update(heartbeat_config={"every": every})
        html = ann.get(path).content.decode()
        assert f'<option value="{every}" selected>{word}</option>' in html
        body = {"name": agent.name, "board_id": str(stage.board.pk), "agent_type": "worker",
                "every": every}  # fmt: skip
        assert ann.post(path, body).status_code == 302
        assert stage.fresh(agent).heartbeat_config["every"] == every
