"""What the panel of a task does beside its facts, and what its inputs must not lose."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from activity.models import ActivityEvent
from agents.models import Execution
from boards.models import Board, Task
from governance.models import Approval
from tests import factories as f
from tests.pages.conftest import HTMX
from tests.world import World


@pytest.fixture
def task(world: World) -> Task:
    return f.make_task(world.board, "Ship it")


def at(task: Task, part: str) -> str:
    """Address of a part of the task."""
    return f"/boards/{task.board_id}/tasks/{task.pk}/{part}"


# --- runs -----------------------------------------------------------------------------------------


def test_a_task_is_run_from_its_panel_and_the_run_cancelled(ann: Client, task: Task) -> None:
    assert at(task, "run") in ann.get(at(task, "panel")).content.decode()
    answer = ann.post(at(task, "run"), {"parameters": '{"tag": "v2"}'}, **HTMX)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Queued" in html
    run = Execution.objects.get(task=task)
    assert (run.parameters, run.requested_by_name) == ({"tag": "v2"}, "Ann")
    assert at(task, "run/cancel") in html
    html = ann.post(at(task, "run/cancel"), {"run": str(run.pk)}, **HTMX).content.decode()
    assert "Cancelled" in html
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_a_run_may_name_its_gateway(world: World, ann: Client, task: Task) -> None:
    assert str(world.gateway.id) in ann.get(at(task, "panel")).content.decode()
    assert ann.post(at(task, "run"), {"gateway": str(world.gateway.id)}, **HTMX).status_code == 200
    assert Execution.objects.get(task=task).gateway_id == world.gateway.id
    Execution.objects.all().delete()
    elsewhere = f.make_gateway(world.other_org)
    refused = ann.post(at(task, "run"), {"gateway": str(elsewhere.id)}, **HTMX)
    assert refused.status_code == 404
    assert not Execution.objects.exists()


def test_runs_are_listed_to_who_may_read_their_task(world: World, ann: Client, bob: Client) -> None:
    for board, title in ((world.board, "Seen by both"), (world.second_board, "Seen by one")):
        ann.post(at(f.make_task(board, title), "run"), {}, **HTMX)
    html = ann.get("/runs").content.decode()
    assert "Seen by both" in html
    assert "Seen by one" in html
    html = bob.get("/runs").content.decode()
    assert "Seen by both" in html
    assert "Seen by one" not in html
    assert "Seen by" not in ann.get("/runs?status=failed").content.decode()
    waiting = ann.get("/runs?status=waiting").content.decode()
    assert ("Seen by one" in waiting, "Seen by both" in waiting) == (True, False)


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"parameters": "[1]"}, 422), ({"parameters": "{"}, 422), ({}, 409)],
    ids=["list", "no json", "paused"],
)
def test_a_refused_run_says_why_in_the_panel(
    ann: Client, task: Task, sent: dict[str, str], status: int
) -> None:
    Board.objects.filter(pk=task.board_id).update(paused=True)
    answer = ann.post(at(task, "run"), sent, **HTMX)
    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()
    assert not Execution.objects.exists()


def test_readers_see_runs_and_start_none(world: World, bob: Client, task: Task) -> None:
    who = {"requested_by_kind": "user", "requested_by_name": "Ann", "title": "x"}
    run = Execution.objects.create(
        organization=world.org, task=task, agent=world.worker, status="failed",
        error="Disk full", output={"log": "df"}, finished_at=task.created_at, **who,
    )  # fmt: skip
    html = bob.get(at(task, "panel")).content.decode()
    assert "Disk full" in html
    assert "WA" in html
    assert at(task, "run") not in html
    assert bob.post(at(task, "run"), **HTMX).status_code == 403
    assert bob.post(at(task, "run/cancel"), {"run": str(run.pk)}, **HTMX).status_code == 403
    assert Execution.objects.count() == 1


def test_a_run_of_another_task_is_not_cancelled_here(world: World, ann: Client, task: Task) -> None:
    other = f.make_task(world.second_board)
    ann.post(at(other, "run"), **HTMX)
    run = Execution.objects.get(task=other)
    assert ann.post(at(task, "run/cancel"), {"run": str(run.pk)}, **HTMX).status_code == 200
    run.refresh_from_db()
    assert run.status == "waiting"


# --- approvals ------------------------------------------------------------------------------------


def test_a_person_asks_for_the_approval_that_binds_everyone(
    world: World, ann: Client, task: Task
) -> None:
    Board.objects.filter(pk=task.board_id).update(approval_gate_scope="everyone")
    facts = {"status": "done", "priority": "medium", "version": "1"}
    assert ann.post(at(task, "facts"), facts, **HTMX).status_code == 409
    sent = {"action_type": "Finish it", "reason": "All is tested.\r\nTwice."}
    answer = ann.post(at(task, "ask"), sent, **HTMX)
    assert answer.status_code == 200
    asked = Approval.objects.get()
    assert (asked.action_type, asked.status) == ("Finish it", "pending")
    assert asked.payload == {"reason": "All is tested.\nTwice."}
    assert at(task, "ask") not in answer.content.decode()
    assert ann.post(at(task, "ask"), sent, **HTMX).status_code == 409
    world.as_ann.patch(f"/approvals/{asked.pk}", {"status": "approved"}).expect(200)
    assert ann.post(at(task, "facts"), facts, **HTMX).status_code == 200


@pytest.mark.parametrize("sent", [{"action_type": "x"}, {"reason": "y"}, {}])
def test_a_request_needs_its_two_words(ann: Client, task: Task, sent: dict[str, str]) -> None:
    assert ann.post(at(task, "ask"), sent, **HTMX).status_code == 422
    assert not Approval.objects.exists()


# --- what inputs must not lose --------------------------------------------------------------------


def facts(task: Task, **changes: Any) -> dict[str, Any]:
    """What the panel sends without a change."""
    due = f"{task.due_at:%Y-%m-%dT%H:%M}" if task.due_at else ""
    present = {
        "status": task.status,
        "priority": task.priority,
        "assigned_agent_id": str(task.assigned_agent_id or ""),
        "due_at": due,
        "version": task.version,
    }
    return {**present, **changes}


def test_a_date_with_seconds_and_an_own_priority_stay(world: World, ann: Client) -> None:
    body = {"title": "Imported", "due_at": "2030-01-02T03:04:59Z", "priority": "urgent"}
    made = world.as_ann.post(f"/boards/{world.board.pk}/tasks", body).expect(200).json
    task = Task.objects.get(pk=made["id"])
    for part in ("panel", "edit"):
        assert '<option value="urgent" selected>' in ann.get(at(task, part)).content.decode()
    sent = facts(task, assigned_agent_id=str(world.worker.pk))
    assert ann.post(at(task, "facts"), sent, **HTMX).status_code == 200
    task.refresh_from_db()
    whole = {**facts(task), "title": "Imported by hand", "description": ""}
    assert ann.post(at(task, "edit"), whole).status_code == 302
    now = world.as_ann.get(f"/tasks/{task.pk}").json
    assert (now["due_at"], now["priority"]) == (made["due_at"], "urgent")
    assert (now["title"], now["description"]) == ("Imported by hand", None)
    assert now["assigned_agent_id"] == str(world.worker.pk)
    changed = ActivityEvent.objects.get(type="task.updated", task_id=task.pk).data["changes"]
    assert list(changed) == ["title"]


def test_lines_are_stored_as_every_other_door_sends_them(
    world: World, ann: Client, task: Task
) -> None:
    sent = {"title": "Ship it", "priority": "medium", "description": "one\r\ntwo", "version": 1}
    assert ann.post(at(task, "edit"), sent).status_code == 302
    ann.post(at(task, "comments"), {"message": "yes\r\nno"}, **HTMX)
    ann.post(f"/boards/{world.board.pk}/chat", {"content": "a\r\nb"})
    path = f"/boards/{world.board.pk}"
    assert world.as_ann.get(f"{path}/tasks/{task.pk}").json["description"] == "one\ntwo"
    assert world.as_ann.get(f"{path}/tasks/{task.pk}/comments").items[0]["message"] == "yes\nno"
    assert world.as_ann.get(f"{path}/memory").items[0]["content"] == "a\nb"
    again = {"title": "Ship it", "description": "one\ntwo"}
    refused = world.as_lead.post(f"/agent{path}/tasks", again).expect(409)
    assert refused.code == "duplicate_task"


@pytest.mark.parametrize(("length", "status"), [(100_000, 200), (100_001, 422)])
def test_a_comment_may_be_as_long_as_elsewhere(
    ann: Client, task: Task, length: int, status: int
) -> None:
    answer = ann.post(at(task, "comments"), {"message": "x" * length}, **HTMX)
    assert answer.status_code == status
    assert ("needs some text" in answer.content.decode()) is False
    assert task.comments.count() == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("integer", "1" * 30), ("decimal", "1e300"), ("json", '{"a":' * 200 + "1" + "}" * 200)],
)
def test_what_no_door_can_send_again_is_not_stored(
    world: World, ann: Client, task: Task, kind: str, typed: str
) -> None:
    f.make_field(world.board, "cost", field_type=kind)
    sent = {"title": "Ship it", "priority": "medium", "cf_cost": typed, "version": 1}
    assert ann.post(at(task, "edit"), sent).status_code == 422
    task.refresh_from_db()
    assert task.custom_field_values == {}
    world.as_ann.get(f"/tasks/{task.pk}").expect(200)


@pytest.mark.parametrize("where", ["board", "group", "many tasks"])
def test_a_text_that_cannot_be_stored_is_refused(
    world: World, ann: Client, task: Task, where: str
) -> None:
    board, group = f"/boards/{world.board.pk}", f.make_group(world.org)
    path, sent = {
        "board": (f"{board}/chat", {"content": "a\x00b"}),
        "group": (f"/board-groups/{group.pk}/chat", {"content": "a\x00b"}),
        "many tasks": (
            f"{board}/tasks/bulk",
            {"ids": [str(task.pk)], "change": "status:review", "comment": "a\x00b"},
        ),
    }[where]
    answer = ann.post(path, sent, **HTMX)
    assert answer.status_code in (409, 422)
    assert "NUL" in answer.content.decode()
    task.refresh_from_db()
    assert (task.status, task.comments.count()) == ("todo", 0)
