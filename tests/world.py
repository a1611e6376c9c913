"""Two tenants with people, boards, agents and gateways; the ground of most tests.

``ann`` owns organization A, ``bob`` is a member who may read board A1 only, ``eve`` owns
organization B. Nothing of it opens a connection.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.secrets import new_token
from orgs import credentials
from orgs.models import Organization, User
from tests import factories
from tests.clients import Client


@dataclass
class World:
    """What stands in the two tenants, with everybody's token."""

    org: Organization
    other_org: Organization
    ann: User
    bob: User
    eve: User
    ann_token: str
    bob_token: str
    eve_token: str
    board: Board
    second_board: Board
    other_board: Board
    gateway: Gateway
    other_gateway: Gateway
    lead: Agent
    worker: Agent
    other_lead: Agent
    lead_token: str
    worker_token: str
    other_lead_token: str

    def actor(self, user: User) -> UserActor:
        """A person with his rights of this moment."""
        found = credentials.actor_of(user.id)
        assert found is not None
        return found

    @property
    def as_ann(self) -> Client:
        """Client of the owner."""
        return Client(bearer=self.ann_token)

    @property
    def as_bob(self) -> Client:
        """Client of the member who may read board A1."""
        return Client(bearer=self.bob_token)

    @property
    def as_eve(self) -> Client:
        """Client of the other tenant's owner."""
        return Client(bearer=self.eve_token)

    @property
    def as_lead(self) -> Client:
        """Client of board A1's lead."""
        return Client(agent_token=self.lead_token)

    @property
    def as_worker(self) -> Client:
        """Client of board A1's worker."""
        return Client(agent_token=self.worker_token)

    @property
    def as_other_lead(self) -> Client:
        """Client of board B1's lead."""
        return Client(agent_token=self.other_lead_token)


def build_world() -> World:
    """Make the rows; for transactional tests that cannot use the fixture."""
    from boards.querysets import permission_ids

    permission_ids.cache_clear()
    f = factories
    org, other = f.make_organization("Acme"), f.make_organization("Other")
    ann, bob, eve = f.make_user("ann"), f.make_user("bob"), f.make_user("eve")
    f.make_member(org, ann, "owner")
    f.make_member(org, bob)
    f.make_member(other, eve, "owner")
    gateway = f.make_gateway(org, "GA")
    other_gateway = f.make_gateway(other, "GB")
    a1 = f.make_board(org, "A1", gateway=gateway)
    a2 = f.make_board(org, "A2", gateway=gateway)
    b1 = f.make_board(other, "B1", gateway=other_gateway)
    f.grant(a1, bob, "read")
    lead_token, worker_token, other_token = (new_token("mca_") for _ in range(3))
    return World(
        org=org,
        other_org=other,
        ann=ann,
        bob=bob,
        eve=eve,
        ann_token=f.make_token(ann),
        bob_token=f.make_token(bob),
        eve_token=f.make_token(eve),
        board=a1,
        second_board=a2,
        other_board=b1,
        gateway=gateway,
        other_gateway=other_gateway,
        lead=f.make_agent(
            org, "LA", board=a1, gateway=gateway, agent_type="lead", token=lead_token
        ),
        worker=f.make_agent(org, "WA", board=a1, gateway=gateway, token=worker_token),
        other_lead=f.make_agent(
            other, "LB", board=b1, gateway=other_gateway, agent_type="lead", token=other_token
        ),
        lead_token=lead_token,
        worker_token=worker_token,
        other_lead_token=other_token,
    )


@pytest.fixture
def world(db: None) -> World:
    """Both tenants in the test's transaction."""
    return build_world()
