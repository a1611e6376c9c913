"""Webhooks of a board by its pages."""

from __future__ import annotations

import pytest
from django.test import Client

from boards.models import BoardWebhook, WebhookPayload
from boards.services import webhooks
from boards.webhook_rules import Incoming
from missioncontrol.kernel.secrets import unseal
from tests.pages.conftest import HTMX
from tests.world import World

SECRET = "page-S3CRET-0123456789"
FORM = {
    "description": "Triage\nWhat CI says", "agent_id": "", "enabled": "on", "secret": SECRET,
    "signature_header": "", "replay_window_seconds": "300", "retention_days": "30",
}  # fmt: skip


def made(world: World, **fields: object) -> BoardWebhook:
    who = world.actor(world.ann)
    fields.setdefault("description", "Triage")
    return webhooks.create_webhook(who, world.board.id, **fields)  # type: ignore[arg-type]


def received(webhook: BoardWebhook, body: bytes) -> WebhookPayload:
    incoming = Incoming(body, {"content-type": "text/plain", "x-event": "<b>push</b>"}, "192.0.2.7")
    receipt = webhooks.receive_payload(webhook.board_id, webhook.id, incoming)
    return WebhookPayload.objects.get(pk=receipt.payload_id)


def test_a_webhook_is_added_changed_and_deleted(world: World, ann: Client) -> None:
    base = f"/boards/{world.board.id}/webhooks"
    assert "No webhooks yet" in ann.get(base).content.decode()
    assert ann.get(f"{base}/new").status_code == 200
    answer = ann.post(f"{base}/new", {**FORM, "agent_id": str(world.worker.id)})
    webhook = BoardWebhook.objects.get()
    assert answer["Location"] == f"{base}/{webhook.id}/payloads"
    assert unseal(webhook.secret_sealed) == SECRET
    page = ann.get(answer["Location"]).content.decode()
    assert f'data-mc-copy="http://testserver{webhook.endpoint_path}"' in page or (
        webhook.endpoint_path in page
    )
    assert SECRET not in page
    edit = f"{base}/{webhook.id}/edit"
    shown = ann.get(edit).content.decode()
    assert SECRET not in shown
    assert "A secret is set" in shown
    changes = {**FORM, "secret": "", "description": "Other", "version": webhook.version}
    assert ann.post(edit, changes).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.description, webhook.has_secret) == ("Other", True)
    assert ann.post(edit, {**changes, "version": webhook.version, "drop_secret": "on"}).status_code
    webhook.refresh_from_db()
    assert webhook.has_secret is False
    assert ann.get(f"{base}/{webhook.id}/delete").status_code == 200
    assert ann.post(f"{base}/{webhook.id}/delete").status_code == 302
    assert not BoardWebhook.objects.exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"description": " "}, "required"),
        ({"signature_header": "X Sig"}, "letters, digits and hyphens"),
        ({"retention_days": "0"}, "greater than or equal"),
        ({"version": "7"}, "Somebody else changed"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_said(
    world: World, ann: Client, fields: dict[str, str], said: str
) -> None:
    webhook = made(world)
    answer = ann.post(
        f"/boards/{world.board.id}/webhooks/{webhook.id}/edit",
        {**FORM, "description": "New", "version": "1", **fields},
    )
    assert answer.status_code == 422
    assert said in answer.content.decode()
    webhook.refresh_from_db()
    assert webhook.description == "Triage"


@pytest.mark.scenario("CORE-54")
def test_payloads_are_listed_shown_and_sent_again(world: World, ann: Client) -> None:
    webhook = made(world)
    hostile = b"<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    payload = received(webhook, hostile)
    base = f"/boards/{world.board.id}/webhooks/{webhook.id}/payloads"
    rows = ann.get(base, **HTMX).content.decode()
    assert "Waiting to be sent" in rows
    assert "Send again" not in rows
    one = ann.get(f"{base}/{payload.id}").content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in one
    assert "<img src=x" not in one
    assert 'href="javascript' not in one
    assert "&lt;b&gt;push&lt;/b&gt;" in one
    WebhookPayload.objects.update(delivery_status="failed", attempts=4, last_error="model is busy")
    assert "model is busy" in ann.get(base).content.decode()
    assert ann.post(f"{base}/{payload.id}/redeliver")["Location"] == base
    payload.refresh_from_db()
    assert payload.delivery_status == "queued"


def test_readers_look_and_others_see_nothing(
    world: World, ann: Client, bob: Client, eve: Client
) -> None:
    webhook = made(world)
    payload = received(webhook, b'{"a": [1, 2]}')
    base = f"/boards/{world.board.id}/webhooks"
    pages = (base, f"{base}/{webhook.id}/payloads", f"{base}/{webhook.id}/payloads/{payload.id}")
    for path in pages:
        assert bob.get(path).status_code == 200
        assert eve.get(path).status_code == 404
        assert "edit" not in bob.get(path).content.decode().replace("/edit-", "")[-400:]
    assert bob.post(f"{base}/{webhook.id}/delete").status_code == 403
    assert bob.post(f"{base}/{webhook.id}/payloads/{payload.id}/redeliver").status_code == 403
    assert bob.post(f"{base}/new", FORM).status_code == 403
    elsewhere = f"/boards/{world.second_board.id}/webhooks/{webhook.id}/payloads"
    assert ann.get(elsewhere).status_code == 404
    assert BoardWebhook.objects.count() == 1
