"""A longer list costs no further query."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import AgentBeat
from boards.models import TaskDependency
from gateways.models import GatewayCheck
from missioncontrol.kernel import clock
from tests import factories as f
from tests.world import World

FRAGMENTS = (
    "/tags",
    "/custom-fields",
    "/approvals",
    "/agents",
    "/gateways",
    "/activity",
    "/boards",
    "/dashboard",
)


def fill(world: World, number: int) -> None:
    for _ in range(number):
        agent = f.make_agent(world.org, board=world.board, gateway=world.gateway)
        AgentBeat.objects.create(agent=agent, at=clock.now())
        tags = [f.make_tag(world.org).id]
        f.make_field(world.board)
        tasks = [f.make_task(world.board, assigned_agent=agent, tag_ids=tags) for _ in range(2)]
        TaskDependency.objects.create(task=tasks[0], depends_on=tasks[1])
        f.make_approval(world.org, world.board)
        gateway = f.make_gateway(world.org)
        GatewayCheck.objects.create(gateway=gateway, status="online")
        f.make_board(world.org, gateway=gateway)


def cost(browser: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(address, HTTP_HX_REQUEST="true").status_code == 200
    return len(queries)


@pytest.mark.parametrize("address", [*FRAGMENTS, "board", "list"])
def test_number_of_queries_does_not_grow(world: World, ann: Client, address: str) -> None:
    parts = {"board": "columns", "list": "list"}
    at = f"/boards/{world.board.id}/{parts[address]}" if address in parts else address
    fill(world, 1)
    few = cost(ann, at)
    fill(world, 8)
    assert cost(ann, at) == few
