"""The rows that generated calls work on: two tenants, and several of everything in the first."""

from __future__ import annotations

from dataclasses import dataclass

COPIES = 6


@dataclass(frozen=True)
class Ground:
    """Credentials and the organization of the calls."""

    organization_id: str
    owner_token: str
    worker_token: str


def lay() -> Ground:
    """Write the rows into the database that Django is connected to."""
    from tests import factories
    from tests.world import build_world

    world = build_world()
    for number in range(COPIES):
        group = factories.make_group(world.org, f"Group {number}")
        board = factories.make_board(
            world.org, f"Board {number}", board_group=group, gateway=world.gateway
        )
        factories.make_agent(world.org, f"Agent {number}", board=board, gateway=world.gateway)
        factories.make_agent(world.org, f"Pool agent {number}")
        factories.make_gateway(world.org, f"Gateway {number}")
        person = factories.make_user(f"person{number}")
        factories.make_member(world.org, person)
        factories.make_invite(world.org, f"guest{number}@example.org")
        factories.make_token(world.ann)
        factories.make_approval(world.org, world.board)
        own = factories.make_organization(f"Spare {number}")
        factories.make_member(own, world.ann, "owner")
        factories.make_member(own, person)
        for _ in range(COPIES):
            task = factories.make_task(world.board)
            factories.make_comment(task, author_kind="user", author_id=world.ann.pk)
    return Ground(str(world.org.pk), world.ann_token, world.worker_token)
