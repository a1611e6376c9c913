"""Filters of task lists, and one change for many tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from boards.models import Task, TaskDependency
from missioncontrol.kernel import clock
from tests import factories
from tests.world import World


def change(world: World, ids: list[Any], what: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """The answer to one change of many tasks, by the owner."""
    path = f"/boards/{world.board.pk}/tasks/bulk"
    body = {"ids": [str(pk) for pk in ids], "change": what}
    found: dict[str, Any] = world.as_ann.post(path, body).expect(status).json
    return found


def test_each_task_is_changed_by_itself(world: World) -> None:
    free, stuck, foreign = (
        factories.make_task(world.board),
        factories.make_task(world.board),
        factories.make_task(world.second_board),
    )
    TaskDependency.objects.create(task=stuck, depends_on=factories.make_task(world.board))
    answer = change(world, [stuck.pk, free.pk, foreign.pk], {"status": "in_progress"})
    assert (answer["changed"], answer["refused"]) == (1, 2)
    blocked, moved, absent = answer["results"]
    assert (blocked["ok"], blocked["error"]["code"]) == (False, "task_blocked_cannot_transition")
    assert blocked["error"]["blocked_by_task_ids"]
    assert (moved["ok"], moved["task"]["status"]) == (True, "in_progress")
    assert absent["error"]["status"] == 404
    assert Task.objects.get(pk=foreign.pk).status == "todo"


@pytest.mark.parametrize(
    ("what", "name", "value"),
    [
        ({"priority": "high"}, "priority", "high"),
        ({"assigned_agent_id": None}, "assigned_agent_id", None),
    ],
)
def test_plain_changes(world: World, what: dict[str, Any], name: str, value: Any) -> None:
    tasks = [factories.make_task(world.board, assigned_agent=world.worker) for _ in range(3)]
    assert change(world, [task.pk for task in tasks], what)["changed"] == 3
    for task in tasks:
        task.refresh_from_db()
        assert getattr(task, name) == value


def test_tags_are_added_taken_away_and_replaced(world: World) -> None:
    first, second = factories.make_tag(world.org), factories.make_tag(world.org)
    tasks = [factories.make_task(world.board, tag_ids=[first.pk]), factories.make_task(world.board)]
    ids = [task.pk for task in tasks]
    change(world, ids, {"add_tag_ids": [str(second.pk)]})
    assert [Task.objects.get(pk=pk).tag_ids for pk in ids] == [[first.pk, second.pk], [second.pk]]
    change(world, ids, {"remove_tag_ids": [str(second.pk)]})
    assert [Task.objects.get(pk=pk).tag_ids for pk in ids] == [[first.pk], []]
    change(world, ids, {"tag_ids": []})
    assert [Task.objects.get(pk=pk).tag_ids for pk in ids] == [[], []]
    foreign = factories.make_tag(world.other_org)
    assert change(world, ids, {"add_tag_ids": [str(foreign.pk)]})["refused"] == 2


def test_many_are_deleted(world: World) -> None:
    ids = [factories.make_task(world.board).pk for _ in range(2)]
    answer = change(world, ids, {"delete": True})
    assert (answer["changed"], answer["results"][0]["task"]) == (2, None)
    assert not Task.objects.filter(pk__in=ids).exists()


@pytest.mark.parametrize(
    "what", [{}, {"status": "done", "priority": "low"}, {"delete": False}, {"title": "x"}]
)
def test_exactly_one_known_change(world: World, what: dict[str, Any]) -> None:
    task = factories.make_task(world.board)
    change(world, [task.pk], what, 422)
    version = task.version
    task.refresh_from_db()
    assert task.version == version


def test_who_may_change_many(world: World) -> None:
    task = factories.make_task(world.board, assigned_agent=world.worker)
    path = f"/boards/{world.board.pk}/tasks/bulk"
    body = {"ids": [str(task.pk)], "change": {"priority": "low"}}
    world.as_bob.post(path, body).expect(403)
    world.as_eve.post(path, body).expect(404)
    world.as_ann.post(path, {**body, "ids": []}).expect(422)
    refused = world.as_worker.post(path, body).expect(200).json
    assert refused["results"][0]["error"]["code"] == "task_update_field_forbidden"


def test_filters_of_a_task_list(world: World) -> None:
    now = clock.now()
    due = factories.make_task(world.board, "Due", due_at=now + timedelta(days=1), priority="high")
    factories.make_task(world.board, "Mine", assigned_agent=world.worker, status="review")
    old = factories.make_task(world.board, "Old 100%", status="done")
    Task.objects.filter(pk=old.pk).update(updated_at=now - timedelta(days=9))

    def titles(query: str) -> list[str]:
        found = world.as_ann.get(f"/boards/{world.board.pk}/tasks?{query}").expect(200).items
        return sorted(row["title"] for row in found)

    later = (now + timedelta(days=2)).isoformat().replace("+00:00", "Z")
    since = (now - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert titles("status=review,done") == ["Mine", "Old 100%"]
    assert titles(f"assigned_agent_id={world.worker.pk}") == ["Mine"]
    assert titles("unassigned=true") == ["Due", "Old 100%"]
    assert titles("unassigned=false") == ["Mine"]
    assert titles("priority=high") == ["Due"]
    assert titles("q=100%25") == ["Old 100%"]
    assert titles(f"q={due.key}") == ["Due"]
    assert titles(f"due_before={later}") == ["Due"]
    assert titles(f"updated_since={since}") == ["Due", "Mine"]
    world.as_ann.get(f"/boards/{world.board.pk}/tasks?priority=high&colour=red").expect(422)
