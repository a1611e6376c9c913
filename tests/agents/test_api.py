"""The REST door of agents: who may what, shapes, names, caps, tenants."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from activity.models import ActivityEvent, AuditEntry
from agents.models import Agent
from tests import factories
from tests.world import World

FACTS = {
    "name": "Scribe",
    "description": "Writes things down",
    "capabilities": ["writing", "editing", "python"],
    "config": {"model": "small-1", "temperature": 0.2, "max_tokens": 4000},
}


def test_the_guides_pool_agent_is_a_draft_and_repeatable(world: World) -> None:
    first = world.as_ann.request("POST", "/api/agents", FACTS).expect(200)
    second = world.as_ann.request("POST", "/api/agents", FACTS).expect(200)
    assert first.json["id"] != second.json["id"]
    assert (first.json["board_id"], first.json["status"]) == (None, "draft")
    assert first.json["capabilities"] == FACTS["capabilities"]
    assert first.json["config"] == FACTS["config"]
    assert first.json["provision_state"] == "none"
    assert first.headers["Location"] == f"/api/v1/agents/{first.json['id']}"
    created = ActivityEvent.objects.filter(type="agent.created")
    assert created.count() == 2


@pytest.mark.parametrize("who", ["ann", "bob", "eve", "lead", "worker"])
def test_who_may_create_on_a_board(world: World, who: str) -> None:
    expected = {"ann": 200, "bob": 403, "eve": 404, "lead": 409, "worker": 403}[who]
    client = getattr(world, f"as_{who}")
    body = {"name": "New", "board_id": str(world.board.id)}
    answer = client.post("/agents", body)
    answer.expect(expected)
    assert Agent.objects.filter(name="New").exists() is (expected == 200)
    if expected == 200:
        assert answer.json["provision_state"] == "pending"
        assert answer.json["status"] == "provisioning"
        assert answer.json["openclaw_session_id"] == f"agent:mc-{answer.json['id']}:main"


@pytest.mark.scenario("CORE-71")
def test_the_cap_binds_the_lead_and_not_the_person(world: World) -> None:
    assert world.board.max_agents == 1
    body = {"name": "Second", "identity_profile": {"role": "Tester"}}
    refused = world.as_lead.post("/agent/agents", body).expect(409)
    assert refused.code == "max_agents_reached"
    assert refused.json["max_agents"] == 1
    assert "1" in refused.json["detail"]
    world.as_ann.post("/agents", {**body, "board_id": str(world.board.id)}).expect(200)
    type(world.board).objects.filter(pk=world.board.pk).update(max_agents=3)
    made = world.as_lead.post("/agent/agents", {"name": "Third", "status": "provisioning"}).expect(
        200
    )
    assert made.json["board_id"] == str(world.board.id)
    assert world.as_lead.get(made.headers["Location"]).expect(200).json["name"] == "Third"
    assert made.json["agent_type"] == "worker"


def test_a_lead_stays_on_its_own_board(world: World) -> None:
    body = {"name": "Spy", "board_id": str(world.second_board.id)}
    world.as_lead.post("/agent/agents", body).expect(403)
    world.as_worker.post("/agent/agents", {"name": "Spy"}).expect(403)
    assert not Agent.objects.filter(name="Spy").exists()


@pytest.mark.parametrize(
    ("board", "name", "status"),
    [
        ("board", "wa", 409),
        ("board", "WA ", 409),
        ("second_board", "WA", 409),
        ("other", "WA", 200),
    ],
)
def test_names_are_unique_on_board_and_gateway(
    world: World, board: str, name: str, status: int
) -> None:
    if board == "other":
        gateway = factories.make_gateway(world.org, "Another")
        target = factories.make_board(world.org, "Far", gateway=gateway)
    else:
        target = getattr(world, board)
    answer = world.as_ann.post("/agents", {"name": name, "board_id": str(target.id)})
    answer.expect(status)
    if status == 409:
        assert answer.code == "name_taken"


def test_a_board_has_one_lead(world: World) -> None:
    body = {"name": "LB2", "board_id": str(world.board.id), "is_board_lead": True}
    assert world.as_ann.post("/agents", body).expect(409).code == "role_taken"
    body["board_id"] = str(world.second_board.id)
    made = world.as_ann.post("/agents", body).expect(200)
    assert made.json["is_board_lead"] is True
    assert made.json["openclaw_session_id"] == f"agent:lead-{world.second_board.id}:main"
    world.as_ann.patch(f"/agents/{made.json['id']}", {"name": "Renamed"}).expect(200)
    assert world.as_ann.post("/agents", {"name": "x", "agent_type": "lead"}).expect(422)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "status": "online"}, "status"),
        ({"name": "x", "token": "t"}, "token"),
        ({"name": "x", "capabilities": ["y" * 65]}, "capabilities"),
        ({"name": "x", "capabilities": ["y"] * 51}, "capabilities"),
        ({"name": "x", "config": {"k": "v" * 70_000}}, "config"),
        ({"name": "x", "heartbeat_config": {"every": "soon"}}, "heartbeat_config"),
        ({"name": "x", "soul_template": "{{ nobody }}"}, "soul_template"),
        ({"name": "x", "agent_type": "main"}, "agent_type"),
        ({"name": "x", "board_id": "nope"}, "board_id"),
    ],
)
def test_inputs_that_do_not_fit_are_named(world: World, body: dict[str, Any], field: str) -> None:
    answer = world.as_ann.post("/agents", body).expect(422)
    assert field in str(answer.json["errors"])
    assert not Agent.objects.filter(name="x").exists()


def test_patch_changes_only_what_is_sent(world: World) -> None:
    agent_id = world.worker.id
    path = f"/agents/{agent_id}"
    before = world.as_ann.get(path).expect(200)
    answer = world.as_ann.patch(path, {"description": "Now known"}).expect(200)
    assert answer.json["description"] == "Now known"
    assert answer.json["name"] == before.json["name"]
    assert answer.json["version"] == before.json["version"] + 1
    assert answer.json["status"] == "updating"
    again = world.as_ann.patch(path, {"description": "Now known"}).expect(200)
    assert again.json["version"] == answer.json["version"]
    assert again.json["lifecycle_generation"] == answer.json["lifecycle_generation"]
    forced = world.as_ann.patch(f"{path}?force=true", {}).expect(200)
    assert forced.json["lifecycle_generation"] > again.json["lifecycle_generation"]
    world.as_ann.patch(path, {"name": "X"}, headers={"If-Match": '"1"'}).expect(412)


def test_status_is_the_heartbeats(world: World) -> None:
    answer = world.as_ann.patch(f"/agents/{world.worker.id}", {"status": "online"}).expect(403)
    assert answer.json["detail"] == "status is controlled by agent heartbeat"


@pytest.mark.scenario("CORE-30")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "Stolen"}),
        ("DELETE", "", None),
        ("POST", "/heartbeat", {}),
        ("POST", "/rotate-token", {}),
        ("POST", "/wake", {}),
        ("POST", "/retry", {}),
        ("POST", "/pause", {}),
        ("POST", "/resume", {}),
        ("GET", "/files", None),
        ("GET", "/files/SOUL.md", None),
        ("PUT", "/files/SOUL.md", {"content": "x"}),
    ],
)
def test_a_foreign_tenants_agent_is_absent(world: World, method: str, path: str, body: Any) -> None:
    before = Agent.objects.values().get(pk=world.worker.pk)
    answer = world.as_eve.request(method, f"/agents/{world.worker.id}{path}", body).expect(404)
    assert "WA" not in str(answer.json)
    assert Agent.objects.values().get(pk=world.worker.pk) == before
    unknown = world.as_eve.request(method, f"/agents/{uuid.uuid4()}{path}", body).expect(404)
    assert unknown.json["detail"] == answer.json["detail"]


@pytest.mark.parametrize("path", ["wake", "retry", "rotate-token", "pause", "resume"])
def test_orders_are_for_admins(world: World, path: str) -> None:
    world.as_bob.post(f"/agents/{world.worker.id}/{path}").expect(403)
    world.as_lead.post(f"/agents/{world.worker.id}/{path}").expect(403)


@pytest.mark.scenario("CORE-35")
def test_a_main_agent_sees_its_own_gateway_only(world: World) -> None:
    from missioncontrol.kernel.secrets import new_token

    token = new_token("mca_")
    factories.make_agent(
        world.other_org, "MB", agent_type="main", gateway=world.other_gateway, status="online",
        token=token,
    )  # fmt: skip
    from tests.clients import Client

    main = Client(agent_token=token)
    names = {agent["name"] for agent in main.get("/agent/agents").expect(200).items}
    assert names == {"MB", "LB"}
    main.get(f"/agent/agents?board_id={world.board.id}").expect(404)
    main.get(f"/agent/boards/{world.board.id}/tasks").expect(404)
    main.get(f"/agents/{world.worker.id}").expect(404)
    main.post(f"/agents/{world.worker.id}/heartbeat", {}).expect(404)


def test_peers_are_those_of_the_own_board(world: World) -> None:
    names = {agent["name"] for agent in world.as_worker.get("/agent/agents").expect(200).items}
    assert names == {"LA", "WA"}
    world.as_worker.get(f"/agent/agents?board_id={world.other_board.id}").expect(404)


def test_members_see_agents_of_readable_boards_and_no_main(world: World) -> None:
    factories.make_agent(world.org, "Main", agent_type="main", gateway=world.gateway)
    factories.make_agent(world.org, "Hidden", board=world.second_board, gateway=world.gateway)
    names = {agent["name"] for agent in world.as_bob.get("/agents").expect(200).items}
    assert names == {"LA", "WA"}
    everyone = {agent["name"] for agent in world.as_ann.get("/agents").expect(200).items}
    assert everyone == {"LA", "WA", "Main", "Hidden"}


def test_filters(world: World) -> None:
    def names(query: str) -> list[str]:
        return [agent["name"] for agent in world.as_ann.get(f"/agents?{query}").expect(200).items]

    assert names("type=lead") == ["LA"]
    assert names(f"board_id={world.second_board.id}") == []
    assert set(names("status=provisioning")) == {"LA", "WA"}
    assert names("status=offline") == []
    world.as_ann.get("/agents?status=sleepy").expect(422)
    page = world.as_ann.get("/agents?limit=1").expect(200)
    assert (len(page.items), page.json["total"]) == (1, 2)


def test_a_lead_removes_workers_of_its_board_only(world: World) -> None:
    base = f"/agent/boards/{world.board.id}/agents"
    world.as_worker.delete(f"{base}/{world.worker.id}").expect(403)
    world.as_lead.delete(f"{base}/{world.lead.id}").expect(403)
    world.as_lead.delete(f"{base}/{world.other_lead.id}").expect(404)
    world.as_lead.delete(f"/agent/boards/{world.second_board.id}/agents/{world.worker.id}").expect(
        404
    )
    task = factories.make_task(world.board, assigned_agent=world.worker, status="in_progress")
    world.as_lead.delete(f"{base}/{world.worker.id}").expect(200)
    task.refresh_from_db()
    assert (task.status, task.assigned_agent_id) == ("todo", None)


def test_deleting_twice_is_no_error_and_is_audited_once(world: World) -> None:
    pool = factories.make_agent(world.org, "Pool")
    world.as_ann.delete(f"/agents/{pool.id}").expect(200)
    assert world.as_ann.delete(f"/agents/{pool.id}").expect(200).json == {"ok": True}
    world.as_eve.delete(f"/agents/{pool.id}").expect(404)
    assert AuditEntry.objects.filter(body__contains="agent.deleted").count() == 1


def test_heartbeats_by_id_and_by_name(world: World) -> None:
    world.as_worker.post(f"/agents/{world.worker.id}/heartbeat", {"status": "busy"}).expect(200)
    world.as_worker.post(f"/agents/{world.lead.id}/heartbeat", {}).expect(403)
    world.as_ann.post(f"/agents/{world.lead.id}/heartbeat", {}).expect(200)
    world.as_worker.post("/agents/heartbeat", {"name": "LA"}).expect(200)
    body = {"name": "la", "board_id": str(world.board.id), "status": "online"}
    found = world.as_ann.post("/agents/heartbeat", body).expect(200)
    assert found.json["id"] == str(world.lead.id)
    made = world.as_ann.post("/agents/heartbeat", {**body, "name": "Walk-in"}).expect(200)
    assert made.json["board_id"] == str(world.board.id)
    world.as_ann.post("/agents/heartbeat", {"name": "la"}).expect(422)
    world.as_bob.post("/agents/heartbeat", {**body, "name": "By Bob"}).expect(403)
    world.as_worker.post("/agent/heartbeat", {"status": "asleep"}).expect(422)
    world.as_worker.post("/agent/heartbeat").expect(200)


def test_a_paused_agent_is_not_woken(world: World) -> None:
    path = f"/agents/{world.worker.id}"
    assert world.as_ann.post(f"{path}/pause").expect(200).json["status"] == "paused"
    assert world.as_ann.post(f"{path}/wake").expect(409).code == "agent_paused"
    assert world.as_ann.post(f"{path}/resume").expect(200).json["status"] != "paused"
    pool = factories.make_agent(world.org, "Pool")
    assert world.as_ann.post(f"/agents/{pool.id}/wake").expect(409).code == "no_gateway"


def test_attaching_and_releasing_by_patch(world: World) -> None:
    pool = factories.make_agent(world.org, "Pool")
    path = f"/agents/{pool.id}"
    attached = world.as_ann.patch(path, {"board_id": str(world.board.id)}).expect(200)
    assert attached.json["status"] == "provisioning"
    assert attached.json["gateway_id"] == str(world.gateway.id)
    released = world.as_ann.patch(path, {"board_id": None}).expect(200)
    assert (released.json["status"], released.json["gateway_id"]) == ("draft", None)
    world.as_ann.patch(path, {"board_id": str(world.other_board.id)}).expect(404)
    types = ActivityEvent.objects.filter(target_id=pool.id).order_by("seq")
    assert list(types.values_list("type", flat=True)) == ["agent.attached", "agent.detached"]


def test_a_board_that_is_deleted_releases_its_agents(world: World) -> None:
    world.as_ann.delete(f"/boards/{world.board.id}?force=true").expect(200)
    for agent in (world.lead, world.worker):
        agent.refresh_from_db()
        assert (agent.board_id, agent.gateway_id, agent.status) == (None, None, "draft")
        assert agent.agent_type == "worker"
    world.as_worker.get("/agent/healthz").expect(401)


def test_files_need_a_workspace(world: World) -> None:
    pool = factories.make_agent(world.org, "Pool")
    assert world.as_ann.get(f"/agents/{pool.id}/files").expect(409).code == "no_workspace"
    world.as_bob.get(f"/agents/{world.worker.id}/files").expect(403)
