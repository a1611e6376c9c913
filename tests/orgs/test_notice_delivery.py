"""Deliveries to a real receiver: what arrives, retries, quiet hours, decided meanwhile."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail

from missioncontrol.kernel import clock
from orgs.models import User
from orgs.notices import delivery, sending
from orgs.notices.models import Kind, Notification, NotificationChannel, NotificationDelivery
from orgs.services import channels
from tests.orgs.receiver import Receiver, receiving
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A web server that may be reached, although it is on this machine."""
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.MAIL_IS_ON = True
    with receiving() as found:
        yield found


def note(world: World, **fields: Any) -> Notification:
    facts: dict[str, Any] = {
        "organization": world.org, "user": world.ann, "kind": Kind.APPROVAL_WAITING,
        "event_id": uuid4(), "subject_id": uuid4(), "subject": "deploy <b> & co",
        "actor_name": "Atlas", "detail": "to production", "path": "/approvals?show=all",
    }  # fmt: skip
    return Notification.objects.create(**{**facts, **fields})


def channel(world: World, type_: str, **fields: Any) -> NotificationChannel:
    made, _key = channels.create_channel(world.actor(world.ann), type=type_, name=type_, **fields)
    return made


def send(world: World, made: NotificationChannel, **fields: Any) -> NotificationDelivery:
    """A new delivery after one run of its job."""
    row = NotificationDelivery.objects.create(notification=note(world, **fields), channel=made)
    delivery.deliver(row.id)
    row.refresh_from_db()
    return row


def again(row: NotificationDelivery) -> NotificationDelivery:
    """The same, when its pause is over."""
    past = clock.now() - timedelta(seconds=1)
    NotificationDelivery.objects.filter(pk=row.pk).update(next_attempt_at=past)
    delivery.deliver(row.id)
    row.refresh_from_db()
    return row


def test_a_webhook_is_signed_over_time_and_body(world: World, receiver: Receiver) -> None:
    made = channel(world, "webhook", address=f"{receiver.url}/in?x=1", secret="the key")
    row = send(world, made)
    assert (row.state, row.last_error, row.lease_owner) == ("sent", "", "")
    assert row.sent_at is not None
    (got,) = receiver.requests
    assert got.path == "/in?x=1"
    stamp = got.headers["x-webhook-timestamp"]
    digest = hmac.new(b"the key", f"{stamp}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-signature-256"] == f"sha256={digest}"
    assert abs(int(stamp) - clock.now().timestamp()) < 60
    assert got.headers["x-webhook-id"] == str(row.notification_id)
    body = got.json
    assert body["kind"] == "approval_waiting"
    assert body["title"] == "Atlas asks for your approval: deploy <b> & co"
    assert body["organization"] == {"id": str(world.org.id), "name": "Acme"}
    assert body["url"] == f"http://testserver/notifications/{row.notification_id}/open"
    assert not delivery.deliver(row.id), "sent once"
    assert len(receiver.requests) == 1


def test_slack_gets_escaped_text_and_a_link(world: World, receiver: Receiver) -> None:
    row = send(world, channel(world, "slack", address=f"{receiver.url}/services/T/B/x"))
    assert row.state == "sent"
    link = f"http://testserver/notifications/{row.notification_id}/open"
    assert receiver.requests[0].json == {
        "text": "*Atlas asks for your approval: deploy &lt;b&gt; &amp; co*\n"
        f"to production\n<{link}|Decide now>"
    }
    assert "x-signature-256" not in receiver.requests[0].headers


def test_telegram_gets_plain_text_in_the_chat(world: World, receiver: Receiver) -> None:
    made = channel(world, "telegram", address=receiver.url, secret="1:AbC", chat_id="-77")
    receiver.answer = b'{"ok": true, "result": {}}'
    row = send(world, made)
    assert row.state == "sent"
    (got,) = receiver.requests
    assert got.path == "/bot1:AbC/sendMessage"
    assert got.json["chat_id"] == "-77"
    assert got.json["text"].startswith("Atlas asks for your approval: deploy <b> & co\n")
    assert "parse_mode" not in got.json


@pytest.mark.parametrize(
    ("answer", "state"), [(b'{"ok": false}', "failed"), (b"<html>", "waiting")]
)
def test_telegram_says_itself_whether_it_took_it(
    world: World, receiver: Receiver, answer: bytes, state: str
) -> None:
    made = channel(world, "telegram", address=receiver.url, secret="1:AbC", chat_id="1")
    receiver.answer = answer
    row = send(world, made)
    assert row.state == state
    assert "AbC" not in row.last_error


def test_e_mail_goes_to_the_account_in_its_language(world: World, receiver: Receiver) -> None:
    made = channel(world, "email")
    row = send(world, made, subject="deploy\r\nBcc: x@e.org")
    assert row.state == "sent"
    (message,) = mail.outbox
    assert message.to == ["ann@example.org"]
    assert message.subject == "Atlas asks for your approval: deploy Bcc: x@e.org"
    assert f"/notifications/{row.notification_id}/open" in message.body


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_server_in_trouble_is_tried_again(world: World, receiver: Receiver, status: int) -> None:
    made = channel(world, "webhook", address=receiver.url)
    receiver.status = status
    row = send(world, made)
    assert (row.state, row.attempts, row.lease_owner) == ("waiting", 1, "")
    assert row.last_error == f"The server answered {status}."
    pause = (row.next_attempt_at - clock.now()).total_seconds()
    assert 50 < pause <= 60
    assert not delivery.deliver(row.id), "not due yet"
    row = again(row)
    assert (row.attempts, (row.next_attempt_at - clock.now()).total_seconds() > 290) == (2, True)
    receiver.status = 204
    assert again(row).state == "sent"
    assert len(receiver.requests) == 3
    assert len({r.headers["x-webhook-id"] for r in receiver.requests}) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
def test_a_refusal_is_final(world: World, receiver: Receiver, status: int) -> None:
    receiver.status = status
    receiver.headers = {"Location": f"{receiver.url}/elsewhere"} if status == 301 else {}
    row = send(world, channel(world, "webhook", address=receiver.url))
    assert (row.state, len(receiver.requests)) == ("failed", 1)


def test_it_is_given_up_after_the_last_pause(world: World, receiver: Receiver) -> None:
    receiver.status = 500
    row = send(world, channel(world, "webhook", address=receiver.url))
    for _ in delivery.RETRY_SECONDS:
        row = again(row)
    assert (row.state, len(receiver.requests)) == ("failed", 1 + len(delivery.RETRY_SECONDS))


def test_nobody_listens(world: World, receiver: Receiver) -> None:
    row = send(world, channel(world, "webhook", address="http://127.0.0.1:9/x"))
    assert row.state == "waiting"
    assert "could not be reached" in row.last_error


@pytest.mark.parametrize("address", ["http://127.0.0.1:81/x", "http://169.254.169.254/latest"])
def test_addresses_of_this_machine_and_of_the_cloud_are_refused(world: World, address: str) -> None:
    row = send(world, channel(world, "webhook", address=address))
    assert row.state == "failed"
    assert "address" in row.last_error


def test_quiet_hours_hold_it_back_until_they_end(world: World, receiver: Receiver) -> None:
    User.objects.filter(pk=world.ann.pk).update(
        quiet_from=time(22), quiet_until=time(7), timezone="Europe/Berlin"
    )
    made = channel(world, "webhook", address=receiver.url)
    night = datetime(2026, 1, 10, 23, 0, tzinfo=UTC)
    with clock.at(night):
        row = send(world, made)
    assert (row.state, row.attempts, receiver.requests) == ("waiting", 0, [])
    pause = (row.next_attempt_at - clock.now()).total_seconds()
    assert 6.9 * 3600 < pause <= 7 * 3600
    with clock.at(night + timedelta(hours=7)):
        assert again(row).state == "sent"


@pytest.mark.parametrize("spoil", ["decided", "read", "off", "closed account"])
def test_what_is_no_longer_wanted_is_not_sent(world: World, receiver: Receiver, spoil: str) -> None:
    made = channel(world, "webhook", address=receiver.url)
    fields: dict[str, Any] = {}
    if spoil == "decided":
        fields["settled_at"] = clock.now()
    if spoil == "read":
        fields["read_at"] = clock.now()
    if spoil == "off":
        NotificationChannel.objects.update(is_enabled=False)
    if spoil == "closed account":
        User.objects.filter(pk=world.ann.pk).update(is_active=False)
    assert send(world, made, **fields).state == "skipped"
    assert receiver.requests == []


def test_a_test_is_tried_once_and_passes_quiet_hours(world: World, receiver: Receiver) -> None:
    User.objects.filter(pk=world.ann.pk).update(quiet_from=time(0), quiet_until=time(23, 59))
    made = channel(world, "slack", address=receiver.url)
    row = channels.test_channel(world.actor(world.ann), made.id)
    delivery.deliver(row.id)
    assert receiver.requests[0].json["text"].startswith("*This is a test from Mission Control.*")
    receiver.status = 500
    second = channels.test_channel(world.actor(world.ann), made.id)
    delivery.deliver(second.id)
    second.refresh_from_db()
    assert second.state == "failed"


def test_a_lease_of_another_worker_is_respected(world: World, receiver: Receiver) -> None:
    made = channel(world, "webhook", address=receiver.url)
    row = NotificationDelivery.objects.create(
        notification=note(world), channel=made, lease_owner="other",
        lease_until=clock.now() + timedelta(seconds=30),
    )  # fmt: skip
    assert not delivery.deliver(row.id)
    assert delivery.sweep() == 0
    NotificationDelivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert delivery.sweep() == 1
    assert delivery.deliver(row.id)


def test_old_notifications_go(world: World) -> None:
    old, new = note(world), note(world)
    Notification.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=91))
    delivery.retain()
    assert list(Notification.objects.all()) == [new]


def test_a_long_answer_is_not_read_to_its_end(world: World, receiver: Receiver) -> None:
    receiver.answer = b"x" * (sending.MAX_ANSWER * 4)
    assert send(world, channel(world, "webhook", address=receiver.url)).state == "sent"
