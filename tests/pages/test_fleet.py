"""Lists of the fleet and of people in the order of their address; what a failure says to do."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from agents.hints import hint_of
from agents.models import Agent
from gateways.models import Gateway
from gateways.remote import speaker
from tests import factories
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db
LEFT_OUT = {"state": "skipped", "finding": "Not checked."}


def order(html: str, *names: str) -> list[str]:
    """The names in the order in which the page shows them."""
    places = {name: html.index(f">{name}</a>") for name in names}
    return sorted(names, key=lambda name: places[name])


def test_members_stand_by_name_role_or_turned_round(world: World, ann: Client) -> None:
    zoe = factories.make_user("zoe", name="zoe", email="a@example.org")
    factories.make_member(world.org, zoe, "admin")
    names = ("Ann", "Bob", "zoe")
    assert order(ann.get("/organization").content.decode(), *names) == ["Ann", "Bob", "zoe"]
    assert order(ann.get("/organization?sort=-person").content.decode(), *names)[0] == "zoe"
    assert order(ann.get("/organization?sort=role").content.decode(), *names)[1] == "zoe"


def test_agents_and_gateways_are_sorted_by_the_address(world: World, ann: Client) -> None:
    factories.make_agent(world.org, "Aaron", board=world.second_board)
    factories.make_gateway(world.org, "Anchor")
    up, down = (ann.get(f"/agents?sort={key}").content.decode() for key in ("name", "-name"))
    assert order(up, "Aaron", world.worker.name)[0] == "Aaron"
    assert order(down, "Aaron", world.worker.name)[1] == "Aaron"
    assert 'aria-sort="descending"' in down
    rows = ann.get("/gateways?sort=-name").content.decode()
    assert order(rows, "Anchor", world.gateway.name)[1] == "Anchor"


def test_checks_that_were_not_reached_share_a_line(world: World, ann: Client) -> None:
    failed = {"key": "tcp", "state": "fail", "finding": "Nothing answers at x (refused)"}
    checks = [failed, {"key": "http", **LEFT_OUT}, {"key": "tls", **LEFT_OUT}]
    Gateway.objects.filter(pk=world.gateway.pk).update(
        checks=checks, status="offline", status_detail="Nothing answers at x (refused)."
    )
    html = ann.get(f"/gateways/{world.gateway.pk}").content.decode()
    assert "Not reached: Answers, Certificate" in html
    assert "Not checked." not in html
    assert html.count("Nothing answers at x (refused)") == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [("unreachable", "connection doctor"), ("no_check_in", "wake it"), ("odd_one", "odd_one")],
)
def test_a_failed_setup_says_what_to_do(world: World, ann: Client, code: str, words: str) -> None:
    agent = factories.make_agent(
        world.org, "Rex", board=world.board, gateway=world.gateway, status=Agent.Status.ERROR,
        last_provision_error="It broke.", last_provision_code=code,
    )  # fmt: skip
    html = ann.get(f"/agents/{agent.pk}").content.decode()
    assert words in html
    assert words in hint_of(code)
    assert f'href="/gateways/{world.gateway.pk}"' in html
    assert hint_of("") == ""


def test_the_head_of_a_page_is_refetched_alone(world: World, ann: Client, eve: Client) -> None:
    for address, mark in (
        (f"/agents/{world.worker.pk}/state", "agent-state"),
        (f"/gateways/{world.gateway.pk}/state", "gateway-state"),
    ):
        html = ann.get(address).content.decode()
        assert f'id="{mark}"' in html
        assert "<html" not in html
        assert eve.get(address).status_code == 404


def test_no_id_stands_twice_on_the_settings_page(ann: Client) -> None:
    ids = re.findall(r'\sid="([^"]+)"', ann.get("/settings").content.decode())
    assert len(ids) == len(set(ids))


def test_transcripts_name_who_speaks() -> None:
    assert speaker("user") == "To the agent"
    assert speaker("someone-new") == "someone-new"


def test_edit_and_delete_are_offered_to_who_may(world: World, ann: Client) -> None:
    adam = factories.make_user("adam")
    factories.make_member(world.org, adam, "admin", all_boards_read=True, all_boards_write=False)
    offered = (f"/agents/{world.worker.id}/edit", f"/agents/{world.worker.id}/delete")
    html = ann.get(f"/agents/{world.worker.id}").content.decode()
    assert all(address in html for address in offered)
    html = browser(adam).get(f"/agents/{world.worker.id}").content.decode()
    assert f"/agents/{world.worker.id}/wake" in html
    assert not any(address in html for address in offered)
    assert browser(adam).get(offered[0]).status_code == 403
