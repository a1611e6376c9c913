"""Periodic work: who is checked when, how long marks are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import ActivityEvent
from activity.subscribe import view_of_row
from gateways import jobs, records, rules, subscribers
from gateways.models import Gateway, GatewayCheck, GatewayLease
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel.actors import SystemActor
from tests.gateways.linking import make_real
from tests.world import World


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the round enqueued."""
    found: list[object] = []
    monkeypatch.setattr(jobs, "enqueue_now", lambda _job, pk: found.append(pk) or True)
    return found


def test_a_round_checks_each_due_gateway_once(world: World, queued: list[object]) -> None:
    now = timezone.now()
    Gateway.objects.filter(pk=world.other_gateway.pk).update(
        next_check_at=now + timedelta(minutes=5)
    )
    jobs.check_due.body()
    jobs.check_due.body()
    assert queued == [world.gateway.pk]


def test_a_linked_gateway_is_left_to_its_link(world: World, queued: list[object]) -> None:
    until = timezone.now() + timedelta(seconds=6)
    GatewayLease.objects.create(gateway=world.gateway, owner="x", until=until, is_online=True)
    stale = timezone.now() - timedelta(seconds=1)
    GatewayLease.objects.create(gateway=world.other_gateway, owner="x", until=stale, is_online=True)
    jobs.check_due.body()
    assert queued == [world.other_gateway.pk]


def test_a_revoked_gateway_is_not_asked(world: World, queued: list[object]) -> None:
    Gateway.objects.update(status=Gateway.Status.REVOKED)
    jobs.check_due.body()
    assert queued == []


def test_failures_are_asked_more_rarely(world: World) -> None:
    gateway = make_real(world.org, "ws://127.0.0.1:9")
    pauses = []
    for _ in range(6):
        jobs.check_gateway.body(str(gateway.pk))
        gateway.refresh_from_db()
        assert gateway.next_check_at is not None
        assert gateway.last_checked_at is not None
        pauses.append((gateway.next_check_at - gateway.last_checked_at).total_seconds())
    assert pauses == [60, 120, 240, 480, 600, 600]
    assert ActivityEvent.objects.filter(type="gateway.status_changed").count() == 1
    assert not ActivityEvent.objects.filter(type="gateway.checked").exists()


def test_a_check_that_works_again_starts_over(
    world: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(world.org, simulator.url, check_failures=5, status="offline")
    jobs.check_gateway.body(str(gateway.pk))
    gateway.refresh_from_db()
    assert (gateway.status, gateway.check_failures) == ("online", 0)


def test_a_missing_gateway_is_no_fault(world: World) -> None:
    pk = world.gateway.pk
    Gateway.objects.all().delete()
    jobs.check_gateway.body(str(pk))
    assert not GatewayCheck.objects.exists()
    assert not ActivityEvent.objects.filter(type="gateway.status_changed").exists()


def test_old_marks_are_deleted(world: World) -> None:
    records.add_sample(world.gateway.pk, status="online", latency_ms=3.0)
    records.add_sample(world.gateway.pk, status="online", latency_ms=4.0)
    old = GatewayCheck.objects.order_by("created_at").first()
    assert old is not None
    GatewayCheck.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - records.KEEP - timedelta(hours=1)
    )
    assert jobs.prune_history.body() == 1
    assert GatewayCheck.objects.count() == 1


def test_a_check_in_proves_our_address(world: World) -> None:
    from activity.publish import publish
    from missioncontrol.kernel.unit import service

    @service
    def check_in() -> None:
        publish(
            "agent.checked_in",
            actor=SystemActor("test"),
            target=world.worker,
            organization_id=world.org.pk,
        )

    check_in()
    subscribers.agent_reached_us(view_of_row(ActivityEvent.objects.get()))
    world.gateway.refresh_from_db()
    world.other_gateway.refresh_from_db()
    assert world.gateway.agents_reach_us_at is not None
    assert world.other_gateway.agents_reach_us_at is None


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 60), (1, 60), (2, 120), (4, 480), (5, 600), (99, 600)]
)
def test_pauses(failures: int, seconds: int) -> None:
    assert rules.pause_after(failures) == seconds


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("https://gateway.example.com", "wss://gateway.example.com"),
        (" WS://Host:18789/ ", "ws://host:18789"),
        ("http://[::1]:18789/path/", "ws://[::1]:18789/path"),
    ],
)
def test_addresses_are_stored_in_one_form(raw: str, stored: str) -> None:
    assert rules.normalised_url(raw) == stored


def test_short_tokens_give_no_hint() -> None:
    assert (rules.hint_of("abcd"), rules.hint_of("abcdefghijkl")) == ("", "ijkl")
