"""A worker that is killed while it sends loses nothing: the message comes again, in order."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from activity import subscribe, webhook_sending
from activity.models import WebhookDelivery, WebhookEndpoint
from activity.services import webhooks
from boards.services import tasks
from tests.activity.receiver import receiving
from tests.world import build_world

pytestmark = pytest.mark.django_db(transaction=True)


def killed_while_sending(endpoint_id: Any, seen: Any) -> None:
    """Send in a child of this process, and kill it once the receiver has the message."""
    child = os.fork()
    if child == 0:
        connection.connection = None  # the parent's; the child opens its own
        try:
            webhook_sending.deliver(endpoint_id)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 15
    while not seen() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_a_killed_worker_loses_no_message(settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    world = build_world()
    ann = world.actor(world.ann)
    with receiving() as receiver:
        endpoint, _secret = webhooks.create_endpoint(
            ann, world.org.id, name="Hook", url=receiver.url, event_types=["task.*"]
        )
        for number in range(3):
            tasks.create_task(ann, world.board.id, title=f"Task {number}")
        subscribe.drain(world.org.pk)
        receiver.gate.clear()  # holds the answer back
        killed_while_sending(endpoint.pk, lambda: receiver.got)
        receiver.gate.set()
        assert WebhookDelivery.objects.filter(status="waiting").count() == 3
        assert webhook_sending.deliver(endpoint.pk) == 0  # the dead one's lease still holds
        over = timezone.now() - timedelta(seconds=1)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(lease_until=over)
        assert list(webhook_sending.due()) == [endpoint]
        assert webhook_sending.deliver(endpoint.pk) == 3
        ids = [message.id for message in receiver.got]
        assert ids[0] == ids[1]
        assert len(set(ids)) == 3
        assert receiver.seqs == sorted(receiver.seqs)
