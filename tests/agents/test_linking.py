"""Agents that a gateway already has, compared and written files, and the difference of one file."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from agents import linked, sweeps
from agents.models import Agent, TemplateSync
from agents.services import syncs
from gateways.simulator.facts import read_facts
from gateways.simulator.faults import Refused
from tests import factories

from .conftest import Stage
from .test_setup import check_in, ready

OWN = "# Rules of the house\n\nBe kind.\n"


def browser(user: object) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


@pytest.fixture
def old(stage: Stage) -> Any:
    """An agent that somebody made on the gateway itself."""
    from gateways import rpc

    with rpc.session(stage.gateway.pk) as session:
        session.call("agents.create", {"name": "Old Hand", "workspace": "/srv/old-hand"})
        for name, text in (("AGENTS.md", OWN), ("SOUL.md", "Mine.\n")):
            for _try in range(40):
                try:
                    session.call(
                        "agents.files.set", {"agentId": "old-hand", "name": name, "content": text}
                    )
                    break
                except Exception:
                    import time

                    time.sleep(0.1)
    return stage.sim.world.agents["old-hand"]


def link(stage: Stage, **fields: Any) -> Any:
    body = {
        "gateway_id": str(stage.gateway.pk), "remote_agent_id": "old-hand",
        "board_id": str(stage.board.pk), **fields,
    }  # fmt: skip
    return stage.world.as_ann.post("/agents/link", body)


def test_the_block_is_replaced_and_taken_back() -> None:
    once = linked.with_block(OWN, "one")
    assert once.startswith(OWN)
    twice = linked.with_block(once, "two")
    assert "one" not in twice
    assert twice.count(linked.BEGIN) == 1
    assert linked.without_block(twice) == OWN
    assert linked.without_block(OWN) == OWN
    assert linked.with_block("", "x").startswith(linked.BEGIN)


def test_an_agent_is_discovered_linked_and_let_go(stage: Stage, old: Any) -> None:
    ann = stage.world.as_ann
    path = f"/agents/discover?gateway_id={stage.gateway.pk}"
    assert "old-hand" in {row["remote_agent_id"] for row in ann.get(path).expect(200).items}
    made = link(stage).expect(200).json
    agent = stage.run(Agent.objects.get(pk=made["id"]))
    assert (agent.remote_id, agent.last_provision_error) == ("old-hand", "")
    assert "old-hand" not in {row["remote_agent_id"] for row in ann.get(path).expect(200).items}
    assert old.files["AGENTS.md"].startswith(OWN)
    assert old.files["SOUL.md"] == "Mine.\n"
    facts = read_facts(old.files)
    assert (facts.agent_id, facts.board_id) == (str(agent.pk), str(stage.board.pk))
    assert "old-hand" not in stage.sim.world.config["agents"].get("entries", {}) or not (
        stage.sim.world.config["agents"]["entries"]["old-hand"].get("heartbeat")
    )
    check_in(stage, agent).expect(200)
    assert link(stage).expect(409).code == "already_linked"

    answer = ann.post(f"/agents/{agent.pk}/unlink").expect(200).json
    assert (answer["status"], answer["board_id"]) == ("draft", None)
    assert old.files["AGENTS.md"] == OWN
    assert "mca_" not in str(old.files)
    assert "old-hand" in stage.sim.world.agents
    assert stage.methods("agents.delete") == []
    assert ann.post(f"/agents/{agent.pk}/unlink").expect(409).code == "not_linked"
    types = set(ActivityEvent.objects.values_list("type", flat=True))
    assert {"agent.linked", "agent.unlinked"} <= types


def test_a_deleted_linked_agent_stays_on_its_gateway(stage: Stage, old: Any) -> None:
    agent = stage.run(Agent.objects.get(pk=link(stage).expect(200).json["id"]))
    stage.world.as_ann.delete(f"/agents/{agent.pk}").expect(200)
    assert not Agent.objects.filter(pk=agent.pk).exists()
    assert "old-hand" in stage.sim.world.agents


def test_what_cannot_be_linked(stage: Stage, old: Any) -> None:
    link(stage, remote_agent_id="nobody").expect(404)
    assert link(stage, board_id=str(stage.world.board.pk)).expect(422).code == (
        "board_on_other_gateway"
    )
    link(stage, role="main").expect(422)
    factories.make_agent(stage.world.org, "Old Hand", board=stage.board, gateway=stage.gateway)
    assert link(stage).expect(409).code == "name_taken"
    stage.world.as_bob.get(f"/agents/discover?gateway_id={stage.gateway.pk}").expect(403)
    stage.world.as_eve.get(f"/agents/discover?gateway_id={stage.gateway.pk}").expect(404)
    stage.world.as_ann.get("/agents/discover").expect(422)


def test_linking_on_pages(stage: Stage, old: Any) -> None:
    ann = browser(stage.world.ann)
    path = f"/gateways/{stage.gateway.pk}/discover"
    assert "old-hand" in ann.get(path).content.decode()
    body = {"remote_agent_id": "old-hand", "board_id": str(stage.board.pk), "role": "worker"}
    agent_path = ann.post(path, body)["Location"]
    agent = Agent.objects.get(linked_remote_id="old-hand")
    assert agent_path == f"/agents/{agent.pk}"
    assert "Unlink" in ann.get(agent_path).content.decode()
    assert ann.post(path, body).status_code == 409
    ann.post(f"{agent_path}/unlink")
    assert Agent.objects.get(pk=agent.pk).linked_remote_id == ""
    assert browser(stage.world.bob).get(path).status_code == 403


# --- files of all agents --------------------------------------------------------------------------


def test_a_preview_says_what_would_change_and_writes_nothing(stage: Stage) -> None:
    agent = ready(stage)
    files = stage.sim.world.agents[agent.remote_id].files
    files["SOUL.md"], files["MEMORY.md"] = "other", "notes"
    path = f"/gateways/{stage.gateway.pk}/templates/preview"
    row = stage.world.as_ann.post(path).expect(200).items[0]
    changes = {file["name"]: file["change"] for file in row["files"]}
    assert changes == {
        "AGENTS.md": "same", "SOUL.md": "change", "IDENTITY.md": "same", "USER.md": "same",
        "MEMORY.md": "keep",
    }  # fmt: skip
    row = stage.world.as_ann.post(path, {"overwrite": True}).expect(200).items[0]
    assert {f["name"]: f["change"] for f in row["files"]}["MEMORY.md"] == "change"
    assert files["SOUL.md"] == "other"


def test_a_sync_runs_as_a_job_and_keeps_its_result(stage: Stage) -> None:
    agent = ready(stage)
    files = stage.sim.world.agents[agent.remote_id].files
    files["SOUL.md"] = "other"
    path = f"/gateways/{stage.gateway.pk}/templates/syncs"
    made = stage.world.as_ann.post(path, {"include_main": False}).expect(202).json
    assert made["state"] == "waiting"
    assert stage.world.as_ann.post(path).expect(409).code == "sync_running"
    assert syncs.run(TemplateSync.objects.get().pk)
    done = stage.world.as_ann.get(f"{path}/{made['id']}").expect(200).json
    assert (done["state"], done["result"]["agents_updated"]) == ("done", 1)
    assert files["SOUL.md"] != "other"
    assert stage.world.as_ann.get(path).expect(200).json["total"] == 1
    assert not syncs.run(TemplateSync.objects.get().pk)
    stage.world.as_eve.get(f"{path}/{made['id']}").expect(404)


def test_a_sync_that_fails_or_waits_is_shown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(stage)
    ann = browser(stage.world.ann)
    path = f"/gateways/{stage.gateway.pk}/sync"
    body = {"include_main": "on", "step": "compare"}
    assert "AGENTS.md" in ann.post(path, body).content.decode()
    assert not TemplateSync.objects.exists()
    where = ann.post(path, {**body, "step": "write"})["Location"]
    assert "every 2s" in ann.get(where).content.decode()
    woken: list[Any] = []
    monkeypatch.setattr(
        sweeps.jobs, "enqueue_now", lambda job, *args: bool(woken.append((job.path, *args))) or True
    )
    sweeps.sweep()
    row = TemplateSync.objects.get()
    assert ("agents.jobs.run_template_sync", row.pk) in woken
    stage.sim.faults.refuse["health"] = Refused(
        "closed", code="INVALID_REQUEST", is_retryable=False
    )
    syncs.run(row.pk)
    html = ann.get(f"{where}/body").content.decode()
    assert "closed" in html
    assert "every 2s" not in html
    assert ann.post(path, {**body, "step": "write"}).status_code == 302
    assert browser(stage.world.bob).get(path).status_code == 403


def test_a_file_is_compared_before_it_is_written(stage: Stage) -> None:
    agent = ready(stage)
    files = stage.sim.world.agents[agent.remote_id].files
    files["SOUL.md"] = "one\ntwo\n"
    ann, path = browser(stage.world.ann), f"/agents/{agent.pk}/files/SOUL.md"
    html = ann.post(path, {"content": "one\nthree\n"}).content.decode()
    assert files["SOUL.md"] == "one\ntwo\n"
    assert '<p class="del">two</p>' in html
    assert '<p class="add">three</p>' in html
    seen = html.split('name="confirmed" value="')[1].split('"')[0]
    files["SOUL.md"] = "one\nfour\n"
    stale = ann.post(path, {"content": "one\nthree\n", "confirmed": seen}).content.decode()
    assert "changed meanwhile" in stale
    assert '<p class="del">four</p>' in stale
    seen = stale.split('name="confirmed" value="')[1].split('"')[0]
    assert ann.post(path, {"content": "one\nthree\n", "confirmed": seen}).status_code == 302
    assert files["SOUL.md"].replace("\r", "") == "one\nthree\n"
