"""The published guide's calls, as written there, with the installation's own token."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.clients import Client, operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def guide() -> Client:
    """The guide's mount: ``/api`` without a version."""
    client = operator()
    client.base = "/api"
    return client


@pytest.fixture
def board(guide: Client) -> dict[str, Any]:
    """Organization, group and board made by the guide's first calls."""
    organization = guide.post("/organizations", {"name": "Acme", "description": "d"}).expect(200)
    group = guide.post(
        "/board-groups",
        {
            "organization_id": organization.json["id"],
            "name": "Q1 2026 Projects",
            "description": "First quarter",
        },
    ).expect(200)
    assert group.json["slug"] == "q1-2026-projects"
    found: dict[str, Any] = (
        guide.post(
            "/boards",
            {"board_group_id": group.json["id"], "name": "Website", "description": "Redesign"},
        )
        .expect(200)
        .json
    )
    assert found["organization_id"] == organization.json["id"]
    assert found["gateway_id"] is None
    return found


def test_organizations_are_listed_with_the_new_one_active(guide: Client) -> None:
    made = guide.post("/organizations", {"name": "Acme", "description": "d"}).expect(200)
    assert (made.json["name"], made.json["description"]) == ("Acme", "d")
    rows = {row["name"]: row for row in guide.get("/organizations").expect(200).items}
    assert rows["Acme"]["is_active"]


def test_board_reads_with_its_tasks(guide: Client, board: dict[str, Any]) -> None:
    assert guide.get(f"/boards/{board['id']}").expect(200).json["tasks"] == []


def test_task_goes_through_every_status(guide: Client, board: dict[str, Any]) -> None:
    task = guide.post(
        "/tasks",
        {
            "board_id": board["id"],
            "title": "Implement login",
            "description": "With OAuth",
            "status": "todo",
            "priority": "high",
            "assigned_agent_id": None,
        },
    ).expect(200)
    for status in ("in_progress", "review", "done"):
        moved = guide.patch(f"/tasks/{task.json['id']}", {"status": status}).expect(200)
        assert moved.json["status"] == status


def test_agents_of_the_pool_may_repeat_and_be_assigned(
    guide: Client, board: dict[str, Any]
) -> None:
    body = {
        "name": "DevAgent",
        "description": "Writes code",
        "capabilities": ["python", "review", "deploy"],
        "config": {"model": "m", "temperature": 0.2, "max_tokens": 4000},
    }
    agent = guide.post("/agents", body).expect(200)
    assert (agent.json["board_id"], agent.json["status"]) == (None, "draft")
    guide.post("/agents", body).expect(200)
    task = guide.post("/tasks", {"board_id": board["id"], "title": "t"}).expect(200)
    changed = guide.patch(
        f"/tasks/{task.json['id']}", {"assigned_agent_id": agent.json["id"]}
    ).expect(200)
    assert changed.json["assigned_agent_id"] == agent.json["id"]


def _ask(guide: Client, board: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    task = guide.post("/tasks", {"board_id": board["id"], "title": "Deploy v2"}).expect(200).json
    approval = guide.post(
        "/approvals",
        {
            "task_id": task["id"],
            "action": "deploy_to_production",
            "reason": "Deploying version 2.0",
            "metadata": {"version": "2.0", "risk": "medium"},
        },
    ).expect(200)
    return task, approval.json


def test_approval_is_asked_read_and_decided(guide: Client, board: dict[str, Any]) -> None:
    _task, approval = _ask(guide, board)
    assert approval["status"] == "pending"
    assert approval["action"] == "deploy_to_production"
    assert approval["reason"] == "Deploying version 2.0"
    assert approval["metadata"] == {"version": "2.0", "risk": "medium"}
    assert guide.get(f"/approvals/{approval['id']}").expect(200).json["comment"] is None
    decided = guide.patch(
        f"/approvals/{approval['id']}", {"status": "approved", "comment": "Go ahead"}
    ).expect(200)
    assert decided.json["comment"] == "Go ahead"
    assert decided.json["resolved_at"].endswith("Z")


def _deploy(guide: Client, board: dict[str, Any], decision: str) -> dict[str, Any]:
    """The guide's approval-gated deployment, in Python."""
    task, approval = _ask(guide, board)
    guide.patch(f"/approvals/{approval['id']}", {"status": decision, "comment": "Because"})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        current = guide.get(f"/approvals/{approval['id']}").expect(200).json
        if current["status"] == "approved":
            guide.post(f"/tasks/{task['id']}/execute").expect(202)
            return {"success": True}
        if current["status"] == "rejected":
            return {"success": False, "reason": current["comment"]}
    raise AssertionError("undecided")


@pytest.mark.scenario("CORE-66")
@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("approved", {"success": True}), ("rejected", {"success": False, "reason": "Because"})],
)
def test_guarded_deployment_ends_as_published(
    guide: Client, board: dict[str, Any], decision: str, outcome: dict[str, Any]
) -> None:
    assert _deploy(guide, board, decision) == outcome


def test_execution_waits_visibly_without_a_runtime(guide: Client, board: dict[str, Any]) -> None:
    task = guide.post("/tasks", {"board_id": board["id"], "title": "t"}).expect(200).json
    execution = guide.post(f"/tasks/{task['id']}/execute").expect(202)
    assert execution.json["status"] == "waiting"


@pytest.mark.parametrize("token", [{"auth_token": "secret-token"}, {}])
def test_gateway_is_stored_unverified(guide: Client, token: dict[str, str]) -> None:
    guide.post("/organizations", {"name": "Acme"}).expect(200)
    made = guide.post(
        "/gateways",
        {
            "name": "Production",
            "endpoint": "https://gateway.example.com",
            "capabilities": ["deploy"],
            **token,
        },
    ).expect(200)
    assert made.json["url"] == "wss://gateway.example.com"
    assert made.json["status"] == "unverified"
    listed = guide.get("/gateways").expect(200)
    assert listed.json["total"] == 1
    assert b"secret-token" not in listed.response.content


def test_gateway_runs_a_task(guide: Client, board: dict[str, Any]) -> None:
    gateway = guide.post("/gateways", {"name": "P", "endpoint": "https://gateway.example.com"})
    task = guide.post("/tasks", {"board_id": board["id"], "title": "t"}).expect(200).json
    guide.post(
        f"/gateways/{gateway.json['id']}/execute",
        {"task_id": task["id"], "parameters": {"environment": "staging"}},
    ).expect(202)


def test_activity_is_filtered(guide: Client, board: dict[str, Any]) -> None:
    task = guide.post("/tasks", {"board_id": board["id"], "title": "t"}).expect(200).json
    assert guide.get("/activity").expect(200).json["total"] > 0
    guide.get("/activity?resource_type=gateway").expect(200)
    rows = guide.get(f"/activity?resource_type=task&resource_id={task['id']}").expect(200).items
    assert [row["event_type"] for row in rows] == ["task.created"]


def test_several_agents_with_chained_tasks(guide: Client, board: dict[str, Any]) -> None:
    agents = [guide.post("/agents", {"name": n}).expect(200).json["id"] for n in ("a", "b", "c")]
    before: list[str] = []
    blocked = []
    for agent in agents:
        body = {
            "board_id": board["id"],
            "title": f"for {agent}",
            "assigned_agent_id": agent,
            "dependencies": list(before),
        }
        task = guide.post("/tasks", body).expect(200).json
        blocked.append(task["is_blocked"])
        before = [task["id"]]
    assert blocked == [False, True, True]


def test_health_ignores_a_bearer_header(guide: Client) -> None:
    response = guide.http.get("/healthz", headers={"Authorization": "Bearer nonsense"})
    assert response.status_code == 200


def test_overview_flow_on_the_versioned_mount(guide: Client, board: dict[str, Any]) -> None:
    guide.base = "/api/v1"
    task = guide.post("/tasks", {"board_id": board["id"], "title": "t"}).expect(200).json
    agent = guide.post("/agents", {"name": "pool"}).expect(200).json
    assigned = guide.post(f"/tasks/{task['id']}/assign-agent", {"agent_id": agent["id"]})
    assert assigned.expect(200).json["assigned_agent_id"] == agent["id"]


@pytest.mark.parametrize("token", ["", "short", "x" * 64])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/organizations"),
        ("POST", "/tasks"),
        ("POST", "/agents"),
        ("POST", "/approvals"),
        ("GET", "/gateways"),
        ("GET", "/activity"),
    ],
)
def test_wrong_short_or_missing_token_is_refused(method: str, path: str, token: str) -> None:
    client = Client(bearer=token, base="/api")
    assert client.request(method, path, {}).status == 401
