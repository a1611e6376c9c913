"""The ground of the tables: two tenants with one row of everything, and everybody who may call.

``outsider`` is a member of A without any grant, ``guest`` such a member who works in an
organization of his own just now, ``stranger`` the owner of organization B. ``read_token`` and
``write_token`` are the owner's tokens that may only read, and only do what is no administration.
``worker`` and ``lead`` are agents of board A1, ``neighbour`` of A2, ``main`` is the agent of A's
gateway, ``other_agent`` leads a board of B.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from activity.models import ActivityEvent
from gateways import targets
from gateways.models import Gateway, GatewayIdentity
from missioncontrol.kernel.secrets import new_token, seal, token_hash
from orgs.models import ApiToken, User
from tests import factories
from tests.clients import Client
from tests.matrix.objects import make_objects
from tests.world import World, build_world

GATEWAY_TOKEN = "gateway-shared-secret-0123456789"
DEVICE_TOKEN = "gateway-device-token-0123456789"


def _those(callers: str) -> frozenset[str]:
    return frozenset(callers.split())


#: Text that stands in rows of the stage, and who may read it in an answer.
MARKS: dict[str, frozenset[str]] = {
    "Hidden task": _those("owner read_token write_token neighbour main worker"),
    "Hidden board": _those("owner admin read_token write_token neighbour main"),
    "Foreign board": _those("stranger other_agent"),
    "127.0.0.1:9/hidden-way": _those("owner admin read_token write_token"),
    GATEWAY_TOKEN: frozenset(),
    DEVICE_TOKEN: frozenset(),
}


@dataclass
class Stage:
    """Ids by the names that the tables use, and everybody's credential."""

    ids: dict[str, str]
    people: dict[str, User]
    tokens: dict[str, str]
    clients: dict[str, Client] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A client per credential; two of them are sent in both ways."""
        for caller, token in self.tokens.items():
            is_agents = caller in ("bad_agent", "worker", "lead", "neighbour", "main")
            is_agents = is_agents or caller in ("other_agent", "gateway_as_agent")
            self.clients[caller] = Client(agent_token=token) if is_agents else Client(bearer=token)
        self.clients["anonymous"] = Client()


def build(world: World) -> Stage:
    """The world with one row of everything."""
    people = {"owner": world.ann, "reader": world.bob, "stranger": world.eve, **_people(world)}
    ids = make_objects(world, people)
    _hide(world)
    tokens = {
        "read_token": factories.make_token(world.ann, scope="read"),
        "write_token": factories.make_token(world.ann, scope="write"),
        **_proving_nothing(world),
        **_agents(world),
    }
    tokens |= {name: factories.make_token(user) for name, user in people.items()}
    return Stage(ids, people, tokens)


def _people(world: World) -> dict[str, User]:
    named = {
        "outsider": "carol", "writer": "wanda", "admin": "adam", "guest": "gus",
    }  # fmt: skip
    found = {caller: factories.make_user(name) for caller, name in named.items()}
    for caller, user in found.items():
        if caller == "admin":
            flags = {"all_boards_read": False, "all_boards_write": False}
            factories.make_member(world.org, user, "admin", **flags)
        else:
            factories.make_member(world.org, user)
    factories.grant(world.board, found["writer"], "write")
    own = factories.make_organization("Own one")
    factories.make_member(own, found["guest"], "owner")
    User.objects.filter(pk=found["guest"].pk).update(active_organization=own)
    User.objects.filter(pk=found["outsider"].pk).update(email_verified=True)
    return found


def _proving_nothing(world: World) -> dict[str, str]:
    """Credentials that open nothing anywhere: ended, made up, or a gateway's own."""
    yesterday = timezone.now() - timedelta(days=1)
    revoked = factories.make_token(world.ann)
    ApiToken.objects.filter(token_hash=token_hash(revoked)).update(revoked_at=yesterday)
    Gateway.objects.filter(pk=world.gateway.pk).update(
        token_sealed=seal(GATEWAY_TOKEN), url="ws://127.0.0.1:9/hidden-way"
    )
    targets.identity_row(world.gateway)
    GatewayIdentity.objects.update(device_token_sealed=seal(DEVICE_TOKEN))
    return {
        "expired": factories.make_token(world.ann, expires_at=yesterday),
        "revoked": revoked,
        "nonsense": "a.b.c",
        "bad_agent": "mca_" + "x" * 43,
        "gateway": GATEWAY_TOKEN,
        "gateway_as_agent": GATEWAY_TOKEN,
        "device": DEVICE_TOKEN,
    }


def _agents(world: World) -> dict[str, str]:
    neighbour, main = new_token("mca_"), new_token("mca_")
    on = {"gateway": world.gateway}
    factories.make_agent(world.org, "NA", board=world.second_board, token=neighbour, **on)
    factories.make_agent(world.org, "MA", agent_type="main", token=main, status="online", **on)
    return {
        "worker": world.worker_token, "lead": world.lead_token, "neighbour": neighbour,
        "main": main, "other_agent": world.other_lead_token,
    }  # fmt: skip


def _hide(world: World) -> None:
    """Rows with the marks: what the worker of A1 has to do with A2 is not for readers of A1."""
    type(world.second_board).objects.filter(pk=world.second_board.pk).update(name="Hidden board")
    type(world.other_board).objects.filter(pk=world.other_board.pk).update(name="Foreign board")
    factories.make_task(
        world.second_board, "Hidden task", assigned_agent=world.worker, status="in_progress",
        in_progress_at=timezone.now(),
    )  # fmt: skip
    ActivityEvent.objects.create(
        organization_id=world.org.id, seq=-1, board_id=world.second_board.id, board_seq=-1,
        agent_id=world.worker.id, actor_kind="user", actor_name="x", target_kind="task",
        target_title="Hidden task", type="task.created", at=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def stage(world: World) -> Stage:
    """The stage in the test's transaction."""
    return build(world)


@contextmanager
def quiet() -> Iterator[None]:
    """No lines of thousands of refusals."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def ground(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Stage]:
    """The stage of all tests of a module, in one transaction that is undone at its end."""
    with django_db_blocker.unblock(), transaction.atomic(), quiet():
        yield build(build_world())
        transaction.set_rollback(True)
