"""Asking through both call styles: always pending, always with a reason, once per task."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import Approval
from tests import factories
from tests.clients import Client
from tests.world import World


def guide(world: World) -> Client:
    """Ann through the flat mount."""
    return Client(bearer=world.ann_token, base="/api")


def test_the_guides_request_is_decided_with_one_token(world: World) -> None:
    task = factories.make_task(world.board, "Deploy")
    body = {
        "task_id": str(task.pk), "action": "deploy_production", "reason": "Release 2.1",
        "metadata": {"environment": "production"},
    }  # fmt: skip
    asked = guide(world).post("/approvals", body).expect(200)
    assert asked.json["status"] == "pending"
    assert asked.json["action"] == asked.json["action_type"] == "deploy_production"
    assert (asked.json["reason"], asked.json["metadata"]) == ("Release 2.1", body["metadata"])
    assert asked.json["board_id"] == str(world.board.pk)
    path = f"/approvals/{asked.json['id']}"
    assert guide(world).get(path).json["comment"] is None
    decided = guide(world).patch(path, {"status": "approved", "comment": "Go"}).expect(200).json
    assert (decided["comment"], bool(decided["resolved_at"])) == ("Go", True)


@pytest.mark.scenario("CORE-59")
@pytest.mark.parametrize("who", ["as_ann", "as_worker", "as_lead"])
@pytest.mark.parametrize("status", ["approved", "rejected", "cancelled", None])
def test_nobody_asks_with_the_answer(world: World, who: str, status: str | None) -> None:
    task = factories.make_task(world.board)
    client = getattr(world, who)
    body: dict[str, Any] = {
        "action_type": "deploy", "payload": {"reason": "why"}, "task_id": str(task.pk)
    }  # fmt: skip
    path = f"/boards/{world.board.pk}/approvals"
    client.post(path, {**body, "status": status}).expect(422)
    assert not Approval.objects.exists()
    assert client.post(path, {**body, "status": "pending"}).expect(200).json["status"] == "pending"


@pytest.mark.scenario("CORE-61")
def test_a_second_request_names_the_first(world: World) -> None:
    task = factories.make_task(world.board)
    body = {"action_type": "deploy", "payload": {"reason": "w"}, "task_ids": [str(task.pk)]}
    path = f"/boards/{world.board.pk}/approvals"
    first = world.as_worker.post(path, body).expect(200).json
    assert first["agent_id"] == str(world.worker.pk)
    second = world.as_lead.post(path, body).expect(409).json
    assert second["message"] == "Each task can have only one pending approval."
    assert second["conflicts"] == [{"task_id": str(task.pk), "approval_id": first["id"]}]


@pytest.mark.scenario("CORE-63")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"payload": {}},
        {"payload": {"reason": " "}},
        {"payload": {"decision": {"reason": ""}}, "lead_reasoning": " "},
        {"lead_reasoning": "w", "confidence": 101},
        {"lead_reasoning": "w", "confidence": -0.1},
        {"lead_reasoning": "w", "confidence": "NaN"},
        {"lead_reasoning": "w", "rubric_scores": {"a": 101}},
    ],
)
def test_no_reason_or_senseless_numbers_are_refused(world: World, fields: dict[str, Any]) -> None:
    path = f"/boards/{world.board.pk}/approvals"
    body = {"action_type": "deploy", "confidence": 80, **fields}
    world.as_ann.post(path, body).expect(422)
    assert not Approval.objects.exists()


@pytest.mark.scenario("CORE-29")
def test_a_task_of_another_board_is_unknown(world: World) -> None:
    body = {"action_type": "deploy", "payload": {"reason": "w"}}
    foreign = factories.make_task(world.other_board)
    beside = factories.make_task(world.second_board)
    for task in (foreign, beside):
        named = {**body, "task_id": str(task.pk)}
        world.as_ann.post(f"/boards/{world.board.pk}/approvals", named).expect(404)
    path = f"/boards/{world.other_board.pk}/approvals"
    world.as_ann.post(path, {**body, "task_id": str(foreign.pk)}).expect(404)
    assert not Approval.objects.exists()
