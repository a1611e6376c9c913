"""Agents that a gateway already has, compared and written files, and the difference of one file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from agents import delivery, lifecycle, linked, rules, signs, sweeps
from agents.models import Agent, AgentNotification, TemplateSync
from agents.services import syncs
from gateways import cleanup
from gateways.models import GatewayCleanup
from gateways.simulator.facts import read_facts
from gateways.simulator.faults import Refused
from missioncontrol.kernel import clock
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


def linked_agent(stage: Stage) -> Agent:
    return stage.run(Agent.objects.get(pk=link(stage).expect(200).json["id"]))


def assert_untouched(stage: Stage, old: Any) -> None:
    """It is still there, without block and token."""
    assert stage.methods("agents.delete") == []
    assert old.files["AGENTS.md"] == OWN
    assert "mca_" not in str(old.files)


def test_a_deleted_linked_agent_stays_on_its_gateway(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    stage.world.as_ann.delete(f"/agents/{agent.pk}?wait=false").expect(200)
    lifecycle.run(agent.pk)
    assert not Agent.objects.filter(pk=agent.pk).exists()
    assert_untouched(stage, old)


def test_a_linked_agent_that_is_moved_is_let_go(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    stage.world.as_ann.patch(f"/agents/{agent.pk}", {"board_id": None}).expect(200)
    agent = stage.run(agent)
    assert (agent.left_behind, agent.linked_remote_id, agent.status) == ([], "", "draft")
    assert_untouched(stage, old)


def test_what_could_not_be_told_is_taken_back_later(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    stage.world.as_ann.post(f"/agents/{agent.pk}/unlink").expect(200)
    assert stage.fresh(agent).left_behind != []
    assert "mca_" in str(old.files)
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url=stage.simulator.url)
    stage.make_due(agent)
    assert stage.run(agent).left_behind == []
    assert_untouched(stage, old)


def test_a_removed_gateway_keeps_its_own_agents(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    made = ready(stage)
    stage.world.as_ann.delete(f"/gateways/{stage.gateway.pk}?force=true").expect(200)
    row = GatewayCleanup.objects.get()
    assert (row.remote_ids, row.adopted_ids) == ([made.remote_id], ["old-hand"])
    assert row.left_count == 2
    assert cleanup.run(row.pk)
    assert {"main", "old-hand"} <= set(stage.sim.world.agents)
    assert made.remote_id not in stage.sim.world.agents
    assert old.files["AGENTS.md"] == OWN
    assert "mca_" not in str(old.files)
    assert stage.fresh(agent).linked_remote_id == ""


# --- signs of life --------------------------------------------------------------------------------


def shown(agent: Agent, *, minutes: float) -> str:
    """State that people see that long after now."""
    return rules.displayed(agent, now=clock.now() + timedelta(minutes=minutes))


def health_of(stage: Stage, **heartbeat: Any) -> dict[str, Any]:
    """The gateway's health, with another heartbeat of the old agent."""
    from gateways import rpc

    found: dict[str, Any] = rpc.call(stage.gateway.pk, "health")
    row = next(row for row in found["agents"] if row["agentId"] == "old-hand")
    row["heartbeat"] |= heartbeat
    return found


def test_an_idle_linked_agent_is_there_as_long_as_its_gateway_lists_it(
    stage: Stage, old: Any
) -> None:
    agent = linked_agent(stage)
    signs.on_health(stage.gateway.pk, stage.world.org.pk, health_of(stage))
    assert shown(stage.fresh(agent), minutes=0) == "provisioning"  # it has not called yet
    check_in(stage, agent).expect(200)
    past = clock.now() - timedelta(hours=1)
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=past, gateway_seen_at=past)
    assert shown(stage.fresh(agent), minutes=0) == "offline"
    signs.on_health(stage.gateway.pk, stage.world.org.pk, {"agents": [{"agentId": "main"}]})
    assert shown(stage.fresh(agent), minutes=0) == "offline"
    signs.on_health(stage.gateway.pk, stage.world.org.pk, health_of(stage))
    agent = stage.fresh(agent)
    assert (shown(agent, minutes=0), shown(agent, minutes=11)) == ("online", "offline")
    assert agent.last_seen_at == past


def test_a_linked_agent_with_a_heartbeat_is_measured_by_it(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    check_in(stage, agent).expect(200)
    past = clock.now() - timedelta(hours=1)
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=past, gateway_seen_at=None)
    health = health_of(stage, enabled=True, every="30m", everyMs=1_800_000)
    row = next(row for row in health["agents"] if row["agentId"] == "old-hand")
    row["sessions"] = {"count": 0, "recent": []}
    signs.on_health(stage.gateway.pk, stage.world.org.pk, health)
    agent = stage.fresh(agent)
    assert agent.heartbeat_config["every"] == "30m"
    assert shown(agent, minutes=0) == "offline"  # its sessions rest
    moved = int((clock.now() - timedelta(minutes=20)).timestamp() * 1000)
    row["sessions"] = {"count": 1, "recent": [{"key": "agent:old-hand:main", "updatedAt": moved}]}
    signs.on_health(stage.gateway.pk, stage.world.org.pk, health)
    agent = stage.fresh(agent)
    assert (shown(agent, minutes=0), shown(agent, minutes=26)) == ("online", "offline")


def test_a_run_on_the_gateway_is_a_sign_of_life_but_no_answer(stage: Stage, old: Any) -> None:
    agent = linked_agent(stage)
    check_in(stage, agent).expect(200)
    past = clock.now() - timedelta(hours=1)
    note = AgentNotification.objects.create(
        organization=stage.world.org, agent=agent, kind="talk", text="x", state="sent",
        sent_at=clock.now(), answer_deadline_at=clock.now() - timedelta(seconds=1),
    )  # fmt: skip
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=past, gateway_seen_at=None)
    frame = {"sessionKey": "agent:OLD-hand:telegram:7", "reason": "patch"}
    signs.on_session(stage.gateway.pk, stage.world.org.pk, frame)
    assert shown(stage.fresh(agent), minutes=0) == "offline"
    signs.on_session(stage.gateway.pk, stage.world.org.pk, {**frame, "phase": "start"})
    assert shown(stage.fresh(agent), minutes=0) == "online"
    answer = stage.world.as_ann.get(f"/agents/{agent.pk}").expect(200).json
    assert (answer["status"], answer["last_seen_at"] > past.isoformat()) == ("online", True)
    delivery.judge_unanswered()
    note.refresh_from_db()
    assert note.state == "unanswered"
    beats = agent.beats.count()
    signs.on_session(stage.gateway.pk, stage.world.org.pk, {**frame, "phase": "end"})
    assert agent.beats.count() == beats


def test_agents_of_ours_speak_for_themselves(stage: Stage) -> None:
    agent = ready(stage)
    signs.on_health(stage.gateway.pk, stage.world.org.pk, health_of_all(stage))
    frame = {"sessionKey": agent.session_key, "phase": "start"}
    signs.on_session(stage.gateway.pk, stage.world.org.pk, frame)
    assert stage.fresh(agent).gateway_seen_at is None


def health_of_all(stage: Stage) -> dict[str, Any]:
    from gateways import rpc

    found: dict[str, Any] = rpc.call(stage.gateway.pk, "health")
    return found


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
    assert ("agents.jobs.run_template_sync", str(row.pk)) in woken
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
