"""The API of groups, boards, tasks and comments beyond the scenarios of the specification."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from activity.models import ActivityEvent, AuditEntry
from boards import services
from boards.models import Board, Task, TaskAlias
from missioncontrol.kernel.actors import SystemActor
from tests import factories
from tests.world import World


def task_on(world: World, title: str = "One", **fields: Any) -> dict[str, Any]:
    """A task of board A1."""
    made = world.as_ann.post(f"/boards/{world.board.pk}/tasks", {"title": title, **fields})
    found: dict[str, Any] = made.expect(200).json
    return found


def types_of(world: World) -> list[str]:
    """Types of the organization's events, oldest first."""
    events = ActivityEvent.objects.filter(organization_id=world.org.pk).order_by("seq")
    return list(events.values_list("type", flat=True))


# --- groups ---------------------------------------------------------------------------------------


def test_a_group_is_made_changed_and_deleted(world: World) -> None:
    board = factories.make_board(world.org, "Grouped")
    made = world.as_ann.post("/board-groups", {"name": "Q1 2026 Projects", "description": "d"})
    group = made.expect(200).json
    assert (group["slug"], made.headers["Location"]) == (
        "q1-2026-projects", f"/api/v1/board-groups/{group['id']}",
    )  # fmt: skip
    world.as_ann.patch(f"/boards/{board.pk}", {"board_group_id": group["id"]}).expect(200)
    changed = world.as_ann.patch(f"/board-groups/{group['id']}", {"name": "Q2"}).expect(200)
    assert (changed.json["name"], changed.headers["ETag"]) == ("Q2", '"2"')
    world.as_ann.patch(
        f"/board-groups/{group['id']}", {"name": "Q3"}, headers={"If-Match": '"1"'}
    ).expect(412)
    world.as_ann.delete(f"/board-groups/{group['id']}").expect(200)
    board.refresh_from_db()
    assert board.board_group_id is None
    assert {"board_group.created", "board_group.updated", "board_group.deleted"} <= set(
        types_of(world)
    )


def test_members_see_groups_of_their_boards_and_make_none(world: World) -> None:
    seen, hidden = (
        factories.make_group(world.org, "Seen"),
        factories.make_group(world.org, "Hidden"),
    )
    Board.objects.filter(pk=world.board.pk).update(board_group=seen)
    Board.objects.filter(pk=world.second_board.pk).update(board_group=hidden)
    assert [row["name"] for row in world.as_bob.get("/board-groups").expect(200).items] == ["Seen"]
    world.as_bob.post("/board-groups", {"name": "Mine"}).expect(403)
    world.as_bob.patch(f"/board-groups/{seen.pk}", {"name": "Mine"}).expect(403)
    world.as_bob.delete(f"/board-groups/{hidden.pk}").expect(404)


def test_a_group_snapshot_shows_readable_boards_only(world: World) -> None:
    group = factories.make_group(world.org)
    Board.objects.filter(organization=world.org).update(board_group=group)
    for number in range(4):
        task_on(world, f"T{number}", priority="high" if number == 2 else "low")
    path = f"/board-groups/{group.pk}/snapshot?per_board_task_limit=2"
    shown = world.as_bob.get(path).expect(200).json["boards"]
    assert [entry["board"]["name"] for entry in shown] == ["A1"]
    assert shown[0]["task_counts"]["todo"] == 4
    assert [task["title"] for task in shown[0]["tasks"]] == ["T2", "T3"]
    world.as_bob.get(f"/board-groups/{group.pk}/snapshot?per_board_task_limit=101").expect(422)
    around = world.as_worker.get(f"/boards/{world.board.pk}/group-snapshot").expect(200).json
    assert [entry["board"]["name"] for entry in around["boards"]] == ["A2"]
    alone = world.as_lead.get(f"/boards/{world.board.pk}/group-snapshot?include_self=true").json
    assert [entry["board"]["name"] for entry in alone["boards"]] == ["A1", "A2"]


# --- boards ---------------------------------------------------------------------------------------


def test_a_board_gets_key_slug_and_defaults(world: World) -> None:
    made = world.as_ann.post("/boards", {"name": "Release Train"}).expect(200).json
    again = world.as_ann.post("/boards", {"name": "Release Train"}).expect(200).json
    assert (made["key"], made["slug"], again["key"]) == ("RT", "release-train", "REL")
    assert (made["require_approval_for_done"], made["approval_gate_scope"]) == (True, "agents")
    assert made["description"] == ""
    world.as_ann.post("/boards", {"name": "x", "description": "  "}).expect(422)
    world.as_ann.post("/boards", {"name": "x", "key": "rt"}).expect(409)
    world.as_bob.post("/boards", {"name": "x"}).expect(403)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"goal_confirmed": True}, "objective"),
        ({"max_agents": -1}, "max_agents"),
        ({"key": "X1"}, "key"),
        ({"board_group_id": "00000000-0000-4000-8000-000000000001"}, "board_group_id"),
        ({"gateway_id": "00000000-0000-4000-8000-000000000001"}, "gateway_id"),
        ({"wip_limits": {"todo": -1}}, "wip_limits"),
        ({"wip_limits": {"nowhere": 3}}, "wip_limits"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_boards_refuse_what_does_not_fit(world: World, fields: dict[str, Any], field: str) -> None:
    answer = world.as_ann.post("/boards", {"name": "New", **fields}).expect(422)
    assert answer.json["errors"][0]["loc"][-1] == field


@pytest.mark.scenario("CORE-31")
def test_a_board_takes_no_foreign_gateway(world: World) -> None:
    body = {"name": "New", "gateway_id": str(world.gateway.pk)}
    assert world.as_eve.post("/boards", body).expect(422).json["detail"] == "gateway_id is invalid"
    path = f"/boards/{world.other_board.pk}"
    world.as_eve.patch(path, {"gateway_id": str(world.gateway.pk)}).expect(422)
    refused = world.as_eve.patch(path, {"gateway_id": None}).expect(422)
    assert refused.json["errors"][0]["loc"][-1] == "gateway_id"


def test_rules_are_changed_by_admins_and_audited(world: World) -> None:
    factories.grant(world.board, world.bob, "write")
    path = f"/boards/{world.board.pk}"
    world.as_bob.patch(path, {"objective": "Ship"}).expect(200)
    world.as_bob.patch(path, {"max_agents": 5}).expect(403)
    world.as_ann.patch(path, {"max_agents": 5, "objective": "Ship it"}).expect(200)
    entry = AuditEntry.objects.get(organization_id=world.org.pk)
    assert '"changes":{"max_agents":5},"previous":{"max_agents":1}' in entry.body
    assert types_of(world).count("board.policy_changed") == 1


def test_board_versions_conflict_by_field(world: World) -> None:
    path, seen = f"/boards/{world.board.pk}", {"If-Match": '"1"'}
    world.as_ann.patch(path, {"name": "New"}).expect(200)
    world.as_ann.patch(path, {"description": "d"}, headers=seen).expect(200)
    refused = world.as_ann.patch(path, {"name": "Newer"}, headers=seen).expect(412)
    assert (refused.json["fields"], refused.json["current"]["name"]) == (["name"], "New")


def test_a_new_short_name_keeps_the_old_keys_working(world: World) -> None:
    task = task_on(world)
    world.as_ann.patch(f"/boards/{world.board.pk}", {"key": "ops"}).expect(200)
    assert world.as_ann.get("/tasks/OPS-1").expect(200).json["id"] == task["id"]
    assert world.as_ann.get(f"/tasks/{task['key'].lower()}").expect(200).json["key"] == "OPS-1"
    old = task["key"].partition("-")[0]
    world.as_ann.post("/boards", {"name": "Other", "key": old}).expect(409)
    world.as_ann.patch(f"/boards/{world.board.pk}", {"key": old}).expect(200)


def test_the_detail_holds_what_include_names(world: World) -> None:
    task_on(world)
    path = f"/boards/{world.board.pk}"
    whole = world.as_ann.get(path).expect(200).json
    assert (whole["tasks_total"], len(whole["tasks"]), whole["task_counts"]["todo"]) == (1, 1, 1)
    assert "tasks" not in world.as_ann.get(f"{path}?include=none").expect(200).json
    parts = world.as_ann.get(f"{path}?include=tasks,agents").expect(200).json
    assert [agent["is_board_lead"] for agent in parts["agents"]] == [True, False]
    world.as_ann.get(f"{path}?include=everything").expect(422)


def test_a_board_is_deleted_by_admins_with_all_it_holds(world: World) -> None:
    factories.grant(world.board, world.bob, "write")
    task = task_on(world)
    ask = {"action_type": "x", "lead_reasoning": "y", "task_id": task["id"]}
    world.as_ann.post(f"/boards/{world.board.pk}/approvals", ask).expect(200)
    world.as_bob.delete(f"/boards/{world.board.pk}").expect(403)
    world.as_ann.delete(f"/boards/{world.board.pk}?force=true").expect(200)
    world.as_ann.get(f"/boards/{world.board.pk}").expect(404)
    assert not Task.objects.filter(pk=task["id"]).exists()
    deleted = ActivityEvent.objects.get(type="board.deleted")
    assert (deleted.target_title, deleted.data["tasks"]) == ("A1", 1)


def test_paused_boards_are_shown_and_released(world: World) -> None:
    actor = world.actor(world.ann)
    assert services.pause_board(actor, world.board.pk).paused
    services.pause_board(actor, world.board.pk)
    assert not services.resume_board(actor, world.board.pk).paused
    assert types_of(world) == ["board.paused", "board.resumed"]


# --- tasks ----------------------------------------------------------------------------------------


def test_the_flat_and_the_nested_address_are_one(world: World) -> None:
    task = task_on(world, created_by_user_id="00000000-0000-4000-8000-000000000001")
    assert task["created_by_user_id"] == str(world.ann.pk)
    other = {"title": "x", "board_id": str(world.second_board.pk)}
    world.as_ann.post(f"/boards/{world.board.pk}/tasks", other).expect(422)
    for base in ("/api", "/api/v1"):
        assert world.as_ann.get(f"{base}/tasks/{task['id']}").expect(200).json["id"] == task["id"]
    both = {"dependencies": [task["id"]], "depends_on_task_ids": [], "title": "x"}
    world.as_ann.post(f"/boards/{world.board.pk}/tasks", both).expect(422)


def test_filters_of_a_task_list(world: World) -> None:
    mine = task_on(world, "50% done_ish", assigned_agent_id=str(world.worker.pk))
    task_on(world, "Other", priority="high", due_at="2026-01-01T00:00:00")
    path = f"/boards/{world.board.pk}/tasks"

    def titles(query: str) -> list[str]:
        return [row["title"] for row in world.as_ann.get(f"{path}?{query}").expect(200).items]

    assert titles(f"assigned_agent_id={world.worker.pk}") == ["50% done_ish"]
    assert titles("unassigned=true") == ["Other"]
    assert titles("priority=high") == ["Other"]
    assert titles("due_before=2026-02-01T00:00:00Z") == ["Other"]
    assert titles("q=50%25%20done_") == ["50% done_ish"]
    assert titles("q=5_%25") == []
    assert titles(f"q={mine['key'].lower()}") == ["50% done_ish"]
    assert titles("tag=any") == []
    for query in ("limit=0", "limit=201", "offset=-1", "priorty=high", "unassigned=perhaps"):
        world.as_ann.get(f"{path}?{query}").expect(422)
    page = world.as_ann.get(f"{path}?limit=1&offset=1").expect(200).json
    assert (page["total"], len(page["items"])) == (2, 1)


def test_versions_merge_by_field(world: World) -> None:
    task = task_on(world)
    path, seen = f"/tasks/{task['id']}", {"If-Match": '"1"'}
    world.as_ann.patch(path, {"title": "Mine"}).expect(200)
    merged = world.as_ann.patch(path, {"priority": "low"}, headers=seen).expect(200)
    assert (merged.headers["ETag"], merged.json["title"]) == ('"3"', "Mine")
    refused = world.as_ann.patch(path, {"title": "Yours"}, headers=seen).expect(412)
    assert (refused.code, refused.json["fields"]) == ("version_conflict", ["title"])
    assert refused.json["current"]["title"] == "Mine"
    assert refused.json["changed_by"] == "Ann"
    same = world.as_ann.patch(path, {"title": "Mine"}, headers=seen).expect(200)
    assert same.json["version"] == 3


def test_nothing_changed_is_no_event(world: World) -> None:
    task = task_on(world)
    before = types_of(world)
    same = {"title": "One", "status": "todo", "assigned_agent_id": None}
    answer = world.as_ann.patch(f"/tasks/{task['id']}", same).expect(200).json
    assert (answer["version"], types_of(world)) == (1, before)


@pytest.mark.parametrize("name", ["title", "status", "priority", "depends_on_task_ids"])
def test_null_clears_only_what_may_be_empty(world: World, name: str) -> None:
    task = task_on(world, description="d", due_at="2026-01-01T00:00:00Z")
    path = f"/tasks/{task['id']}"
    world.as_ann.patch(path, {name: None}).expect(422)
    cleared = world.as_ann.patch(path, {"description": None, "due_at": None}).expect(200).json
    assert (cleared["description"], cleared["due_at"]) == (None, None)


def test_a_started_task_waits_again_for_a_new_dependency(world: World) -> None:
    first = task_on(world, "First")
    second = task_on(world, "Second", status="in_progress", assigned_agent_id=str(world.worker.pk))
    path = f"/tasks/{second['id']}"
    back = world.as_ann.patch(path, {"depends_on_task_ids": [first["id"]]}).expect(200).json
    assert (back["status"], back["assignee"], back["in_progress_at"]) == ("todo", "WA", None)
    assert back["is_blocked"]
    both = {"depends_on_task_ids": [], "status": "in_progress"}
    assert world.as_ann.patch(path, both).expect(200).json["status"] == "in_progress"
    world.as_ann.patch(f"/tasks/{first['id']}", {"status": "done"}).expect(200)
    changed = {"depends_on_task_ids": [second["id"]]}
    assert world.as_ann.patch(f"/tasks/{first['id']}", changed).expect(409).code == "task_done"


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        ({"board": "second_board"}, 409, "agent_other_board"),
        ({"agent_type": "main"}, 409, "agent_is_main"),
        ({"status": "deleting"}, 409, "agent_deleting"),
        ({}, 200, None),
    ],
    ids=["other-board", "main", "deleting", "pool"],
)
def test_who_can_be_assigned(
    world: World, make: dict[str, Any], status: int, code: str | None
) -> None:
    facts = {k: getattr(world, v) if k == "board" else v for k, v in make.items()}
    agent = factories.make_agent(world.org, "Candidate", **facts)
    task = task_on(world)
    answer = world.as_ann.post(f"/tasks/{task['id']}/assign-agent", {"agent_id": str(agent.pk)})
    assert (answer.status, answer.code if code else None) == (status, code)


def test_an_agent_may_not_use_peoples_addresses(world: World) -> None:
    task = task_on(world)
    world.as_worker.post(f"/tasks/{task['id']}/move", {"board_id": str(world.board.pk)}).expect(403)
    world.as_worker.post("/boards", {"name": "x"}).expect(403)
    world.as_ann.get(f"/agent/boards/{world.board.pk}").expect(403)
    body = {"title": "x"}
    refused = world.as_worker.post(f"/agent/boards/{world.board.pk}/tasks", body).expect(403)
    assert refused.code == "lead_only"
    world.as_worker.delete(f"/agent/boards/{world.board.pk}/tasks/{task['id']}").expect(403)
    refused = world.as_worker.patch(f"/boards/{world.board.pk}/tasks/{task['id']}", body).expect(
        403
    )
    assert refused.code == "task_update_field_forbidden"


def test_a_relocated_task_takes_its_history_along(world: World) -> None:
    waits = task_on(world, "Waits")
    task = task_on(world, "Moves", assigned_agent_id=str(world.worker.pk))
    changes = {"depends_on_task_ids": [task["id"]]}
    world.as_ann.patch(f"/tasks/{waits['id']}", changes).expect(200)
    target = {"board_id": str(world.second_board.pk)}
    moved = world.as_ann.post(f"/tasks/{task['id']}/move", target).expect(200).json
    assert moved["key"] == f"{world.second_board.key}-1"
    assert (moved["assigned_agent_id"], moved["board_id"]) == (None, str(world.second_board.pk))
    assert world.as_ann.get(f"/tasks/{task['key']}").expect(200).json["key"] == moved["key"]
    assert world.as_ann.get(f"/tasks/{waits['id']}").expect(200).json["is_blocked"] is False
    assert TaskAlias.objects.get().key == task["key"]
    world.as_bob.post(f"/tasks/{waits['id']}/move", target).expect(404)
    world.as_ann.post(f"/tasks/{waits['id']}/move", {"board_id": str(world.other_board.pk)}).expect(
        404
    )


@pytest.mark.scenario("CORE-39")
def test_a_chain_of_five_thousand_is_checked(world: World) -> None:
    from boards.models import TaskDependency

    tasks = [
        Task(
            organization_id=world.org.pk, board=world.board, number=n, key=f"CH-{n}", title=str(n),
            rank=f"b{n // 62:02d}", fingerprint=str(n),
        )
        for n in range(1, 5_001)
    ]  # fmt: skip
    Task.objects.bulk_create(tasks, batch_size=1_000)
    TaskDependency.objects.bulk_create(
        [TaskDependency(task=b, depends_on=a) for a, b in itertools.pairwise(tasks)],
        batch_size=1_000,
    )
    changes = {"depends_on_task_ids": [str(tasks[-1].pk)]}
    refused = world.as_ann.patch(f"/tasks/{tasks[0].pk}", changes).expect(409)
    assert refused.code == "dependency_cycle"


def test_a_repeated_creation_is_answered_once(world: World) -> None:
    path, key = f"/boards/{world.board.pk}/tasks", {"Idempotency-Key": "k1"}
    first = world.as_ann.post(path, {"title": "Once"}, headers=key).expect(200)
    again = world.as_ann.post(path, {"title": "Once"}, headers=key).expect(200)
    assert (again.json["id"], again.headers["Idempotent-Replay"]) == (first.json["id"], "true")
    world.as_ann.post(path, {"title": "Twice"}, headers=key).expect(409)
    assert Task.objects.count() == 1


def test_order_within_a_column(world: World) -> None:
    a, b, c = (task_on(world, title) for title in "ABC")
    actor = world.actor(world.ann)
    services.move_task(actor, c["id"], to="todo", before_id=a["id"])
    services.move_task(actor, a["id"], to="todo", after_id=b["id"])
    titles = Task.objects.filter(board=world.board).order_by("rank").values_list("title", flat=True)
    assert list(titles) == ["C", "B", "A"]
    version = Task.objects.get(pk=a["id"]).version
    services.move_task(actor, a["id"], to="todo", after_id=b["id"])
    assert Task.objects.get(pk=a["id"]).version == version


def test_foreign_order_keys_are_replaced(world: World) -> None:
    first = factories.make_task(world.board, "First", rank="00000001")
    factories.make_task(world.board, "Second", rank="00000002")
    task_on(world, "Third")
    services.rerank_column(SystemActor("test"), world.board.pk, status="todo")
    titles = Task.objects.filter(board=world.board).order_by("rank").values_list("title", flat=True)
    assert list(titles) == ["First", "Second", "Third"]
    first.refresh_from_db()
    assert first.rank == "a0"


# --- comments -------------------------------------------------------------------------------------


def test_comments_are_corrected_and_deleted_by_their_author(world: World) -> None:
    task = task_on(world)
    path = f"/tasks/{task['id']}/comments"
    said = world.as_ann.post(path, {"message": "  Hello @WA  "}).expect(200).json
    assert (said["message"], said["author_type"], said["agent_id"]) == ("Hello @WA", "user", None)
    world.as_ann.post(path, {"message": "   "}).expect(422)
    edited = world.as_ann.patch(f"{path}/{said['id']}", {"message": "Hello"}).expect(200).json
    assert edited["edited_at"] is not None
    factories.grant(world.board, world.bob, "write")
    world.as_bob.patch(f"{path}/{said['id']}", {"message": "x"}).expect(403)
    world.as_bob.delete(f"{path}/{said['id']}").expect(403)
    world.as_ann.delete(f"{path}/{said['id']}").expect(200)
    assert world.as_ann.get(path).expect(200).items == []
    assert world.as_ann.get(f"/tasks/{task['id']}").expect(200).json["comments_count"] == 0
    traces = [t for t in types_of(world) if t.startswith("task.comment")]
    assert traces == ["task.commented", "task.comment_edited", "task.comment_deleted"]


def test_a_reader_does_not_comment(world: World) -> None:
    task = task_on(world)
    world.as_bob.get(f"/tasks/{task['id']}/comments").expect(200)
    world.as_bob.post(f"/tasks/{task['id']}/comments", {"message": "x"}).expect(403)


def test_when_a_lead_speaks(world: World) -> None:
    task = task_on(world)
    path = f"/agent/boards/{world.board.pk}/tasks/{task['id']}/comments"
    refused = world.as_lead.post(path, {"message": "My view"}).expect(403)
    assert refused.code == "lead_comment_forbidden"
    world.as_ann.post(f"/tasks/{task['id']}/comments", {"message": "mail a@lead.org"}).expect(200)
    world.as_lead.post(path, {"message": "My view"}).expect(403)
    world.as_ann.post(f"/tasks/{task['id']}/comments", {"message": "@Lead?"}).expect(200)
    world.as_lead.post(path, {"message": "My view"}).expect(200)
    reviewed = task_on(world, "Second", status="review")
    other = f"/agent/boards/{world.board.pk}/tasks/{reviewed['id']}/comments"
    world.as_lead.post(other, {"message": "Looks good"}).expect(200)


# --- approvals ------------------------------------------------------------------------------------


def test_an_approval_finds_its_board_and_tasks(world: World) -> None:
    one, two = task_on(world, "One"), task_on(world, "Two")
    body = {
        "task_id": one["id"],
        "action": "deploy",
        "reason": "Ready",
        "metadata": {"env": "prod"},
    }
    asked = world.as_ann.post("/api/approvals", body).expect(200).json
    assert (asked["status"], asked["action"], asked["reason"], asked["metadata"]) == (
        "pending", "deploy", "Ready", {"env": "prod"},
    )  # fmt: skip
    inner = {"action_type": "x", "payload": {"reason": "y", "taskIds": [two["id"], "no id"]}}
    found = world.as_lead.post(f"/agent/boards/{world.board.pk}/approvals", inner).expect(200).json
    assert (found["task_ids"], found["agent_id"]) == ([two["id"]], str(world.lead.pk))
    conflict = world.as_ann.post("/approvals", body).expect(409)
    assert conflict.json["conflicts"] == [{"task_id": one["id"], "approval_id": asked["id"]}]
    listed = world.as_worker.get(f"/agent/boards/{world.board.pk}/approvals").expect(200).items
    assert {row["id"] for row in listed} == {asked["id"], found["id"]}


@pytest.mark.scenario("CORE-59")
@pytest.mark.parametrize("who", ["as_ann", "as_worker"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "approved"},
        {"confidence": 101},
        {"reason": " "},
        {"action": ""},
        {"task_id": "x"},
    ],
)
def test_requests_that_do_not_fit(world: World, who: str, wrong: dict[str, Any]) -> None:
    body = {"action": "deploy", "reason": "Ready", **wrong}
    getattr(world, who).post(f"/boards/{world.board.pk}/approvals", body).expect(422)


def test_an_approval_without_task_needs_a_board(world: World) -> None:
    body = {"action": "deploy", "reason": "Ready"}
    answer = world.as_ann.post("/approvals", body).expect(422)
    assert answer.json["errors"][0]["loc"][-1] == "board_id"
    world.as_ann.post("/approvals", {**body, "board_id": str(world.board.pk)}).expect(200)


# --- grants ---------------------------------------------------------------------------------------


def test_grants_open_and_close_a_board(world: World) -> None:
    actor, path = world.actor(world.ann), f"/boards/{world.second_board.pk}"
    world.as_bob.get(path).expect(404)
    services.grant_board(actor, world.second_board.pk, world.bob.pk, can_read=False, can_write=True)
    world.as_bob.patch(path, {"objective": "Mine"}).expect(200)
    assert services.rights_of(world.org.pk, world.bob.pk) == [
        (world.board.pk, True, False), (world.second_board.pk, True, True),
    ]  # fmt: skip
    services.grant_board(actor, world.second_board.pk, world.bob.pk, can_read=True, can_write=False)
    world.as_bob.patch(path, {"objective": "Mine"}).expect(403)
    services.grant_board(
        actor, world.second_board.pk, world.bob.pk, can_read=False, can_write=False
    )
    world.as_bob.get(path).expect(404)
    assert types_of(world).count("board.access_changed") == 3
    world.second_board.refresh_from_db()
    assert world.second_board.permission_epoch == 3
