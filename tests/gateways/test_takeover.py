"""A holder that dies without a word is replaced within 10 s, by a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from gateways.models import Gateway, GatewayLease
from gateways.simulator.thread import SimulatedGatewayThread
from governance import services as governance
from governance.models import Approval
from tests.gateways.linking import holding, make_real, open_command, until
from tests.world import build_world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import threading
import django
django.setup()
from gateways.link import run_forever
run_forever(threading.Event())
"""


def _database_url() -> str:
    facts = connection.settings_dict
    host = facts["HOST"]
    user, password = quote(facts["USER"]), quote(facts["PASSWORD"])
    return (
        f"postgresql://{user}:{password}@/{facts['NAME']}"
        f"?host={quote(host, safe='')}&port={facts['PORT']}"
    )


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that holds gateways."""
    environment = {
        **os.environ,
        "DATABASE_URL": _database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "missioncontrol.settings.test",
    }
    running = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, env=environment)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait(10)


def test_a_killed_holder_is_replaced(
    process: subprocess.Popen[bytes], simulator: SimulatedGatewayThread
) -> None:
    world = build_world()
    Gateway.objects.all().delete()
    gateway = make_real(world.org, simulator.url)
    until(lambda: Gateway.objects.get(pk=gateway.pk).status == "online", seconds=30)
    first = GatewayLease.objects.get(pk=gateway.pk)
    asked = open_command(simulator)
    approval = until(Approval.objects.first)
    with holding("survivor") as survivor:
        process.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        governance.resolve_approval(world.actor(world.ann), approval.pk, status="approved")
        until(lambda: survivor.is_online(gateway), seconds=12)
        assert time.monotonic() - killed_at < 10
        until(lambda: asked.decision == "allow-once")
        lease = GatewayLease.objects.get(pk=gateway.pk)
        assert (lease.owner, lease.epoch) == ("survivor", first.epoch + 1)
    assert len([c for c in simulator.gateway.calls if c.method == "exec.approval.resolve"]) == 1


def test_a_frozen_holder_sends_nothing_when_it_wakes_up(
    process: subprocess.Popen[bytes], simulator: SimulatedGatewayThread
) -> None:
    world = build_world()
    Gateway.objects.all().delete()
    gateway = make_real(world.org, simulator.url)
    until(lambda: Gateway.objects.get(pk=gateway.pk).status == "online", seconds=30)
    with holding("survivor") as survivor:
        process.send_signal(signal.SIGSTOP)
        until(lambda: survivor.is_online(gateway), seconds=12)
        asked = open_command(simulator)
        approval = until(Approval.objects.first)
        process.send_signal(signal.SIGCONT)
        governance.resolve_approval(world.actor(world.ann), approval.pk, status="rejected")
        until(lambda: asked.decision == "deny")
        until(lambda: len([c for c in simulator.gateway.connections if c.is_ready]) == 1)
        assert GatewayLease.objects.get(pk=gateway.pk).owner == "survivor"
    assert len(simulator.gateway.calls_of("exec.approval.resolve")) == 1
