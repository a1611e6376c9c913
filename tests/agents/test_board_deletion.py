"""Deleting a board whose agents stand on a gateway that is away."""

from __future__ import annotations

import pytest
from django.utils import timezone

from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranded(world: World) -> World:
    """The worker was set up on a gateway that does not answer any more."""
    Gateway.objects.filter(pk=world.gateway.pk).update(status=Gateway.Status.OFFLINE)
    Agent.objects.filter(pk=world.worker.pk).update(
        gateway=world.gateway,
        provision_requested_at=timezone.now(),
        provisioned_at=timezone.now(),
    )
    return world


@pytest.mark.scenario("CORE-79")
def test_refused_while_the_gateway_is_away_and_queued_with_force(stranded: World) -> None:
    path = f"/boards/{stranded.board.pk}"
    refusal = stranded.as_ann.delete(path).expect(502).json
    assert refusal["code"] == "gateway_cleanup_failed"
    assert refusal["detail"].startswith("Gateway cleanup failed: ")
    assert Board.objects.filter(pk=stranded.board.pk).exists()
    stranded.as_ann.delete(f"{path}?force=true").expect(200)
    worker = Agent.objects.get(pk=stranded.worker.pk)
    assert worker.board_id is None
    assert [left["gateway_id"] for left in worker.left_behind] == [str(stranded.gateway.pk)]
    assert worker.work == Agent.Work.CLEAN_UP


def test_a_gateway_that_answers_is_no_reason_to_ask(stranded: World) -> None:
    Gateway.objects.filter(pk=stranded.gateway.pk).update(status=Gateway.Status.ONLINE)
    stranded.as_ann.delete(f"/boards/{stranded.board.pk}").expect(200)
