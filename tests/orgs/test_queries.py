"""Lists cost the same number of queries whatever their length."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db


def cost(world: World, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        world.as_ann.get(path).expect(200)
    return len(queries)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/organizations", 2),
        ("/organizations/me/list", 2),
        ("/organizations/me/members", 3),
        ("/users/me/tokens", 2),
        ("/users/me", 2),
    ],
)
def test_twenty_rows_cost_what_one_costs(world: World, path: str, most: int) -> None:
    world.as_ann.get(path).expect(200)  # the use of the token is noted once a minute
    few = cost(world, path)
    for number in range(20):
        user = factories.make_user(f"more{number:02}")
        factories.make_member(world.org, user)
        factories.grant(world.board, user)
        factories.make_token(world.ann)
        factories.make_member(factories.make_organization(), world.ann)
    assert cost(world, path) == few <= most
