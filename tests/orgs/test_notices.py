"""Who is told of what: events to notifications, once, to the right people."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from activity import subscribe
from activity.models import ActivityEvent, EventDelivery
from activity.publish import publish
from boards.services import comments
from governance import services as governance
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import AgentActor, AgentRole, SystemActor
from missioncontrol.kernel.unit import service
from orgs.models import Organization, User
from orgs.notices import quiet
from orgs.notices.models import Notification, NotificationDelivery
from orgs.services import channels, invites, notifications
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db


def drained(organization: Organization) -> dict[tuple[str, str], Notification]:
    """Everything that people were told, after the listeners ran."""
    subscribe.drain(organization.id)
    assert not EventDelivery.objects.exists(), EventDelivery.objects.values_list("last_error")
    rows = Notification.objects.select_related("user")
    return {(row.user.username, row.kind): row for row in rows}


def ask(world: World, *, board: bool = True) -> Any:
    lead = world.lead
    agent = AgentActor(lead.id, lead.name, world.org.id, AgentRole.LEAD, board_id=world.board.id)
    return governance.create_approval(
        agent if board else world.actor(world.bob),
        organization_id=world.org.id,
        board_id=world.board.id if board else None,
        tasks=[],
        action_type="deploy",
        payload={"reason": "ready"},
        confidence=90,
        rubric_scores=None,
        agent_id=None,
        agent_name="",
    )


@service
def tell(world: World, type_: str, target: Any, **data: Any) -> None:
    publish(
        type_, actor=SystemActor("test"), target=target, organization_id=world.org.id, data=data
    )


def test_an_approval_waits_for_those_who_may_decide(world: World) -> None:
    wanda = factories.make_user("wanda")
    factories.make_member(world.org, wanda)
    factories.grant(world.board, wanda, "write")
    approval = ask(world)
    told = drained(world.org)
    assert set(told) == {("ann", "approval_waiting"), ("wanda", "approval_waiting")}
    row = told["ann", "approval_waiting"]
    assert (row.subject_id, row.actor_name) == (approval.id, "LA")
    assert row.path == f"/approvals?show=all&open={approval.id}"
    subscribe.drain(world.org.id)
    assert Notification.objects.count() == 2


def test_a_decision_settles_what_was_asked(world: World) -> None:
    channel, _key = channels.create_channel(
        world.actor(world.ann), type="webhook", name="w", address="https://hooks.example/x"
    )
    approval = ask(world)
    drained(world.org)
    governance.resolve_approval(world.actor(world.ann), approval.id, status="approved")
    row = drained(world.org)["ann", "approval_waiting"]
    assert row.settled_at is not None
    assert row.read_at is not None
    assert NotificationDelivery.objects.get(channel=channel).state == "waiting"


def test_without_a_board_admins_decide(world: World) -> None:
    adam = factories.make_user("adam")
    factories.make_member(world.org, adam, "admin")
    ask(world, board=False)
    assert {name for name, _kind in drained(world.org)} == {"ann", "adam"}


def test_a_person_is_mentioned_by_how_he_is_called(world: World) -> None:
    User.objects.filter(pk=world.bob.pk).update(preferred_name="Bobby Tables")
    outsider = factories.make_user("carl")
    factories.make_member(world.org, outsider)
    task = factories.make_task(world.board)
    for text in ("@bobby look, @carl too", "nothing", "@ann it is yours", "mail bob@example.org"):
        comments.add_comment(world.actor(world.ann), task.id, message=text)
    told = drained(world.org)
    assert set(told) == {("bob", "mention")}, "neither oneself nor who may not read the board"
    row = told["bob", "mention"]
    assert row.detail == "@bobby look, @carl too"
    assert row.path == f"/boards/{world.board.id}?task={task.id}"


def test_agents_and_gateways_that_fail_are_told_to_admins_once_an_hour(world: World) -> None:
    for reason in ("no answer", "again"):
        tell(world, "agent.provision_failed", world.lead, reason=reason)
    tell(world, "gateway.status_changed", world.gateway, status="offline", previous="online")
    tell(world, "gateway.status_changed", world.gateway, status="error", previous="offline")
    tell(world, "gateway.status_changed", world.gateway, status="online", previous="error")
    told = drained(world.org)
    assert set(told) == {("ann", "agent_failed"), ("ann", "gateway_down")}
    assert Notification.objects.count() == 2
    assert told["ann", "agent_failed"].detail == "no answer"
    notifications.mark_read(world.actor(world.ann), ids=None)
    tell(world, "agent.offline", world.lead, reason="third")
    drained(world.org)
    assert Notification.objects.count() == 3


def test_an_invited_account_is_told_without_the_link(world: World) -> None:
    gus = factories.make_user("gus", email_verified=True)
    factories.make_user("gustav", email="gus@example.org")
    _invite, token = invites.create_invite(
        world.actor(world.ann), world.org.id, invited_email="gus@example.org"
    )
    told = drained(world.org)
    assert set(told) == {("gus", "invite")}
    row = told["gus", "invite"]
    assert (row.user_id, row.subject) == (gus.id, "Acme")
    assert token not in str(Notification.objects.values())


def test_history_is_no_news(world: World) -> None:
    with clock.at(clock.now() - timedelta(days=2)):
        ask(world)
    assert drained(world.org) == {}


def test_channels_get_what_they_want(world: World) -> None:
    who = world.actor(world.ann)
    address = "https://hooks.example/x"
    wanted, _k = channels.create_channel(
        who, type="webhook", name="a", address=address, kinds=["approval_waiting"]
    )
    channels.create_channel(who, type="slack", name="b", address=address, kinds=["mention"])
    silent, _k = channels.create_channel(who, type="slack", name="c", address=address)
    channels.update_channel(who, silent.id, changes={"is_enabled": False})
    ask(world)
    drained(world.org)
    assert [d.channel_id for d in NotificationDelivery.objects.all()] == [wanted.id]
    types = ActivityEvent.objects.filter(type__startswith="notification_channel")
    assert types.count() == 4


BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (time(22), time(7))
NAP = (time(13), time(14, 30))


@pytest.mark.parametrize(
    ("now", "hours", "until"),
    [
        ("2026-01-10T21:30", NIGHT, "2026-01-11T06:00"),  # 22:30 in Berlin
        ("2026-01-10T23:30", NIGHT, "2026-01-11T06:00"),
        ("2026-01-10T05:59", NIGHT, "2026-01-10T06:00"),
        ("2026-01-10T06:00", NIGHT, None),
        ("2026-01-10T20:59", NIGHT, None),
        ("2026-01-10T12:00", NAP, "2026-01-10T13:30"),
        ("2026-01-10T13:30", NAP, None),
        ("2026-07-10T11:00", NAP, "2026-07-10T12:30"),  # summer time
        ("2026-03-28T22:00", NIGHT, "2026-03-29T05:00"),  # the night that loses an hour
        ("2026-01-10T12:00", (time(13), time(13)), None),
        ("2026-01-10T12:00", (None, time(13)), None),
        ("2026-01-10T12:00", (None, None), None),
    ],
)
def test_quiet_hours(now: str, hours: tuple[Any, Any], until: str | None) -> None:
    found = quiet.quiet_until(
        datetime.fromisoformat(now).replace(tzinfo=UTC), begin=hours[0], end=hours[1], zone=BERLIN
    )
    assert found == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


def test_an_unknown_zone_is_utc() -> None:
    assert quiet.zone_of("Mars/Base") is UTC
    assert quiet.zone_of("") is UTC
