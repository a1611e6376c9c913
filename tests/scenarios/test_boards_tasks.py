"""Tasks over HTTP: what may move, what blocks, what is refused, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import Answer, Client
from tests.world import World


def make(world: World, title: str, *, who: Client | None = None, **fields: Any) -> dict[str, Any]:
    """A task of board A1 as the API answers it."""
    body = {"board_id": str(world.board.pk), "title": title, **fields}
    task: dict[str, Any] = (who or world.as_ann).post("/tasks", body).expect(200).json
    return task


def configure(world: World, **rules: Any) -> None:
    """Set rules of board A1."""
    world.as_ann.patch(f"/boards/{world.board.pk}", rules).expect(200)


def by_agent(world: World, who: Client, task: dict[str, Any], **changes: Any) -> Answer:
    """An agent changes a task at its own address."""
    return who.patch(f"/agent/boards/{world.board.pk}/tasks/{task['id']}", changes)


def read(world: World, task: dict[str, Any]) -> dict[str, Any]:
    """The task as it stands."""
    found: dict[str, Any] = world.as_ann.get(f"/tasks/{task['id']}").expect(200).json
    return found


def events(world: World, task: dict[str, Any]) -> list[dict[str, Any]]:
    """Frames of the board that concern the task, oldest first."""
    found = world.as_ann.get(f"/boards/{world.board.pk}/events").expect(200).items
    return [event for event in found if event["task_id"] == task["id"]]


def kinds(world: World, task: dict[str, Any]) -> list[str]:
    """Stored types of the task's events."""
    return [event["event"] for event in events(world, task)]


@pytest.mark.scenario("CORE-37")
@pytest.mark.parametrize(
    ("body", "field"),
    [({"title": "x"}, "board_id"), ({"title": "   "}, "title"), ({"title": "x" * 600}, "title")],
)
def test_a_task_needs_a_board_and_a_title(world: World, body: dict[str, Any], field: str) -> None:
    if field != "board_id":
        body = {"board_id": str(world.board.pk), **body}
    answer = world.as_ann.post("/tasks", body).expect(422)
    assert [error["loc"][-1] for error in answer.json["errors"]] == [field]


@pytest.mark.scenario("CORE-38")
def test_inbox_means_todo(world: World) -> None:
    task = make(world, "From an older client", status="Inbox")
    make(world, "Under way", status="in_progress")
    found = world.as_ann.get(f"/boards/{world.board.pk}/tasks?status=inbox,review").expect(200)
    assert [row["title"] for row in found.items] == ["From an older client"]
    assert (task["status"], found.items[0]["status"]) == ("todo", "todo")
    answer = world.as_ann.get(f"/boards/{world.board.pk}/tasks?status=later").expect(422)
    assert answer.json["detail"] == "Unsupported task status filter."


@pytest.mark.scenario("CORE-39")
def test_cycles_are_refused(world: World) -> None:
    a = make(world, "A")
    b = make(world, "B", depends_on_task_ids=[a["id"]])
    c = make(world, "C", dependencies=[b["id"]])
    cycle = world.as_ann.patch(f"/tasks/{a['id']}", {"depends_on_task_ids": [c["id"]]}).expect(409)
    assert (cycle.code, read(world, a)["depends_on_task_ids"]) == ("dependency_cycle", [])
    world.as_ann.patch(f"/tasks/{a['id']}", {"depends_on_task_ids": [a["id"]]}).expect(422)


@pytest.mark.scenario("CORE-41")
def test_a_blocked_task_cannot_start(world: World) -> None:
    first = make(world, "First")
    mine = str(world.worker.pk)
    second = make(world, "Second", assigned_agent_id=mine, depends_on_task_ids=[first["id"]])
    assert (second["is_blocked"], second["blocked_by_task_ids"]) == (True, [first["id"]])
    answers = [
        by_agent(world, world.as_worker, second, status="in_progress"),
        by_agent(world, world.as_lead, second, status="in_progress"),
        world.as_ann.patch(f"/tasks/{second['id']}", {"status": "in_progress"}),
    ]
    for answer in answers:
        assert (answer.status, answer.code) == (409, "task_blocked_cannot_transition")
        assert answer.json["blocked_by_task_ids"] == [first["id"]]
    body = {"title": "Third", "status": "review", "depends_on_task_ids": [first["id"]]}
    refused = world.as_ann.post(f"/boards/{world.board.pk}/tasks", body).expect(409)
    assert refused.code == "task_blocked_cannot_transition"


@pytest.mark.scenario("CORE-41")
@pytest.mark.parametrize("named", [{}, {"status": "in_progress"}], ids=["alone", "with its status"])
def test_started_work_that_has_to_wait_goes_back(world: World, named: dict[str, str]) -> None:
    first, mine = make(world, "First"), str(world.worker.pk)
    task = make(world, "Started", status="in_progress", assigned_agent_id=mine)
    body = {"depends_on_task_ids": [first["id"]], **named}
    back = world.as_ann.patch(f"/tasks/{task['id']}", body).expect(200).json
    assert (back["status"], back["in_progress_at"], back["is_blocked"]) == ("todo", None, True)
    assert back["assigned_agent_id"] == mine
    assert kinds(world, task)[-2:] == ["task.moved", "task.updated"]


@pytest.mark.scenario("CORE-41")
def test_a_lead_does_not_let_started_work_wait_where_it_is(world: World) -> None:
    first = make(world, "First")
    task = make(world, "Started", status="in_progress", assigned_agent_id=str(world.worker.pk))
    wish = {"status": "in_progress", "depends_on_task_ids": [first["id"]]}
    refused = by_agent(world, world.as_lead, task, **wish).expect(409)
    assert refused.code == "task_blocked_cannot_transition"
    assert refused.json["blocked_by_task_ids"] == [first["id"]]
    now = read(world, task)
    assert (now["status"], now["depends_on_task_ids"]) == ("in_progress", [])


@pytest.mark.scenario("CORE-42")
def test_a_finished_dependency_unblocks_once(world: World) -> None:
    first = make(world, "First")
    second = make(
        world, "Second", assigned_agent_id=str(world.worker.pk), depends_on_task_ids=[first["id"]]
    )
    world.as_ann.patch(f"/tasks/{first['id']}", {"status": "done"}).expect(200)
    assert read(world, second)["is_blocked"] is False
    told = [event for event in events(world, second) if event["event"] == "task.unblocked"]
    assert len(told) == 1
    assert told[0]["assigned_agent_id"] == str(world.worker.pk)


@pytest.mark.scenario("CORE-43")
def test_a_reopened_dependency_takes_started_work_back(world: World) -> None:
    first = make(world, "First", status="done")
    started = make(world, "Started", status="in_progress", depends_on_task_ids=[first["id"]])
    finished = make(world, "Finished", status="done", depends_on_task_ids=[first["id"]])
    world.as_ann.patch(f"/tasks/{first['id']}", {"status": "in_progress"}).expect(200)
    back = read(world, started)
    assert (back["status"], back["in_progress_at"], back["is_blocked"]) == ("todo", None, True)
    assert read(world, finished)["status"] == "done"
    moved = [event for event in events(world, started) if event["event"] == "task.moved"]
    assert moved[-1]["reason"] == "Task returned to todo: dependency reopened (First)."


@pytest.mark.scenario("CORE-44")
def test_a_worker_claims_free_tasks_and_leaves_others_alone(world: World) -> None:
    free, taken = make(world, "Free"), make(world, "Taken", assigned_agent_id=str(world.lead.pk))
    claimed = by_agent(world, world.as_worker, free, status="in_progress").expect(200).json
    assert (claimed["assigned_agent_id"], claimed["assignee"]) == (str(world.worker.pk), "WA")
    refused = by_agent(world, world.as_worker, taken, status="in_progress").expect(403)
    assert refused.code == "task_assignee_mismatch"


@pytest.mark.scenario("CORE-45")
def test_only_the_lead_moves_where_the_board_says_so(world: World) -> None:
    configure(world, only_lead_can_change_status=True)
    task = make(world, "Mine", assigned_agent_id=str(world.worker.pk))
    refused = by_agent(world, world.as_worker, task, status="in_progress").expect(403)
    assert refused.json["detail"] == "Only board leads can change task status."
    world.as_ann.patch(f"/tasks/{task['id']}", {"status": "in_progress"}).expect(200)


@pytest.mark.scenario("CORE-46")
def test_what_a_lead_moves(world: World) -> None:
    task = make(world, "Work", assigned_agent_id=str(world.worker.pk))
    by_agent(world, world.as_lead, task, status="done").expect(403)
    by_agent(world, world.as_worker, task, status="in_progress").expect(200)
    by_agent(world, world.as_lead, task, status="todo").expect(403)
    reviewed = by_agent(world, world.as_worker, task, status="review").expect(200).json
    assert reviewed["assigned_agent_id"] == str(world.lead.pk)
    by_agent(world, world.as_lead, task, status="in_progress").expect(403)
    back = by_agent(world, world.as_lead, task, status="todo").expect(200).json
    assert (back["status"], back["assigned_agent_id"]) == ("todo", str(world.worker.pk))
    told = [event for event in events(world, task) if event["event"] == "task.assigned"]
    assert told[-1]["agent_id"] == str(world.worker.pk)


@pytest.mark.scenario("CORE-46")
def test_a_lead_starts_a_task_only_with_an_assignee(world: World) -> None:
    task = make(world, "Unassigned")
    by_agent(world, world.as_lead, task, status="in_progress").expect(403)
    named = {"status": "in_progress", "assigned_agent_id": str(world.worker.pk)}
    started = by_agent(world, world.as_lead, task, **named).expect(200).json
    assert (started["status"], started["assignee"]) == ("in_progress", "WA")
    own = by_agent(world, world.as_lead, make(world, "Other"), assigned_agent_id=str(world.lead.pk))
    assert (own.status, own.code) == (403, "lead_self_assignment")


@pytest.mark.scenario("CORE-47")
@pytest.mark.parametrize("extra", [{"title": "New"}, {"comment": "Said"}])
def test_a_lead_writes_only_some_fields(world: World, extra: dict[str, str]) -> None:
    task = make(world, "Old", assigned_agent_id=str(world.worker.pk))
    refused = by_agent(world, world.as_lead, task, status="in_progress", **extra).expect(403)
    assert refused.json["allowed_fields"] == [
        "assigned_agent_id", "custom_field_values", "depends_on_task_ids", "status", "tag_ids",
    ]  # fmt: skip
    assert refused.json["fields"] == list(extra)
    now = read(world, task)
    assert (now["title"], now["status"], now["version"]) == ("Old", "todo", 1)


@pytest.mark.scenario("CORE-48")
def test_an_agent_finishes_with_an_approval_only(world: World) -> None:
    task = make(world, "Ship it", assigned_agent_id=str(world.worker.pk))
    refused = by_agent(world, world.as_worker, task, status="done").expect(409)
    assert (refused.code, refused.json["task_id"]) == ("approval_required", task["id"])
    ask = {"task_id": task["id"], "action_type": "finish", "lead_reasoning": "All is tested."}
    asked = world.as_worker.post(f"/agent/boards/{world.board.pk}/approvals", ask).expect(200).json
    by_agent(world, world.as_worker, task, status="done").expect(409)
    world.as_ann.patch(f"/approvals/{asked['id']}", {"status": "approved"}).expect(200)
    done = by_agent(world, world.as_worker, task, status="done").expect(200).json
    assert (done["status"], done["assignee"]) == ("done", "WA")
    world.as_ann.patch(f"/tasks/{task['id']}", {"status": "in_progress"}).expect(200)
    again = by_agent(world, world.as_worker, task, status="done").expect(409)
    assert again.code == "approval_required"
    assert "task.decided" not in kinds(world, task)


@pytest.mark.scenario("CORE-48")
def test_whom_the_approval_binds(world: World) -> None:
    own, bound = make(world, "By a person"), make(world, "By everyone's rule")
    world.as_ann.patch(f"/tasks/{own['id']}", {"status": "done"}).expect(200)
    assert kinds(world, own)[-1] == "task.decided"
    configure(world, approval_gate_scope="everyone")
    refused = world.as_ann.patch(f"/tasks/{bound['id']}", {"status": "done"}).expect(409)
    assert (refused.code, read(world, bound)["status"]) == ("approval_required", "todo")
    new = {"title": "Born done", "status": "done"}
    world.as_ann.post(f"/boards/{world.board.pk}/tasks", new).expect(409)


@pytest.mark.scenario("CORE-49")
def test_review_comes_before_done(world: World) -> None:
    configure(world, require_review_before_done=True)
    task = make(world, "Review me")
    refused = world.as_ann.patch(f"/tasks/{task['id']}", {"status": "done"}).expect(409)
    assert refused.code == "review_required"
    for status in ("review", "done"):
        world.as_ann.patch(f"/tasks/{task['id']}", {"status": status}).expect(200)


@pytest.mark.scenario("CORE-50")
def test_a_comment_comes_before_review(world: World) -> None:
    configure(world, comment_required_for_review=True)
    task = make(world, "Old", status="in_progress")
    path = f"/tasks/{task['id']}"
    refused = world.as_ann.patch(path, {"status": "review", "title": "New"}).expect(422)
    assert (refused.json["detail"], read(world, task)["title"]) == ("Comment is required.", "Old")
    body = {"status": "review", "title": "New", "comment": "Everything is in the branch."}
    moved = world.as_ann.patch(path, body).expect(200).json
    assert (moved["status"], moved["title"], moved["comments_count"]) == ("review", "New", 1)
    assert kinds(world, task).count("task.commented") == 1


@pytest.mark.scenario("CORE-50")
def test_an_earlier_comment_of_the_assignee_counts(world: World) -> None:
    configure(world, comment_required_for_review=True)
    task = make(world, "Work", assigned_agent_id=str(world.worker.pk))
    by_agent(world, world.as_worker, task, status="in_progress").expect(200)
    world.as_ann.post(f"/tasks/{task['id']}/comments", {"message": "Hurry."}).expect(200)
    by_agent(world, world.as_worker, task, status="review").expect(422)
    said = f"/agent/boards/{world.board.pk}/tasks/{task['id']}/comments"
    world.as_worker.post(said, {"message": "Done, see the log."}).expect(200)
    by_agent(world, world.as_worker, task, status="review").expect(200)


@pytest.mark.scenario("CORE-51")
def test_a_pending_approval_can_hold_the_status(world: World) -> None:
    configure(world, block_status_changes_with_pending_approval=True)
    task = make(world, "Held")
    ask = {"task_id": task["id"], "action": "deploy", "reason": "Ready."}
    world.as_ann.post("/approvals", ask).expect(200)
    path = f"/tasks/{task['id']}"
    refused = world.as_ann.patch(path, {"status": "in_progress"}).expect(409)
    assert refused.code == "pending_approval_blocks_status"
    world.as_ann.patch(path, {"title": "Held still"}).expect(200)


@pytest.mark.scenario("CORE-57")
def test_a_lead_does_not_repeat_an_open_task(world: World) -> None:
    path = f"/agent/boards/{world.board.pk}/tasks"
    body = {"title": "Clean up", "description": "Old branches"}
    first = world.as_lead.post(path, body).expect(200).json
    assert (first["auto_created"], first["auto_reason"]) == (True, f"lead_agent:{world.lead.pk}")
    again = {"title": " clean UP ", "description": "old branches "}
    refused = world.as_lead.post(path, again).expect(409)
    assert (refused.code, refused.json["existing_task_id"]) == ("duplicate_task", first["id"])
    twice = make(world, "Clean up", description="Old branches")
    assert twice["warnings"] == [f"duplicate_of:{first['id']}"]
    for task in (first, twice):
        world.as_ann.patch(f"/tasks/{task['id']}", {"status": "done"}).expect(200)
    world.as_lead.post(path, again).expect(200)


@pytest.mark.scenario("CORE-58")
def test_a_deleted_task_leaves_no_one_blocked(world: World) -> None:
    gone, stays = make(world, "Gone"), make(world, "Stays")
    waiting = make(world, "Waiting", depends_on_task_ids=[gone["id"]])
    ask = {"task_ids": [gone["id"], stays["id"]], "action_type": "x", "lead_reasoning": "Both."}
    shared = world.as_ann.post(f"/boards/{world.board.pk}/approvals", ask).expect(200).json
    world.as_ann.delete(f"/tasks/{gone['id']}").expect(200)
    assert read(world, waiting)["is_blocked"] is False
    left = world.as_ann.get(f"/approvals/{shared['id']}").expect(200).json
    assert (left["status"], left["task_ids"]) == ("pending", [stays["id"]])
    told = [event for event in events(world, gone) if event["event"] == "task.deleted"]
    assert told[0]["title"] == "Gone"
    feed = world.as_ann.get(f"/activity?task_id={gone['id']}").expect(200).items
    assert {row["event_type"] for row in feed} >= {"task.created", "task.deleted"}
    own = [row["resource_name"] for row in feed if row["resource_type"] == "task"]
    assert set(own) == {f"{gone['key']} Gone"}
    world.as_ann.get(f"/tasks/{gone['id']}").expect(404)


@pytest.mark.scenario("CORE-55")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"title":"x","description":"' + b"a" * (3 * 1024 * 1024) + b'"}', 413),
        (b'{"title":"x","custom_field_values":' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}", 422),
        (
            b'{"title":"x","tag_ids":['
            + b",".join([b'"00000000-0000-4000-8000-000000000000"'] * 10_000)
            + b"]}",
            422,
        ),
    ],
    ids=["large", "deep", "many"],
)
def test_outsized_bodies_are_refused(world: World, body: bytes, status: int) -> None:
    world.as_ann.request("POST", f"/boards/{world.board.pk}/tasks", body).expect(status)


@pytest.mark.scenario("CORE-50")
def test_a_task_is_not_born_in_review_without_a_comment(world: World) -> None:
    configure(world, comment_required_for_review=True)
    body = {"title": "Born in review", "status": "review"}
    refused = world.as_ann.post(f"/boards/{world.board.pk}/tasks", body).expect(422)
    assert (refused.json["detail"], refused.code) == ("Comment is required.", "comment_required")
    assert world.as_ann.get(f"/boards/{world.board.pk}/tasks").items == []
