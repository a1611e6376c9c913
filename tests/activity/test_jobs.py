"""Periodic work of the event log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity import jobs
from activity.models import ActivityEvent
from activity.periodic import periodic
from activity.publish import Target, publish
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.models import IdempotencyRecord
from missioncontrol.kernel.unit import service
from missioncontrol.schedule import PERIODIC
from tests.world import World

pytestmark = pytest.mark.django_db


@service
def record(world: World) -> None:
    publish(
        "gateway.updated",
        actor=SystemActor("test"),
        target=Target("gateway", world.gateway.id, "GA"),
        organization_id=world.org.id,
    )


@pytest.mark.parametrize(("days", "left"), [(0, 1), (30, 1), (1, 0)])
def test_retention_deletes_only_when_asked_and_only_what_is_old(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, days: int, left: int
) -> None:
    record(world)
    settings.ACTIVITY_RETENTION_DAYS = days
    later = timezone.now() + timedelta(days=10)
    monkeypatch.setattr(timezone, "now", lambda: later)

    jobs.apply_retention.body()

    assert ActivityEvent.objects.filter(organization_id=world.org.id).count() == left


def test_answers_are_forgotten_after_a_day(db: None) -> None:
    for key in ("old", "new"):
        IdempotencyRecord.objects.create(actor_key="user:x", path="/", key=key, body_hash="0")
    IdempotencyRecord.objects.filter(key="old").update(
        created_at=timezone.now() - timedelta(hours=25)
    )
    jobs.forget_idempotency_keys.body()
    assert [r.key for r in IdempotencyRecord.objects.all()] == ["new"]


def test_the_work_is_in_the_products_table() -> None:
    assert set(periodic) <= set(PERIODIC)
    assert {entry.name: entry.every_seconds for entry in periodic} == {
        "activity.drain": 5,
        "activity.idempotency": 3600,
        "activity.retention": 86_400,
        "activity.tally": 60,
        "activity.webhooks": 5,
        "activity.webhook_log": 86_400,
    }
