"""Equal requests that arrive at a webhook at the same moment."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from activity.models import ActivityEvent
from boards.models import BoardMemory, BoardWebhook, WebhookPayload
from boards.services import webhooks
from boards.webhook_rules import Incoming
from tests.world import build_world

THREADS = 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.scenario("CORE-80")
def test_equal_requests_at_once_are_one_payload() -> None:
    world = build_world()
    webhook = BoardWebhook.objects.create(
        organization=world.org, board=world.board, description="d", create_task=True
    )
    incoming = Incoming(b'{"a": 1}', {"content-type": "text/plain", "x-github-delivery": "one"})
    start = threading.Barrier(THREADS)
    receipts: list[webhooks.Receipt] = []

    def send() -> None:
        try:
            start.wait()
            receipts.append(webhooks.receive_payload(world.board.id, webhook.id, incoming))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(receipts) == THREADS
    assert sum(not receipt.is_duplicate for receipt in receipts) == 1
    assert len({receipt.payload_id for receipt in receipts}) == 1
    assert WebhookPayload.objects.count() == BoardMemory.objects.count() == 1
    assert ActivityEvent.objects.filter(type="webhook.received").count() == 1
    assert ActivityEvent.objects.filter(type="task.created").count() == 1
