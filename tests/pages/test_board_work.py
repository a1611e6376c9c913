"""Working on a board by its pages, with and without script."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client

from boards.models import Board, BoardGroup, Task
from tests import factories as f
from tests.pages.conftest import HTMX
from tests.world import World


@pytest.fixture
def task(world: World) -> Task:
    Board.objects.filter(pk=world.board.id).update(require_review_before_done=True)
    return f.make_task(world.board, "Ship it")


def test_a_card_moves_and_comes_back_drawn(world: World, ann: Client, task: Task) -> None:
    answer = ann.post(
        f"/boards/{world.board.id}/tasks/{task.id}/move",
        {"status": "in_progress", "version": task.version, "before_id": "", "after_id": ""},
        **HTMX,
    )
    assert answer.status_code == 200
    assert f'id="task-{task.id}"' in answer.content.decode()
    task.refresh_from_db()
    assert task.status == "in_progress"


def test_a_refused_move_says_the_rule(world: World, ann: Client, task: Task) -> None:
    answer = ann.post(f"/boards/{world.board.id}/tasks/{task.id}/move", {"status": "done"}, **HTMX)
    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#toasts"
    assert "review" in answer.content.decode()
    task.refresh_from_db()
    assert task.status == "todo"


def test_a_reader_moves_nothing(world: World, bob: Client, task: Task) -> None:
    answer = bob.post(
        f"/boards/{world.board.id}/tasks/{task.id}/move", {"status": "review"}, **HTMX
    )
    assert answer.status_code == 403
    assert "data-writable" not in bob.get(f"/boards/{world.board.id}").content.decode()


@pytest.mark.parametrize("status", ["nowhere", ""])
def test_a_place_that_does_not_exist_is_refused(
    world: World, ann: Client, task: Task, status: str
) -> None:
    answer = ann.post(f"/boards/{world.board.id}/tasks/{task.id}/move", {"status": status}, **HTMX)
    assert answer.status_code == 422


def test_a_task_of_another_board_is_not_there(world: World, ann: Client, task: Task) -> None:
    for part in ("panel", "card", "body"):
        assert ann.get(f"/boards/{world.second_board.id}/tasks/{task.id}/{part}").status_code == 404


def test_the_quick_line_adds_and_stays_open(world: World, ann: Client) -> None:
    answer = ann.post(
        f"/boards/{world.board.id}/tasks/new", {"title": "Quick", "status": "review"}, **HTMX
    )
    assert answer.status_code == 200
    added = Task.objects.get(title="Quick")
    assert added.status == "review"
    assert json.loads(answer["HX-Trigger"])["mc:card-changed"]["id"] == str(added.id)
    assert "autofocus" in answer.content.decode()


def test_a_blank_title_keeps_the_line(world: World, ann: Client) -> None:
    answer = ann.post(
        f"/boards/{world.board.id}/tasks/new", {"title": " ", "status": "todo"}, **HTMX
    )
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()


def test_a_task_is_added_without_script(world: World, ann: Client) -> None:
    answer = ann.post(
        f"/boards/{world.board.id}/tasks/new",
        {
            "title": "By form",
            "priority": "high",
            "status": "todo",
            "assigned_agent_id": str(world.worker.id),
        },
    )
    assert answer.status_code == 302
    added = Task.objects.get(title="By form")
    assert answer["Location"] == f"/boards/{world.board.id}?task={added.key}"
    assert (added.priority, added.assigned_agent_id) == ("high", world.worker.id)


def facts(task: Task, **changes: str) -> dict[str, str]:
    present = {
        "status": task.status,
        "priority": task.priority,
        "assigned_agent_id": "",
        "due_at": "",
    }
    return {**present, "version": str(task.version), **changes}


def test_facts_change_in_the_panel(world: World, ann: Client, task: Task) -> None:
    address = f"/boards/{world.board.id}/tasks/{task.id}/facts"
    answer = ann.post(address, facts(task, priority="critical", due_at="2030-01-02T03:04"), **HTMX)
    assert answer.status_code == 200
    task.refresh_from_db()
    assert task.priority == "critical"
    assert task.due_at is not None
    assert task.due_at.year == 2030


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["panel", "whole page"])
def test_a_refused_fact_stands_in_the_panel(
    world: World, ann: Client, task: Task, headers: dict[str, str]
) -> None:
    address = f"/boards/{world.board.id}/tasks/{task.id}/facts"
    answer = ann.post(address, facts(task, status="done"), **headers)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert 'role="alert"' in html
    assert ("<html" in html) is (not headers)
    task.refresh_from_db()
    assert task.status == "todo"


def test_a_fact_that_another_changed_meanwhile_is_not_overwritten(
    world: World, ann: Client, task: Task
) -> None:
    address = f"/boards/{world.board.id}/tasks/{task.id}/facts"
    seen = facts(task)
    assert ann.post(address, {**seen, "priority": "high"}, **HTMX).status_code == 200
    assert ann.post(address, {**seen, "priority": "low"}, **HTMX).status_code == 412
    task.refresh_from_db()
    assert task.priority == "high"


@pytest.mark.parametrize(("message", "status"), [("Done **so far**", 200), ("  ", 422)])
def test_comments(world: World, ann: Client, task: Task, message: str, status: int) -> None:
    address = f"/boards/{world.board.id}/tasks/{task.id}/comments"
    answer = ann.post(address, {"message": message}, **HTMX)
    assert answer.status_code == status
    assert task.comments.count() == (1 if status == 200 else 0)
    assert ("<strong>so far</strong>" in answer.content.decode()) is (status == 200)


def test_a_task_is_edited_and_deleted(world: World, ann: Client, task: Task) -> None:
    other = f.make_task(world.board)
    address = f"/boards/{world.board.id}/tasks/{task.id}"
    fields = {
        "title": "New title",
        "priority": "low",
        "depends_on": [str(other.id)],
        "version": task.version,
    }
    assert ann.post(f"{address}/edit", fields).status_code == 302
    task.refresh_from_db()
    assert task.title == "New title"
    assert list(task.dependency_links.values_list("depends_on_id", flat=True)) == [other.id]
    assert ann.get(f"{address}/delete").status_code == 200
    assert ann.post(f"{address}/delete").status_code == 302
    assert not Task.objects.filter(pk=task.id).exists()


def test_a_cycle_is_refused_on_the_form(world: World, ann: Client, task: Task) -> None:
    other = f.make_task(world.board)
    board = f"/boards/{world.board.id}/tasks"
    first = {"title": "A", "priority": "low", "depends_on": [str(other.id)]}
    assert ann.post(f"{board}/{task.id}/edit", first).status_code == 302
    second = {"title": "B", "priority": "low", "depends_on": [str(task.id)]}
    answer = ann.post(f"{board}/{other.id}/edit", second)
    assert answer.status_code == 422
    assert "cycle" in answer.content.decode()


def test_a_board_is_made_changed_and_deleted(world: World, ann: Client) -> None:
    made = ann.post("/boards/new", {"name": "Launch", "objective": "Be there"})
    board = Board.objects.get(name="Launch")
    assert made["Location"] == f"/boards/{board.id}"
    edit = f"/boards/{board.id}/edit"
    fields = {
        "name": "Launch 2", "key": "LNCH", "max_agents": "3", "approval_gate_scope": "everyone",
        "execution_policy": "manual", "wip_in_progress": "4", "only_lead_can_change_status": "on",
        "version": str(board.version),
    }  # fmt: skip
    assert ann.post(edit, fields).status_code == 302
    board.refresh_from_db()
    assert (board.name, board.key, board.max_agents) == ("Launch 2", "LNCH", 3)
    assert board.wip_limits == {"in_progress": 4}
    assert board.only_lead_can_change_status
    assert not board.require_approval_for_done
    refused = ann.post(edit, {**fields, "key": "toolong"})
    assert refused.status_code == 422
    assert "Nothing was saved" in refused.content.decode()
    assert ann.post(f"/boards/{board.id}/delete", {"confirm_name": "no"}).status_code == 200
    assert ann.post(f"/boards/{board.id}/delete", {"confirm_name": "Launch 2"}).status_code == 302
    assert not Board.objects.filter(pk=board.id).exists()


def test_a_group_is_made_changed_and_deleted(world: World, ann: Client, bob: Client) -> None:
    assert bob.post("/board-groups/new", {"name": "Mine"}).status_code == 403
    assert ann.post("/board-groups/new", {"name": "Platform"}).status_code == 302
    group = BoardGroup.objects.get(name="Platform")
    assert ann.post(f"/board-groups/{group.id}/edit", {"name": "Platforms"}).status_code == 302
    assert "Platforms" in ann.get(f"/board-groups/{group.id}").content.decode()
    assert ann.post(f"/board-groups/{group.id}/delete").status_code == 302
    assert ann.get(f"/board-groups/{uuid4()}").status_code == 404


def test_a_board_is_paused_and_goes_on(world: World, ann: Client) -> None:
    for value, is_paused in (("1", True), ("0", False)):
        assert ann.post(f"/boards/{world.board.id}/pause", {"paused": value}).status_code == 302
        assert Board.objects.get(pk=world.board.id).paused is is_paused
