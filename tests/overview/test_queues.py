"""Background work: statistics, failed jobs, listeners, parked events, on the API and the page."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from rq import Queue, SimpleWorker
from rq.registry import FailedJobRegistry

from activity import subscribe
from activity.models import ActivityEvent, AuditEntry, EventDelivery, EventStream, ListenerCursor
from missioncontrol.kernel import clock, jobs, schedule
from orgs.models import User
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db


def broken() -> None:
    """A job that fails."""
    raise ValueError("the disk is full")


@pytest.fixture
def queue() -> Iterator[Queue]:
    found: Queue = django_rq.get_queue("automation")
    found.connection.flushdb()
    yield found
    found.connection.flushdb()


@pytest.fixture
def failed(queue: Queue) -> str:
    """Id of a job that failed."""
    job = queue.enqueue(broken, description="tests.broken")
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")
    return str(job.id)


def superior(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(is_super_admin=True)


def row_of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in answer["queues"] if row["name"] == name)
    return found


def test_queues_are_counted(world: World, queue: Queue) -> None:
    queue.enqueue(broken)
    found = world.as_ann.get("/jobs").expect(200).json
    row = row_of(found, "automation")
    assert (row["waiting"], row["running"], row["failed"]) == (1, 0, 0)
    assert 0 <= row["oldest_seconds"] < 60
    assert row_of(found, "default")["oldest_seconds"] is None
    assert found["failed_jobs"] is None  # ann is no super admin


def test_a_failed_job_is_seen_retried_and_removed(world: World, queue: Queue, failed: str) -> None:
    world.as_ann.post(f"/jobs/{failed}/retry").expect(403)
    superior(world)
    found = world.as_ann.get("/jobs").expect(200).json
    assert row_of(found, "automation")["failed"] == 1
    assert found["failed_jobs"][0]["error"] == "ValueError: the disk is full"
    world.as_ann.post(f"/jobs/{failed}/retry").expect(200)
    assert (queue.count, FailedJobRegistry(queue=queue).count) == (1, 0)
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")
    world.as_ann.delete(f"/jobs/{failed}").expect(200)
    assert FailedJobRegistry(queue=queue).count == 0
    world.as_ann.delete(f"/jobs/{failed}").expect(404)
    types = set(ActivityEvent.objects.values_list("type", flat=True))
    assert types == {"job.retried", "job.deleted"}
    assert AuditEntry.objects.count() == 2


def test_a_waiting_job_cannot_be_removed_as_a_failed_one(world: World, queue: Queue) -> None:
    superior(world)
    job = queue.enqueue(broken)
    world.as_ann.delete(f"/jobs/{job.id}").expect(404)
    world.as_ann.post(f"/jobs/{uuid.uuid4()}/retry").expect(404)
    world.as_ann.post("/jobs/%C2%90%205/retry").expect(404)
    world.as_ann.delete("/jobs/a%3Ab").expect(404)
    assert queue.count == 1


def test_the_schedulers_last_round_is_told(world: World, queue: Queue) -> None:
    found = world.as_ann.get("/jobs").expect(200).json["scheduler"]
    assert found == {"last_run_at": None, "is_running": False}
    queue.connection.set(schedule.LAST_RUN, str(clock.now().timestamp()))
    assert world.as_ann.get("/jobs").json["scheduler"]["is_running"] is True
    old = (clock.now() - timedelta(minutes=5)).timestamp()
    queue.connection.set(schedule.LAST_RUN, str(old))
    assert world.as_ann.get("/jobs").json["scheduler"]["is_running"] is False


def test_listeners_tell_how_far_they_are_behind(world: World) -> None:
    EventStream.objects.create(pk=world.org.pk, kind="org", last_seq=10)
    name = subscribe.listener_names()[0]
    ListenerCursor.objects.create(listener=name, organization_id=world.org.pk, seq=7)
    rows = {r["name"]: r["lag"] for r in world.as_ann.get("/jobs").json["listeners"]}
    assert rows[name] == 3
    assert {lag for other, lag in rows.items() if other != name} == {10}


def parked_event(world: World, **fields: Any) -> EventDelivery:
    event = ActivityEvent.objects.create(
        organization_id=world.org.id, seq=0, actor_kind="user", actor_name="x", target_kind="task",
        target_title="t", type="task.created", at=clock.now(),
    )  # fmt: skip
    fields = {"listener": "tests.taker", "last_error": "boom", "attempts": 6, **fields}
    return EventDelivery.objects.create(event=event, **fields)


@pytest.mark.parametrize("works", [True, False])
def test_a_parked_event_is_given_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    seen: list[Any] = []

    def taker(event: subscribe.EventView) -> None:
        seen.append(event.id)
        if not works:
            raise ValueError("still no")

    monkeypatch.setitem(subscribe._after, "tests.taker", (frozenset({"task.created"}), taker))
    row = parked_event(world, status="failed")
    assert world.as_ann.get("/jobs/parked").expect(200).items[0]["event_type"] == "task.created"
    assert world.as_eve.get("/jobs/parked").expect(200).items == []
    world.as_eve.post(f"/jobs/parked/{row.pk}/retry").expect(404)
    answer = world.as_ann.post(f"/jobs/parked/{row.pk}/retry").expect(200).json
    assert answer == {"is_taken": works}
    assert seen == [row.event_id]
    assert len(world.as_ann.get("/jobs/parked").items) == (0 if works else 1)
    assert ActivityEvent.objects.filter(type="delivery.retried").count() == 1


def test_the_page_is_for_admins_and_shows_everything(
    world: World, queue: Queue, failed: str
) -> None:
    parked_event(world)
    assert browser(world.bob).get("/jobs").status_code == 403
    text = browser(world.ann).get("/jobs").content.decode()
    assert "tests.taker" in text
    assert "the disk is full" not in text
    superior(world)
    ann = browser(world.ann)
    text = ann.get("/jobs").content.decode()
    assert "the disk is full" in text
    assert "No worker is running" in text
    assert ann.post(f"/jobs/{failed}/retry").status_code == 302
    assert queue.count == 1


def test_without_a_queue_the_page_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import ConnectionError as Away

    def away() -> None:
        raise Away

    monkeypatch.setattr(jobs, "client", away)
    found = world.as_ann.get("/jobs").expect(200).json
    assert (found["is_available"], found["queues"]) == (False, [])
    text = browser(world.ann).get("/jobs").content.decode()
    assert "The job queue gives no answer" in text
    superior(world)
    assert world.as_ann.post("/jobs/x/retry").expect(409).code == "queue_unavailable"
