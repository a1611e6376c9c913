"""Listeners get every event once and in order; a failing one is parked and retried."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from activity import subscribe
from activity.models import EventDelivery, ListenerCursor
from activity.publish import Target, publish
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import Conflict
from missioncontrol.kernel.unit import service

pytestmark = pytest.mark.django_db

ORG = uuid.uuid4()
SEEN: list[int] = []
LATE: list[int] = []
BROKEN: set[int] = set()


def listener(event: subscribe.EventView) -> None:
    """Remember the number; refuse the broken ones."""
    n = int(event.data["n"])
    if n in BROKEN:
        raise Conflict("not now")
    SEEN.append(n)


def late_listener(event: subscribe.EventView) -> None:
    """Another one, which a later version adds."""
    LATE.append(int(event.data["n"]))


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribe, "_after", {})
    SEEN.clear()
    LATE.clear()
    BROKEN.clear()
    subscribe.subscribe("gateway.updated", listener)


@service
def record(*numbers: int, type: str = "gateway.updated") -> None:  # noqa: A002
    """Publish numbered facts."""
    for n in numbers:
        publish(
            type,
            actor=SystemActor("t"),
            target=Target("gateway", None, "g"),
            organization_id=ORG,
            data={"n": n},
        )


def test_in_order_and_once() -> None:
    record(1, 2)
    record(9, type="gateway.created")
    record(3)
    assert subscribe.drain(ORG) == 3
    assert subscribe.drain(ORG) == 0
    assert SEEN == [1, 2, 3]
    assert ListenerCursor.objects.get().seq == 4


def test_the_sweep_finds_what_a_lost_wake_up_left() -> None:
    record(1)
    assert subscribe.sweep() == 1
    assert SEEN == [1]


def test_a_failing_event_is_parked_and_the_cursor_moves_on() -> None:
    BROKEN.add(2)
    record(1, 2, 3)
    subscribe.drain(ORG)
    assert SEEN == [1, 3]
    parked = EventDelivery.objects.get()
    assert (parked.status, parked.attempts) == ("waiting", 1)
    assert "conflict" in parked.last_error
    BROKEN.clear()
    assert subscribe.retry_parked() == 0
    EventDelivery.objects.update(next_attempt_at=clock.now() - timedelta(seconds=1))
    assert subscribe.retry_parked() == 1
    assert SEEN == [1, 3, 2]
    assert EventDelivery.objects.get().status == "done"


def test_an_event_that_never_fits_ends_as_failed() -> None:
    BROKEN.add(1)
    record(1)
    subscribe.drain(ORG)
    for _ in range(subscribe.MAX_ATTEMPTS):
        EventDelivery.objects.update(next_attempt_at=clock.now() - timedelta(seconds=1))
        subscribe.retry_parked()
    assert EventDelivery.objects.get().status == "failed"


def test_an_inside_listener_that_refuses_undoes_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribe, "_inside", {})
    BROKEN.add(7)
    subscribe.subscribe("gateway.updated", listener, inside=True)
    with pytest.raises(Conflict):
        record(7)
    from activity.models import ActivityEvent

    assert ActivityEvent.objects.count() == 0


def test_a_listener_of_a_new_version_starts_at_the_present() -> None:
    record(1, 2)
    subscribe.drain(ORG)
    subscribe.subscribe("gateway.updated", late_listener)
    assert subscribe.settle_new_listeners() == 1
    assert subscribe.settle_new_listeners() == 0
    record(3)
    subscribe.drain(ORG)
    assert (LATE, SEEN) == ([3], [1, 2, 3])


def test_a_fresh_installation_begins_at_the_beginning() -> None:
    record(1)
    assert subscribe.settle_new_listeners() == 0
    subscribe.drain(ORG)
    assert SEEN == [1]
