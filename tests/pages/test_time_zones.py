"""A person reads and types times of his own clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from boards.models import Task
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import clock_of
from tests import factories as f
from tests.world import World

DUE = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)


@pytest.fixture
def task(world: World) -> Task:
    return f.make_task(world.board, due_at=DUE)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "2026-01-05T23:30"),
        ("Asia/Shanghai", "2026-01-06T07:30"),
        ("America/New_York", "2026-01-05T18:30"),
        ("Nowhere/At_All", "2026-01-05T23:30"),
    ],
)
def test_times_are_those_of_the_reader(
    world: World, ann: Client, task: Task, zone: str, shown: str
) -> None:
    world.ann.timezone = zone
    world.ann.save(update_fields=["timezone"])
    address = f"/boards/{world.board.id}/tasks/{task.id}/edit"
    assert f'value="{shown}"' in ann.get(address).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


def test_typed_times_are_those_of_the_writer(world: World, ann: Client, task: Task) -> None:
    world.ann.timezone = "Asia/Shanghai"
    world.ann.save(update_fields=["timezone"])
    address = f"/boards/{world.board.id}/tasks/{task.id}/edit"
    typed = {
        "title": task.title, "priority": task.priority, "version": task.version,
        "due_at": "2026-03-01T08:00",
    }  # fmt: skip
    assert ann.post(address, typed).status_code == 302
    task.refresh_from_db()
    assert task.due_at == datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def test_a_change_of_the_clock_holds_on_the_next_page(
    world: World, ann: Client, task: Task
) -> None:
    ann.post("/settings/profile", {"name": "Ann", "timezone": "Asia/Tokyo"})
    address = f"/boards/{world.board.id}/tasks/{task.id}/edit"
    assert 'value="2026-01-06T08:30"' in ann.get(address).content.decode()


@pytest.mark.parametrize("name", ["", "../etc/passwd", "Nowhere/At_All"])
def test_utc_stands_in_for_an_unknown_zone(world: World, name: str) -> None:
    assert clock_of(UserActor(id=world.ann.id, name="Ann", time_zone=name)) is UTC
