"""Personal tokens: what each scope may do at every door of the API, and how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import ApiToken
from tests import factories
from tests.clients import Client
from tests.matrix.api_rows import rows
from tests.matrix.calls import status as _status
from tests.matrix.stage import Stage, stage
from tests.matrix.table import Row
from tests.world import World

__all__ = ["stage"]
pytestmark = pytest.mark.django_db
REFUSED = (401, 403, 404)
#: Reading that is a POST because its question is long, and the first call of a client.
READING = {"POST auth/bootstrap", "POST gateways/status"}


def _name(row: Row) -> str:
    return f"{row.method} {row.path}"


def _changes(row: Row) -> bool:
    return row.method != "GET" and "owner" in row.callers and "*" not in row.callers


ADMINISTRATION = [
    row for row in rows() if _changes(row) and not row.callers & {"writer", "reader", "lead"}
    and "admin" in row.callers and "outsider" not in row.callers
]  # fmt: skip


@pytest.mark.parametrize("row", ADMINISTRATION, ids=_name)
def test_a_write_token_administers_nothing(row: Row, stage: Stage, world: World) -> None:
    assert (
        _name(row) in READING
        or _status(Client(bearer=factories.make_token(world.ann, scope="write")), row, stage.ids)
        in REFUSED
    )


def test_there_is_something_to_refuse() -> None:
    assert len(ADMINISTRATION) > 20


def test_a_read_token_changes_nothing_anywhere(stage: Stage, world: World) -> None:
    client = Client(bearer=factories.make_token(world.ann, scope="read"))
    changing = [row for row in rows() if _changes(row) and _name(row) not in READING]
    through = [_name(row) for row in changing if _status(client, row, stage.ids) not in REFUSED]
    assert through == []


@pytest.mark.parametrize(
    ("scope", "can_write", "can_administer"),
    [("read", False, False), ("write", True, False), ("admin", True, True)],
)
def test_each_scope_in_one_look(
    world: World, scope: str, can_write: bool, can_administer: bool
) -> None:
    client = Client(bearer=factories.make_token(world.ann, scope=scope))
    client.get("/boards").expect(200)
    task = {"title": "By token"}
    client.post(f"/boards/{world.board.pk}/tasks", task).expect(200 if can_write else 403)
    client.post("/boards", {"name": "New"}).expect(200 if can_administer else 403)
    given = {"name": "t", "scope": "admin"}
    client.post("/users/me/tokens", given).expect(200 if can_administer else 403)


def test_agents_routes_are_not_for_tokens_of_people(world: World) -> None:
    Client(bearer=world.ann_token).get("/agent/boards").expect(403)
    Client(agent_token=world.ann_token).get("/boards").expect(401)


def test_a_token_lives_until_its_end_and_no_longer(world: World) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    token = factories.make_token(world.ann, expires_at=soon)
    client = Client(bearer=token)
    client.get("/users/me").expect(200)
    row = ApiToken.objects.latest("created_at")
    assert row.last_used_at is not None
    past = timezone.now() - timedelta(hours=1)
    ApiToken.objects.filter(pk=row.pk).update(expires_at=past)
    refused = client.get("/users/me").expect(401)
    other = Client(bearer="mct_" + "x" * 43).get("/users/me").expect(401)
    assert refused.json | {"request_id": ""} == other.json | {"request_id": ""}
    listed = world.as_ann.get("/users/me/tokens").items
    assert {"last_used_at", "expires_at", "revoked_at", "scope", "hint"} <= set(listed[0])
    assert not [entry for entry in listed if "token" in entry]


@pytest.mark.scenario("CORE-6")
def test_a_bearer_is_never_mixed_with_the_cookie(world: World) -> None:
    client = Client(bearer=world.bob_token)
    client.http.force_login(world.ann)
    assert client.get("/users/me").json["username"] == "bob"
    client.http.handler.enforce_csrf_checks = True
    client.patch("/users/me", {"name": "Bob B"}).expect(200)
    client.bearer = "mct_" + "x" * 43
    client.get("/users/me").expect(401)
