"""Agents and people on one route: which credential counts."""

from __future__ import annotations

import uuid

import pytest

from agents.models import Agent
from missioncontrol.kernel import ratelimit
from orgs.models import Membership
from tests import factories
from tests.clients import Client, operator
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    ratelimit.memory.clear()


def own_events(client: Client) -> set[str]:
    """Names of the actors of what the feed shows to this caller."""
    return {item["actor_name"] for item in client.get("/activity").expect(200).items}


@pytest.mark.scenario("CORE-9")
def test_an_agents_token_is_taken_as_bearer_and_beats_a_person(world: World) -> None:
    world.as_ann.post("/users/me/tokens", {"name": "event of ann"}).expect(200)

    as_bearer = Client(bearer=world.worker_token)
    both = Client(bearer=world.ann_token, agent_token=world.worker_token)

    assert "Ann" in own_events(world.as_ann)
    assert "Ann" not in own_events(as_bearer)
    assert "Ann" not in own_events(both)


@pytest.mark.scenario("CORE-9")
def test_a_wrong_agent_token_is_not_saved_by_a_right_bearer(world: World) -> None:
    Client(bearer=world.ann_token, agent_token="mca_wrong").get("/activity").expect(401)


@pytest.mark.parametrize("path", ["/organizations", "/users/me", "/organizations/me/members"])
def test_agents_have_no_business_with_people(world: World, path: str) -> None:
    world.as_worker.get(path).expect(403)


@pytest.mark.scenario("CORE-10")
def test_the_token_of_a_deleted_agent_proves_nothing(world: World) -> None:
    world.as_worker.get("/activity").expect(200)
    Agent.objects.filter(pk=world.worker.pk).delete()
    world.as_worker.get("/activity").expect(401)


@pytest.mark.scenario("CORE-4")
def test_the_installations_token_with_a_wrong_end_is_refused_as_json() -> None:
    right = operator()
    right.get("/users/me").expect(200)
    wrong = Client(bearer=right.bearer[:-1] + ("a" if right.bearer[-1] != "a" else "b"))
    refused = wrong.get("/users/me").expect(401)
    assert refused.code == "unauthenticated"
    assert right.bearer not in str(refused.json)


def test_wrong_bearers_of_one_address_are_limited() -> None:
    statuses = [Client(bearer=f"wrong{n}").get("/users/me").status for n in range(31)]
    assert statuses == [401] * 30 + [429]
    operator().get("/users/me").expect(200)


@pytest.mark.scenario("CORE-25")
@pytest.mark.parametrize("method", ["get", "patch", "delete", "put"])
def test_a_foreign_member_answers_like_an_unknown_one(world: World, method: str) -> None:
    target = Membership.objects.get(user=world.bob)
    bodies = {"patch": {"role": "admin"}, "put": {"all_boards_read": True}}

    def call(pk: object) -> dict[str, object]:
        tail = "/access" if method == "put" else ""
        body = {"body": bodies[method]} if method in bodies else {}
        path = f"/organizations/me/members/{pk}{tail}"
        answer = getattr(world.as_eve, method)(path, **body).expect(404)
        return {k: v for k, v in answer.json.items() if k != "request_id"}

    assert call(target.pk) == call(uuid.uuid4())
    target.refresh_from_db()
    assert (target.role, target.all_boards_read) == ("member", False)


@pytest.mark.scenario("CORE-87")
def test_walking_a_long_list_while_it_grows_never_fails(world: World) -> None:
    for number in range(60):
        factories.make_member(world.org, factories.make_user(f"m{number:03}"))
    seen: list[str] = []
    offset = 0
    while True:
        page = world.as_ann.get(f"/organizations/me/members?limit=10&offset={offset}").expect(200)
        if not page.items:
            break
        seen += [m["id"] for m in page.items]
        offset += 10
        factories.make_member(world.org, factories.make_user(f"z{offset:03}"))
    assert len(seen) == len(set(seen)) >= 62
