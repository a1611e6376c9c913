"""Boards, groups and tasks of strangers are absent; readers cannot write."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests import factories
from tests.clients import Client
from tests.world import World

NOWHERE = "00000000-0000-4000-8000-000000000001"


def _same_as_absent(client: Client, method: str, path: str, own: Any, body: Any = None) -> None:
    """The answer for a foreign id equals the answer for one that does not exist."""
    foreign = client.request(method, path.format(id=own), body).expect(404).json
    absent = client.request(method, path.format(id=NOWHERE), body).expect(404).json
    for answer in (foreign, absent):
        answer.pop("request_id")
    assert foreign == absent


@pytest.mark.scenario("CORE-21")
def test_a_reader_of_one_board(world: World) -> None:
    task = factories.make_task(world.board)
    hidden = factories.make_task(world.second_board)
    refused = world.as_bob.patch(f"/tasks/{task.pk}", {"title": "Mine"}).expect(403)
    assert refused.code == "forbidden"
    world.as_bob.get(f"/boards/{world.second_board.pk}").expect(404)
    world.as_bob.get(f"/tasks/{hidden.pk}").expect(404)
    assert [row["name"] for row in world.as_bob.get("/boards").expect(200).items] == ["A1"]
    assert [row["id"] for row in world.as_bob.get("/tasks").expect(200).items] == [str(task.pk)]


@pytest.mark.scenario("CORE-26")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/board-groups/{id}", None),
        ("PATCH", "/board-groups/{id}", {"name": "x"}),
        ("DELETE", "/board-groups/{id}", None),
        ("GET", "/board-groups/{id}/snapshot", None),
    ],
)
def test_foreign_groups_are_absent(world: World, method: str, path: str, body: Any) -> None:
    group = factories.make_group(world.org)
    _same_as_absent(world.as_eve, method, path, group.pk, body)


@pytest.mark.scenario("CORE-27")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/boards/{id}", None),
        ("PATCH", "/boards/{id}", {"name": "x"}),
        ("DELETE", "/boards/{id}", None),
        ("GET", "/boards/{id}/snapshot", None),
        ("GET", "/boards/{id}/group-snapshot", None),
        ("GET", "/boards/{id}/events", None),
        ("GET", "/boards/{id}/tasks", None),
        ("POST", "/boards/{id}/tasks", {"title": "x"}),
        ("GET", "/boards/{id}/approvals", None),
        ("POST", "/boards/{id}/approvals", {"action_type": "x", "lead_reasoning": "y"}),
    ],
)
@pytest.mark.parametrize("who", ["as_eve", "as_other_lead"])
def test_foreign_boards_are_absent(
    world: World, who: str, method: str, path: str, body: Any
) -> None:
    if who == "as_other_lead" and method in ("PATCH", "DELETE"):
        getattr(world, who).request(method, path.format(id=world.board.pk), body).expect(403)
        return
    _same_as_absent(getattr(world, who), method, path, world.board.pk, body)


@pytest.mark.scenario("CORE-28")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/tasks/{id}", None),
        ("PATCH", "/tasks/{id}", {"title": "x"}),
        ("DELETE", "/tasks/{id}", None),
        ("GET", "/tasks/{id}/comments", None),
        ("POST", "/tasks/{id}/comments", {"message": "x"}),
        ("POST", "/tasks/{id}/assign-agent", {"agent_id": None}),
        ("PATCH", "/tasks/{id}/comments/" + NOWHERE, {"message": "x"}),
        ("DELETE", "/tasks/{id}/comments/" + NOWHERE, None),
    ],
)
@pytest.mark.parametrize("who", ["as_eve", "as_other_lead"])
def test_foreign_tasks_are_absent(
    world: World, who: str, method: str, path: str, body: Any
) -> None:
    task = factories.make_task(world.board)
    _same_as_absent(getattr(world, who), method, path, task.pk, body)


@pytest.mark.scenario("CORE-28")
@pytest.mark.parametrize(
    ("field", "extra"),
    [("depends_on_task_ids", "missing_task_ids"), ("tag_ids", "missing_tag_ids")],
)
def test_foreign_references_are_absent(world: World, field: str, extra: str) -> None:
    rows = {
        "depends_on_task_ids": factories.make_task(world.board),
        "tag_ids": factories.make_tag(world.org),
    }
    for pk in (str(rows[field].pk), str(uuid.uuid4())):
        body = {"title": "x", field: [pk]}
        answer = world.as_eve.post(f"/boards/{world.other_board.pk}/tasks", body).expect(404)
        assert answer.json[extra] == [pk]


@pytest.mark.scenario("CORE-28")
def test_a_foreign_field_or_comment_is_none_of_ours(world: World) -> None:
    factories.make_field(world.board, "cost")
    theirs = factories.make_comment(factories.make_task(world.board))
    own = factories.make_task(world.other_board)
    for key in ("cost", "unheard-of"):
        body = {"custom_field_values": {key: "1"}}
        refused = world.as_eve.patch(f"/tasks/{own.pk}", body).expect(422)
        assert refused.json["unknown_field_keys"] == [key]
    path = f"/tasks/{own.pk}/comments/{theirs.pk}"
    world.as_eve.patch(path, {"message": "x"}).expect(404)
    world.as_eve.delete(path).expect(404)
    theirs.refresh_from_db()
    assert theirs.message == "A remark."


@pytest.mark.scenario("CORE-28")
def test_a_foreign_agent_is_no_assignee(world: World) -> None:
    task = factories.make_task(world.other_board)
    for pk in (str(world.worker.pk), NOWHERE):
        body = {"assigned_agent_id": pk}
        answer = world.as_eve.patch(f"/tasks/{task.pk}", body).expect(404)
        assert answer.json["missing_agent_ids"] == [pk]


@pytest.mark.scenario("CORE-29")
def test_an_approval_names_tasks_of_its_board_only(world: World) -> None:
    foreign = factories.make_task(world.board)
    body = {"task_id": str(foreign.pk), "action_type": "x", "lead_reasoning": "y"}
    for path in (f"/boards/{world.other_board.pk}/approvals", "/approvals"):
        world.as_eve.post(path, body).expect(404)
    inner = {"action_type": "x", "payload": {"reason": "y", "taskIds": [str(foreign.pk)]}}
    world.as_eve.post(f"/boards/{world.other_board.pk}/approvals", inner).expect(404)


@pytest.mark.scenario("CORE-35")
def test_a_main_agent_stays_on_its_gateway(world: World) -> None:
    token = "mca_" + "m" * 43
    factories.make_agent(
        world.other_org, "MB", gateway=world.other_gateway, agent_type="main", token=token,
        status="online",
    )  # fmt: skip
    main = Client(agent_token=token)
    main.get(f"/agent/boards/{world.board.pk}").expect(404)
    main.get(f"/agent/boards/{world.board.pk}/tasks").expect(404)
    assert [row["name"] for row in main.get("/agent/boards").expect(200).items] == ["B1"]
    task = factories.make_task(world.other_board)
    path = f"/agent/boards/{world.other_board.pk}/tasks/{task.pk}"
    refused = main.patch(path, {"status": "in_progress"}).expect(403)
    assert refused.code == "acting_for_required"
    main.patch(path, {"status": "in_progress"}, headers={"X-Acting-For": "user"}).expect(200)


@pytest.mark.scenario("CORE-36")
def test_a_child_belongs_to_its_parent(world: World) -> None:
    task = factories.make_task(world.board)
    other = f"/boards/{world.second_board.pk}/tasks/{task.pk}"
    world.as_ann.get(other).expect(404)
    world.as_ann.patch(other, {"title": "x"}).expect(404)
    world.as_ann.delete(other).expect(404)
    world.as_ann.get(f"{other}/comments").expect(404)
    world.as_ann.post(f"{other}/comments", {"message": "x"}).expect(404)
    world.as_ann.get(f"/boards/{world.board.pk}/tasks/{task.key}").expect(200)
    world.as_ann.get(f"/boards/{world.second_board.pk}/tasks/{task.key}").expect(404)
