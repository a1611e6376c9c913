"""Outbound webhooks: what is sent, signed and in order, and what happens when it is not taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity import subscribe, webhook_sending, webhooks
from activity.models import ActivityEvent, AuditEntry, WebhookDelivery, WebhookEndpoint
from activity.services import webhooks as services
from boards.services import tasks
from missioncontrol.kernel import clock, ratelimit
from tests import factories as f
from tests.activity.receiver import Receiver, receiving
from tests.clients import Client
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    ratelimit.memory.clear()
    with receiving() as running:
        yield running


def added(world: World, receiver: Receiver, **fields: Any) -> tuple[WebhookEndpoint, str]:
    body = {"name": "Warehouse", "url": receiver.url, **fields}
    found = world.as_ann.post("/webhook-endpoints", body).expect(200).json
    return WebhookEndpoint.objects.get(pk=found["id"]), found["secret"]


def happen(world: World, count: int = 1, *, board: Any = None) -> None:
    for number in range(count):
        tasks.create_task(world.actor(world.ann), (board or world.board).id, title=f"Task {number}")


def send(world: World, endpoint: WebhookEndpoint) -> int:
    """Drain the log, then send what waits, as the jobs do."""
    subscribe.drain(world.org.pk)
    return webhook_sending.deliver(endpoint.pk)


def made_due(endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(next_attempt_at=None)


def log(endpoint: WebhookEndpoint) -> list[WebhookDelivery]:
    return list(endpoint.deliveries.order_by("seq"))


def test_an_event_is_sent_signed_with_the_fields_of_the_feed(
    world: World, receiver: Receiver
) -> None:
    endpoint, secret = added(world, receiver, event_types=["task.created"])
    happen(world)
    assert send(world, endpoint) == 1
    (message,) = receiver.got
    event = ActivityEvent.objects.get(type="task.created")
    assert message.id == str(event.pk)
    data = message.json["data"]
    assert (message.json["type"], data["seq"]) == ("task.created", event.seq)
    assert data["message"].startswith("Ann created ")
    assert data["resource_name"] == event.target_title
    signed = f"{message.id}.{message.headers['webhook-timestamp']}.{message.body}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert message.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(message.headers["webhook-timestamp"]) - clock.now().timestamp()) < 30
    (row,) = log(endpoint)
    assert (row.status, row.response_status, row.response_excerpt) == ("delivered", 200, "thanks")
    assert row.latency_ms is not None


def test_a_secret_is_shown_once_and_stored_sealed(world: World, receiver: Receiver) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"name": "W", "url": receiver.url}
    first = world.as_ann.post("/webhook-endpoints", body, headers=headers).expect(200).json
    again = world.as_ann.post("/webhook-endpoints", body, headers=headers).expect(200).json
    assert (again["id"], again["secret"]) == (first["id"], None)
    row = WebhookEndpoint.objects.get()
    assert first["secret"] not in row.secret_sealed
    assert "secret" not in world.as_ann.get(f"/webhook-endpoints/{row.pk}").json
    new = world.as_ann.post(f"/webhook-endpoints/{row.pk}/rotate-secret").expect(200).json
    assert new["secret"] != first["secret"]
    recorded = list(ActivityEvent.objects.values_list("data", flat=True))
    assert first["secret"] not in str(recorded)
    assert new["secret"] not in str(recorded)


def test_events_come_in_order_and_only_those_after_the_wish(
    world: World, receiver: Receiver
) -> None:
    happen(world, 2)
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world, 4)
    assert send(world, endpoint) == 4
    after = ActivityEvent.objects.filter(type="task.created").order_by("seq")
    assert receiver.seqs == list(after.values_list("seq", flat=True))[2:]
    assert send(world, endpoint) == 0


@pytest.mark.parametrize(
    ("types", "board", "number"),
    [([], None, 3), (["task.created"], None, 2), (["task.*"], "second", 1), (["agent.*"], None, 0)],
)
def test_filters_choose_types_and_a_board(
    world: World, receiver: Receiver, types: list[str], board: str | None, number: int
) -> None:
    fields = {"board_id": str(world.second_board.id)} if board else {}
    endpoint, _secret = added(world, receiver, event_types=types, **fields)
    happen(world)
    happen(world, board=world.second_board)
    sent = send(world, endpoint)
    own = 1 if not types and not board else 0  # the endpoint's own creation is an event too
    assert sent == (2 + own if not types else number)


def test_a_decision_filter_means_that_decision(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["approval.approved"])
    for status in ("approved", "rejected"):
        approval = f.make_approval(world.org, world.board)
        world.as_ann.patch(f"/approvals/{approval.pk}", {"status": status}).expect(200)
    assert send(world, endpoint) == 1
    assert receiver.got[0].json["type"] == "approval.approved"


def test_other_tenants_events_are_not_sent(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver)
    tasks.create_task(world.actor(world.eve), world.other_board.id, title="Foreign")
    subscribe.drain(world.other_org.pk)
    send(world, endpoint)
    assert "Foreign" not in "".join(message.body for message in receiver.got)


def test_a_failure_holds_the_order_and_is_tried_again_with_pauses(
    world: World, receiver: Receiver
) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world, 3)
    receiver.answers = [500, 503]
    assert send(world, endpoint) == 0
    endpoint.refresh_from_db()
    assert (endpoint.failures, len(receiver.got)) == (1, 1)
    assert endpoint.next_attempt_at is not None
    assert send(world, endpoint) == 0  # the pause is kept
    assert len(receiver.got) == 1
    for expected in (0, 3):
        made_due(endpoint)
        assert send(world, endpoint) == expected
    assert receiver.seqs == sorted(receiver.seqs)
    assert len({message.id for message in receiver.got}) == 3
    first = log(endpoint)[0]
    assert (first.attempts, first.status, first.error) == (3, "delivered", "")
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


@pytest.mark.parametrize(
    ("failures", "pause"), [(1, 5), (2, 30), (3, 120), (4, 600), (7, 7200), (50, 7200)]
)
def test_pauses_grow(failures: int, pause: int) -> None:
    assert webhooks.pause_after(failures) == pause


def test_a_message_that_is_never_taken_makes_way_for_the_next(
    world: World, receiver: Receiver
) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world, 2)
    receiver.answers = [500] * webhooks.MAX_ATTEMPTS
    for _ in range(webhooks.MAX_ATTEMPTS):
        assert send(world, endpoint) == 0
        made_due(endpoint)
    assert send(world, endpoint) == 1
    assert [row.status for row in log(endpoint)] == ["failed", "delivered"]


@pytest.mark.parametrize("gone", [False, True])
def test_persistent_failure_ends_the_sending_and_is_told(
    world: World, receiver: Receiver, gone: bool
) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world)
    receiver.default = 410 if gone else 500
    if not gone:
        before = webhooks.DISABLE_AFTER - 1
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failures=before)
    send(world, endpoint)
    endpoint.refresh_from_db()
    assert endpoint.is_enabled is False
    event = ActivityEvent.objects.get(type="webhook_endpoint.disabled")
    assert str(receiver.default) in event.data["reason"]
    assert AuditEntry.objects.filter(event_id=event.pk).exists()
    receiver.default = 200
    made_due(endpoint)
    assert send(world, endpoint) == 0  # off is off; what waits is kept
    body = {"is_enabled": True}
    found = world.as_ann.patch(f"/webhook-endpoints/{endpoint.pk}", body).expect(200).json
    assert (found["disabled_reason"], found["failures"]) == (None, 0)
    assert send(world, endpoint) == 1


def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    with receiving() as inner:
        endpoint, _secret = added(world, receiver, event_types=["task.*"])
        happen(world)
        receiver.default, receiver.location = 307, inner.url
        assert send(world, endpoint) == 0
        assert inner.got == []
    (row,) = log(endpoint)
    assert (row.response_status, row.status) == (307, "waiting")
    assert "redirects are not followed" in row.error


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "http://169.254.169.254/latest", "http://[::1]/", "https://10.0.0.1/",
     "ftp://example.com/", "https://user:pass@example.com/", "nonsense", "http://[bad"],
)  # fmt: skip
def test_forbidden_addresses_are_refused(world: World, url: str) -> None:
    answer = world.as_ann.post("/webhook-endpoints", {"name": "X", "url": url}).expect(422)
    assert answer.code in ("outbound_blocked", "invalid", "value_error")
    assert not WebhookEndpoint.objects.exists()


def test_an_address_that_became_private_is_refused_at_the_connection(
    world: World, receiver: Receiver, settings: Any
) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world)
    settings.OUTBOUND_ALLOW_PRIVATE = False
    assert send(world, endpoint) == 0
    assert receiver.got == []
    assert "private address" in log(endpoint)[0].error


def test_a_receiver_that_is_away_is_a_failure(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url="http://127.0.0.1:9/")
    happen(world)
    assert send(world, endpoint) == 0
    row = log(endpoint)[0]
    assert (row.response_status, row.attempts) == (None, 1)
    assert "ConnectError" in row.error


def test_of_a_long_answer_the_beginning_is_kept(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    receiver.text = b"\x00" + b"x" * 100_000
    happen(world)
    assert send(world, endpoint) == 1
    assert 0 < len(log(endpoint)[0].response_excerpt) <= webhook_sending.EXCERPT_BYTES


def test_a_message_is_replayed_under_the_same_id(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world)
    send(world, endpoint)
    (row,) = log(endpoint)
    at = f"/webhook-endpoints/{endpoint.pk}/deliveries/{row.pk}"
    assert world.as_ann.get(at).expect(200).json["body"] == receiver.got[0].body
    world.as_eve.post(f"{at}/replay").expect(404)
    assert world.as_ann.post(f"{at}/replay").expect(200).json["status"] == "waiting"
    assert webhook_sending.deliver(endpoint.pk) == 1
    assert receiver.got[0].id == receiver.got[1].id
    assert receiver.got[0].body == receiver.got[1].body
    listed = world.as_ann.get(f"/webhook-endpoints/{endpoint.pk}/deliveries?status=delivered")
    assert [item["replays"] for item in listed.expect(200).items] == [1]


def test_a_test_message_is_sent_limited_and_recorded(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["agent.*"])
    address = f"/webhook-endpoints/{endpoint.pk}/test"
    world.as_ann.post(address).expect(200)
    assert webhook_sending.deliver(endpoint.pk) == 1
    assert receiver.got[0].json["type"] == "webhook_endpoint.tested"
    assert ActivityEvent.objects.filter(type="webhook_endpoint.tested").count() == 1
    for _ in range(19):
        world.as_ann.post(address).expect(200)
    world.as_ann.post(address).expect(429)


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"event_types": ["nonsense"]}, {"event_types": ["x.*"]}, {"secret": "mine"},
     {"board_id": "6f2b0f0c-0000-4000-8000-000000000000"}, {"event_types": ["task.*"] * 101}],
)  # fmt: skip
def test_bad_input_is_refused(world: World, receiver: Receiver, body: dict[str, Any]) -> None:
    wanted = {"name": "W", "url": receiver.url, **body}
    assert world.as_ann.post("/webhook-endpoints", wanted).expect(422).json["errors"]


def test_only_admins_of_the_organization_keep_webhooks(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver)
    for client, status in ((world.as_bob, 403), (world.as_eve, 404), (Client(), 401)):
        client.get(f"/webhook-endpoints/{endpoint.pk}").expect(status)
        client.delete(f"/webhook-endpoints/{endpoint.pk}").expect(status)
    world.as_bob.get("/webhook-endpoints").expect(403)
    foreign = {"name": "W", "url": receiver.url, "board_id": str(world.other_board.id)}
    world.as_ann.post("/webhook-endpoints", foreign).expect(422)


def test_a_stale_change_is_refused_and_a_change_counts_up(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver)
    at = f"/webhook-endpoints/{endpoint.pk}"
    first = world.as_ann.patch(at, {"name": "New"}, headers={"If-Match": '"1"'}).expect(200)
    assert first.headers["ETag"] == '"2"'
    world.as_ann.patch(at, {"name": "Newer"}, headers={"If-Match": '"1"'}).expect(412)
    world.as_ann.patch(at, {"event_types": None}).expect(422)
    world.as_ann.delete(at).expect(200)
    assert not WebhookDelivery.objects.exists()


def test_without_endpoints_an_event_costs_the_log_nothing(world: World) -> None:
    happen(world)
    subscribe.drain(world.org.pk)
    happen(world)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            subscribe._drain_one(
                "activity.services.webhooks.fan_out",
                *subscribe._after["activity.services.webhooks.fan_out"],
                world.org.pk,
            )
        return len(queries)

    few = cost()
    happen(world, 10)
    assert cost() == few


def test_old_settled_deliveries_are_forgotten(world: World, receiver: Receiver) -> None:
    endpoint, _secret = added(world, receiver, event_types=["task.*"])
    happen(world, 2)
    send(world, endpoint)
    old = clock.now() - timedelta(days=31)
    first, second = log(endpoint)
    WebhookDelivery.objects.filter(pk=first.pk).update(created_at=old)
    WebhookDelivery.objects.filter(pk=second.pk).update(created_at=old, status="waiting")
    assert services.prune() == 1
    assert log(endpoint) == [second]


# --- pages ----------------------------------------------------------------------------------------


def test_pages_add_show_the_secret_once_and_tell_the_log(world: World, receiver: Receiver) -> None:
    ann = browser(world.ann)
    assert "No outbound webhooks yet" in ann.get("/organization/webhooks").content.decode()
    form = {"name": "Hook", "url": receiver.url, "event_types": "task.*\nagent.*"}
    answer = ann.post("/organization/webhooks/new", form)
    endpoint = WebhookEndpoint.objects.get()
    assert answer["Location"] == f"/organization/webhooks/{endpoint.pk}"
    assert endpoint.event_types == ["task.*", "agent.*"]
    assert "whsec_" in ann.get(answer["Location"]).content.decode()
    assert "whsec_" not in ann.get(answer["Location"]).content.decode()
    happen(world)
    send(world, endpoint)
    shown = ann.get(answer["Location"]).content.decode()
    assert "task.created" in shown
    assert "Delivered" in shown
    row = log(endpoint)[0]
    again = f"{answer['Location']}/deliveries/{row.pk}/replay"
    assert ann.post(again).status_code == 302
    assert webhook_sending.deliver(endpoint.pk) == 1
    assert ann.post(f"{answer['Location']}/rotate-secret").status_code == 302
    assert "whsec_" in ann.get(answer["Location"]).content.decode()
    assert ann.post(f"{answer['Location']}/test").status_code == 302
    assert "Hook" in ann.get("/organization/webhooks").content.decode()
    edited = {**form, "name": "Renamed", "is_enabled": ""}
    assert ann.post(f"{answer['Location']}/edit", edited).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.is_enabled) == ("Renamed", False)
    assert ann.post(f"{answer['Location']}/delete").status_code == 302
    assert not WebhookEndpoint.objects.exists()


def test_pages_refuse_what_the_service_refuses(world: World) -> None:
    ann = browser(world.ann)
    answer = ann.post(
        "/organization/webhooks/new", {"name": "H", "url": "http://127.0.0.1/", "event_types": ""}
    )
    assert answer.status_code == 422
    assert "private address" in answer.content.decode()
    assert browser(world.bob).get("/organization/webhooks").status_code == 403
