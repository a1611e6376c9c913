"""Of many workers exactly one claims a piece of work; a dead one's work comes back."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from agents.models import Agent
from missioncontrol.kernel import leases
from orgs.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work() -> Agent:
    organization = Organization.objects.create(name=f"o {uuid.uuid4()}")
    return Agent.objects.create(organization=organization, name="w", work="provision")


def _open() -> object:
    return Agent.objects.filter(work="provision")


def test_ten_threads_one_claim(work: Agent) -> None:
    won: list[str] = []
    gate = threading.Barrier(10)

    def claim() -> None:
        owner = leases.owner_name()
        gate.wait()
        if leases.claim(_open(), work.pk, owner):  # type: ignore[arg-type]
            won.append(owner)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    work.refresh_from_db()
    assert won == [work.lease_owner]
    assert work.attempts == 1


def test_a_dead_workers_claim_runs_out(work: Agent) -> None:
    assert leases.claim(_open(), work.pk, "dead")  # type: ignore[arg-type]
    assert not leases.claim(_open(), work.pk, "next")  # type: ignore[arg-type]
    Agent.objects.filter(pk=work.pk).update(
        lease_until=timezone.now() - timezone.timedelta(seconds=1)
    )
    assert leases.claim(_open(), work.pk, "next")  # type: ignore[arg-type]


def test_a_pause_before_the_next_attempt_is_kept(work: Agent) -> None:
    assert leases.claim(_open(), work.pk, "one")  # type: ignore[arg-type]
    leases.release(Agent, work.pk, "one", retry_in_seconds=60)
    assert not leases.claim(_open(), work.pk, "two")  # type: ignore[arg-type]
    leases.release(Agent, work.pk, "stranger")
    work.refresh_from_db()
    assert work.next_attempt_at is not None
