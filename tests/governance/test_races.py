"""Two at once: one effect, one event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from activity.models import ActivityEvent
from governance import services
from governance.models import Approval
from missioncontrol.kernel.errors import Conflict, DomainError
from tests import factories
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run the functions in threads that start together; a refusal is a result."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        start.wait(5)
        try:
            results[place] = work()
        except DomainError as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def ask(world: World, task: Any) -> Approval:
    """Ask about one task as ann."""
    return services.create_approval(
        world.actor(world.ann),
        organization_id=world.org.pk,
        board_id=world.board.pk,
        tasks=[services.TaskRef(task.pk, task.title)],
        action_type="deploy",
        payload={"reason": "release"},
    )


@pytest.mark.scenario("CORE-61")
def test_parallel_requests_about_one_task_leave_one() -> None:
    world = build_world()
    task = factories.make_task(world.board)
    results = at_once(*[lambda: ask(world, task)] * 6)
    made = [r for r in results if isinstance(r, Approval)]
    refused = [r for r in results if isinstance(r, Conflict)]
    assert (len(made), len(refused)) == (1, 5)
    assert all(
        r.extra["conflicts"] == [{"task_id": str(task.pk), "approval_id": str(made[0].pk)}]
        for r in refused
    )
    assert Approval.objects.count() == 1
    assert ActivityEvent.objects.filter(type="approval.requested").count() == 1


@pytest.mark.scenario("CORE-61")
def test_reopening_and_asking_at_once_leave_one_pending() -> None:
    world = build_world()
    task = factories.make_task(world.board)
    ann = world.actor(world.ann)
    old = ask(world, task)
    services.resolve_approval(ann, old.pk, status="rejected")
    results = at_once(lambda: services.reopen_approval(ann, old.pk), lambda: ask(world, task))
    assert sorted(type(r).__name__ for r in results) == ["Approval", "Conflict"]
    assert Approval.objects.filter(status="pending").count() == 1


@pytest.mark.scenario("CORE-62")
def test_two_decisions_at_once_count_once() -> None:
    world = build_world()
    factories.grant(world.board, world.bob, "write")
    approval = ask(world, factories.make_task(world.board))
    people = world.actor(world.ann), world.actor(world.bob)
    results = at_once(
        lambda: services.resolve_approval(people[0], approval.pk, status="approved"),
        lambda: services.resolve_approval(people[1], approval.pk, status="rejected"),
    )
    refused = [r for r in results if isinstance(r, Conflict)]
    assert len(refused) == 1
    assert refused[0].machine_code == "already_decided"
    winner = next(r for r in results if isinstance(r, Approval))
    approval.refresh_from_db()
    assert approval.status == winner.status
    assert ActivityEvent.objects.filter(type="approval.resolved").count() == 1


def test_expiry_and_decision_at_once_agree() -> None:
    world = build_world()
    approval = ask(world, factories.make_task(world.board))
    ann = world.actor(world.ann)
    at_once(
        lambda: services.resolve_approval(ann, approval.pk, status="approved"),
        services.expire_due,
        lambda: services.cancel_approval(ann, approval.pk),
    )
    ends = ActivityEvent.objects.filter(
        type__in=["approval.resolved", "approval.cancelled", "approval.expired"]
    )
    assert ends.count() == 1
