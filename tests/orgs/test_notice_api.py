"""Notifications over the API: read marks, channels without their secrets, quiet hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from missioncontrol.kernel import clock
from missioncontrol.kernel.models import IdempotencyRecord
from orgs.models import User
from orgs.notices.models import Notification, NotificationChannel, NotificationDelivery
from tests import factories
from tests.clients import Client
from tests.world import World

pytestmark = pytest.mark.django_db
CHANNELS = "/notifications/channels"
HOOK = "https://hooks.example/services/T0/secret-path"


def note(world: World, user: User, **fields: Any) -> Notification:
    facts = {"kind": "mention", "subject": "A1-1", "actor_name": "Ann", "path": "/boards"}
    return Notification.objects.create(
        organization=world.org, user=user, event_id=uuid4(), **{**facts, **fields}
    )


def test_everybody_sees_his_own_newest_first(world: World) -> None:
    first, second = note(world, world.ann), note(world, world.ann)
    old = clock.now() - timedelta(minutes=1)
    Notification.objects.filter(pk=first.pk).update(created_at=old)
    note(world, world.bob)
    items = world.as_ann.get("/notifications").expect(200).items
    assert [item["id"] for item in items] == [str(second.id), str(first.id)]
    assert items[0]["title"] == "Ann mentions you on A1-1"
    assert items[0]["url"] == f"http://testserver/notifications/{second.id}/open"
    assert world.as_eve.get("/notifications").items == []


def test_read_marks(world: World) -> None:
    one, two = note(world, world.ann), note(world, world.ann)
    foreign = note(world, world.bob)
    ann = world.as_ann
    assert ann.get("/notifications/count").json == {"unread": 2}
    answer = ann.patch("/notifications", {"ids": [str(one.id), str(foreign.id)]}).expect(200)
    assert answer.json == {"unread": 1}
    assert [i["id"] for i in ann.get("/notifications?unread=true").items] == [str(two.id)]
    assert [i["id"] for i in ann.get("/notifications?unread=false").items] == [str(one.id)]
    assert ann.patch("/notifications", {"ids": [str(one.id)], "read": False}).json["unread"] == 2
    assert ann.patch("/notifications", {}).json == {"unread": 0}
    foreign.refresh_from_db()
    assert foreign.read_at is None
    ann.get("/notifications?unread=maybe").expect(422)
    ann.patch("/notifications", {"ids": ["x"]}).expect(422)


def test_a_channel_never_tells_its_address(world: World) -> None:
    headers = {"Idempotency-Key": "c1"}
    body = {"type": "webhook", "name": "Ops", "address": HOOK}
    made = world.as_ann.post(CHANNELS, body, headers=headers).expect(200)
    key = made.json["secret"]
    assert key.startswith("mcs_")
    assert (made.json["hint"], len(made.json["kinds"])) == ("hooks.example", 5)
    row = NotificationChannel.objects.get()
    assert "secret-path" not in row.address_sealed
    assert key not in row.secret_sealed
    seen = world.as_ann.get(CHANNELS).expect(200)
    assert "secret-path" not in str(seen.json)
    assert key not in str(seen.json) + str(IdempotencyRecord.objects.values_list("body"))
    replay = world.as_ann.post(CHANNELS, body, headers=headers)
    assert replay.json["secret"] is None
    assert NotificationChannel.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "pigeon"}, "type"),
        ({"type": "webhook"}, "address"),
        ({"type": "slack", "address": "ftp://e.org"}, "address"),
        ({"type": "slack", "address": "https://user:pw@e.org/"}, "address"),
        ({"type": "slack", "address": "https://"}, "address"),
        ({"type": "slack", "address": "https://e.org/\nX: 1"}, "address"),
        ({"type": "telegram", "chat_id": "1"}, "secret"),
        ({"type": "telegram", "secret": "1:a"}, "chat_id"),
        ({"type": "email"}, "type"),
        ({"type": "slack", "address": HOOK, "kinds": ["gossip"]}, "kinds"),
        ({"type": "slack", "address": HOOK, "name": " "}, "name"),
    ],
)
def test_refused_channels(world: World, body: dict[str, Any], field: str) -> None:
    answer = world.as_ann.post(CHANNELS, {"name": "n", **body}).expect(422)
    assert answer.json["errors"][0]["loc"] == ["body", field]
    assert not NotificationChannel.objects.exists()


def test_e_mail_needs_a_mail_server(world: World, settings: Any) -> None:
    settings.MAIL_IS_ON = True
    answer = world.as_ann.post(CHANNELS, {"type": "email", "name": "Mail"}).expect(200)
    assert answer.json["hint"] == "ann@example.org"
    User.objects.filter(pk=world.bob.pk).update(email=None)
    world.as_bob.post(CHANNELS, {"type": "email", "name": "Mail"}).expect(422)


def test_what_is_not_given_stays(world: World) -> None:
    made = world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).json
    before = NotificationChannel.objects.get().address_sealed
    changes = {"name": "Chat", "kinds": ["mention"], "is_enabled": False}
    answer = world.as_ann.patch(f"{CHANNELS}/{made['id']}", changes).expect(200)
    assert {k: answer.json[k] for k in changes} == changes
    assert NotificationChannel.objects.get().address_sealed == before
    moved = {"address": "https://other.example/x"}
    answer = world.as_ann.patch(f"{CHANNELS}/{made['id']}", moved).expect(200)
    assert answer.json["hint"] == "other.example"
    world.as_ann.delete(f"{CHANNELS}/{made['id']}").expect(200)
    assert not NotificationChannel.objects.exists()


def test_foreign_channels_are_not_there(world: World) -> None:
    made = world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).json
    for client in (world.as_bob, world.as_eve):
        client.patch(f"{CHANNELS}/{made['id']}", {"name": "mine"}).expect(404)
        client.post(f"{CHANNELS}/{made['id']}/test").expect(404)
        client.get(f"{CHANNELS}/{made['id']}/deliveries").expect(404)
        client.delete(f"{CHANNELS}/{made['id']}").expect(404)
        assert client.get(CHANNELS).items == []


def test_a_test_shows_among_the_deliveries_and_is_limited(world: World) -> None:
    made = world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).json
    answer = world.as_ann.post(f"{CHANNELS}/{made['id']}/test").expect(202)
    listed = world.as_ann.get(f"{CHANNELS}/{made['id']}/deliveries").expect(200)
    assert [row["id"] for row in listed.items] == [answer.json["id"]]
    assert (listed.items[0]["state"], listed.items[0]["notification_id"]) == ("waiting", None)
    codes = [world.as_ann.post(f"{CHANNELS}/{made['id']}/test").status for _ in range(20)]
    assert codes == [202] * 19 + [429]


def test_twenty_channels_are_enough(world: World) -> None:
    for _ in range(20):
        world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).expect(200)
    answer = world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK})
    assert answer.expect(409).code == "too_many"


def test_tokens_of_less_scope_manage_no_channels(world: World) -> None:
    for scope in ("read", "write"):
        client = Client(bearer=factories.make_token(world.ann, scope=scope))
        client.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).expect(403)
    Client(bearer=factories.make_token(world.ann, scope="read")).patch("/notifications", {}).expect(
        403
    )


def test_quiet_hours(world: World) -> None:
    User.objects.filter(pk=world.ann.pk).update(timezone="Asia/Shanghai")
    path = "/notifications/settings"
    given = {"quiet_from": "22:00", "quiet_until": "07:30"}
    assert world.as_ann.put(path, given).expect(200).json == {**given, "timezone": "Asia/Shanghai"}
    assert world.as_ann.get(path).json["quiet_until"] == "07:30"
    world.as_ann.put(path, {"quiet_from": "22:00"}).expect(422)
    world.as_ann.put(path, {"quiet_from": "25:00", "quiet_until": "07:30"}).expect(422)
    assert world.as_ann.put(path, {}).expect(200).json["quiet_from"] is None


def test_lists_cost_the_same_for_many(world: World) -> None:
    made = world.as_ann.post(CHANNELS, {"type": "slack", "name": "S", "address": HOOK}).json
    paths = ("/notifications", CHANNELS, f"{CHANNELS}/{made['id']}/deliveries")

    def costs() -> list[int]:
        found = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                world.as_ann.get(path).expect(200)
            found.append(len(queries))
        return found

    note(world, world.ann)
    costs()
    few = costs()
    channel = NotificationChannel.objects.get()
    for _ in range(15):
        row = note(world, world.ann)
        NotificationDelivery.objects.create(notification=row, channel=channel)
        NotificationChannel.objects.create(user=world.ann, type="slack", name="x")
    assert costs() == few
    assert max(few) <= 4
