"""Many at once: one effect, one event, no cycle, no lost number."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from activity.models import ActivityEvent
from boards import services
from boards.models import Task, TaskDependency
from missioncontrol.kernel.errors import DomainError
from tests import factories
from tests.clients import Client
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ground() -> World:
    """Both tenants, committed."""
    return build_world()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that start together; results, or the refusal's code."""
    results: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[place] = call()
        except DomainError as error:
            results[place] = error.machine_code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def make(world: World, title: str, **fields: Any) -> Task:
    """A task of board A1."""
    return services.create_task(world.actor(world.ann), world.board.pk, title=title, **fields)


@pytest.mark.scenario("CORE-40")
def test_two_edges_at_once_build_no_cycle(ground: World) -> None:
    for round_ in range(5):
        a, b = make(ground, f"A{round_}"), make(ground, f"B{round_}")
        edges = [(a, b), (b, a)]
        results = at_once(
            *(
                lambda one=one, other=other: ground.as_ann.patch(
                    f"/tasks/{one.pk}", {"depends_on_task_ids": [str(other.pk)]}
                )
                for one, other in edges
            )
        )
        assert sorted((r.status, r.code) for r in results) == [
            (200, None), (409, "dependency_cycle"),
        ]  # fmt: skip
        assert TaskDependency.objects.filter(task__in=[a, b]).count() == 1


@pytest.mark.scenario("CORE-52")
def test_two_moves_at_once_follow_one_another(ground: World) -> None:
    task = make(ground, "Twice", status="in_progress")
    results = at_once(
        *(
            lambda status=status: ground.as_ann.patch(f"/tasks/{task.pk}", {"status": status})
            for status in ("done", "todo")
        )
    )
    assert [result.status for result in results] == [200, 200]
    moves = ActivityEvent.objects.filter(task_id=task.pk, type="task.moved").order_by("seq")
    path = [(event.data["from"], event.data["to"]) for event in moves]
    assert path[0][0] == "in_progress"
    assert path[1][0] == path[0][1]
    stored = Task.objects.get(pk=task.pk)
    assert (stored.status, stored.version) == (path[1][1], task.version + 2)


@pytest.mark.scenario("CORE-53")
def test_two_workers_claim_one_task(ground: World) -> None:
    token = "mca_" + "w" * 43
    second = factories.make_agent(ground.org, "WB", board=ground.board, token=token)
    task = make(ground, "Claim me")
    path = f"/agent/boards/{ground.board.pk}/tasks/{task.pk}"
    results = at_once(
        *(
            lambda who=who: who.patch(path, {"status": "in_progress"})
            for who in (ground.as_worker, Client(agent_token=token))
        )
    )
    assert sorted((r.status, r.code) for r in results) == [
        (200, None), (403, "task_assignee_mismatch"),
    ]  # fmt: skip
    assert Task.objects.get(pk=task.pk).assigned_agent_id in (ground.worker.pk, second.pk)


def test_ten_new_tasks_at_once_get_ten_keys(ground: World) -> None:
    actor = ground.actor(ground.ann)
    results = at_once(
        *(
            lambda n=n: services.create_task(actor, ground.board.pk, title=f"T{n}")
            for n in range(10)
        )
    )
    assert sorted(task.number for task in results) == list(range(1, 11))
    assert len({task.rank for task in results}) == 10
    events = ActivityEvent.objects.filter(board_id=ground.board.pk).order_by("board_seq")
    assert list(events.values_list("board_seq", flat=True)) == list(range(1, 11))


def test_ten_moves_to_one_place_keep_an_order(ground: World) -> None:
    actor = ground.actor(ground.ann)
    anchor = make(ground, "Anchor", status="in_progress")
    tasks = [make(ground, f"T{n}") for n in range(10)]
    at_once(
        *(
            lambda task=task: services.move_task(
                actor, task.pk, to="in_progress", before_id=anchor.pk
            )
            for task in tasks
        )
    )
    ranks = list(
        Task.objects.filter(board=ground.board, status="in_progress")
        .order_by("rank")
        .values_list("rank", "title")
    )
    assert len({rank for rank, _title in ranks}) == 11
    assert ranks[-1][1] == "Anchor"


def test_the_last_two_dependencies_finish_at_once(ground: World) -> None:
    actor = ground.actor(ground.ann)
    first, second = make(ground, "First"), make(ground, "Second")
    waiting = make(ground, "Waiting", depends_on_task_ids=[first.pk, second.pk])
    at_once(
        lambda: services.move_task(actor, first.pk, to="done"),
        lambda: services.move_task(actor, second.pk, to="done"),
    )
    told = ActivityEvent.objects.filter(task_id=waiting.pk, type="task.unblocked")
    assert told.count() == 1


def test_ten_comments_at_once_are_counted(ground: World) -> None:
    actor = ground.actor(ground.ann)
    task = make(ground, "Talk")
    at_once(*(lambda n=n: services.add_comment(actor, task.pk, message=f"c{n}") for n in range(10)))
    assert Task.objects.get(pk=task.pk).comments_count == 10


def test_two_boards_of_one_name_get_two_keys(ground: World) -> None:
    actor = ground.actor(ground.ann)
    results = at_once(*(lambda: services.create_board(actor, name="Operations") for _ in range(4)))
    assert len({board.key for board in results}) == 4


def test_relocations_crosswise_do_not_lock_each_other(ground: World) -> None:
    actor = ground.actor(ground.ann)
    here = make(ground, "Here")
    there = services.create_task(actor, ground.second_board.pk, title="There")
    results = at_once(
        lambda: services.relocate_task(actor, here.pk, board_id=ground.second_board.pk),
        lambda: services.relocate_task(actor, there.pk, board_id=ground.board.pk),
    )
    assert all(isinstance(result, Task) for result in results)
