"""Forms that are sent twice, without their token, or while the database is away."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from boards.models import Board
from missioncontrol.kernel import credentials
from tests.pages.conftest import browser
from tests.world import World, build_world


def key_of(page: str) -> str:
    """The key that a form carries."""
    found = re.search(r'name="form_key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_form_sent_twice_creates_once(ann: Client, world: World) -> None:
    form = {"form_key": key_of(ann.get("/boards/new").content.decode()), "name": "Twice"}
    first, second = ann.post("/boards/new", form), ann.post("/boards/new", form)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert Board.objects.filter(name="Twice").count() == 1
    assert ann.post("/boards/new", {**form, "name": "Other"})["Location"] != first["Location"]


def test_a_form_that_was_refused_can_be_sent_again(ann: Client, world: World) -> None:
    form = {"form_key": key_of(ann.get("/boards/new").content.decode()), "name": ""}
    assert ann.post("/boards/new", form).status_code == 422
    assert ann.post("/boards/new", form).status_code == 422


@pytest.mark.parametrize(
    "address", ["/boards/new", "/board-groups/new", "/agents/new", "/gateways/new"]
)
def test_every_form_that_creates_carries_a_key_of_its_own(
    ann: Client, world: World, address: str
) -> None:
    pages = [ann.get(address).content.decode() for _ in range(2)]
    assert len({key_of(page) for page in pages}) == 2


@pytest.mark.django_db(transaction=True)
def test_a_double_click_creates_once() -> None:
    world = build_world()
    clients = [browser(world.ann) for _ in range(4)]
    form = {"form_key": "one-click", "name": "Race"}

    def send(client: Client) -> str:
        try:
            return str(client.post("/boards/new", form)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as threads:
        places = set(threads.map(send, clients))
    assert len(places) == 1
    assert Board.objects.filter(name="Race").count() == 1


@pytest.mark.scenario("CORE-6")
def test_a_form_without_its_token_is_refused_on_a_page_of_ours(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ann)
    answer = client.post("/boards/new", {"name": "Forged"})
    assert answer.status_code == 403
    assert "Reload the page" in answer.content.decode()
    assert not Board.objects.filter(name="Forged").exists()


def test_the_page_that_says_the_database_is_away_needs_none(
    ann: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_options: Any) -> None:
        raise OperationalError("connection failed: secret-host")

    monkeypatch.setattr(credentials, "from_session", away)
    answer = ann.get("/boards")
    assert answer.status_code == 503
    text = answer.content.decode()
    assert "The database does not answer" in text
    assert "secret-host" not in text
    assert str(answer["X-Request-Id"])[:8] in text


def test_pages_answer_head(ann: Client, world: World) -> None:
    for address in ("/boards", "/boards/new", "/agents", "/activity"):
        answer = ann.head(address)
        assert answer.status_code == 200, address
        assert answer.content == b""
