"""Who gets which page, and what a page says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from governance.models import Approval
from tests import factories as f
from tests.pages.conftest import HTMX
from tests.world import World

ADDRESSES: dict[str, Callable[[World], str]] = {
    "dashboard": lambda w: "/dashboard",
    "activity": lambda w: "/activity",
    "activity raw": lambda w: "/activity?raw=1&kind=task&by=user&q=x",
    "approvals": lambda w: "/approvals",
    "decided": lambda w: "/approvals?show=decided",
    "boards": lambda w: "/boards",
    "board": lambda w: f"/boards/{w.board.id}",
    "groups": lambda w: "/board-groups",
    "agents": lambda w: "/agents",
    "agent": lambda w: f"/agents/{w.worker.id}",
    "members": lambda w: "/organization",
    "settings": lambda w: "/settings",
}
FOR_ADMINS: dict[str, Callable[[World], str]] = {
    "gateways": lambda w: "/gateways",
    "gateway": lambda w: f"/gateways/{w.gateway.id}",
    "new gateway": lambda w: "/gateways/new",
    "edit gateway": lambda w: f"/gateways/{w.gateway.id}/edit",
    "remove gateway": lambda w: f"/gateways/{w.gateway.id}/delete",
    "new board": lambda w: "/boards/new",
    "edit board": lambda w: f"/boards/{w.board.id}/edit",
    "delete board": lambda w: f"/boards/{w.board.id}/delete",
    "new agent": lambda w: "/agents/new",
    "edit agent": lambda w: f"/agents/{w.worker.id}/edit",
    "delete agent": lambda w: f"/agents/{w.worker.id}/delete",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_members_read(
    world: World, ann: Client, bob: Client, address: Callable[[World], str]
) -> None:
    for browser in (ann, bob):
        answer = browser.get(address(world))
        assert answer.status_code == 200
        assert answer.content.decode().count("<h1") == 1


@pytest.mark.parametrize("address", FOR_ADMINS.values(), ids=FOR_ADMINS.keys())
def test_admins_alone_set_up(
    world: World, ann: Client, bob: Client, address: Callable[[World], str]
) -> None:
    assert ann.get(address(world)).status_code == 200
    assert bob.get(address(world)).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        lambda w: f"/boards/{w.board.id}",
        lambda w: f"/boards/{w.board.id}/columns",
        lambda w: f"/agents/{w.worker.id}",
        lambda w: f"/gateways/{w.gateway.id}",
    ],
)
def test_other_tenants_find_nothing(
    world: World, eve: Client, address: Callable[[World], str]
) -> None:
    assert eve.get(address(world)).status_code == 404


def test_a_board_without_a_grant_is_not_there(world: World, bob: Client) -> None:
    assert bob.get(f"/boards/{world.second_board.id}").status_code == 404
    html = bob.get("/boards").content.decode()
    assert f"/boards/{world.board.id}" in html
    assert f"/boards/{world.second_board.id}" not in html


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_strangers_sign_in_first(world: World, address: Callable[[World], str]) -> None:
    answer = Client().get(address(world))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=")


def test_a_fragment_asked_without_a_session_leads_to_sign_in(world: World) -> None:
    answer = Client().get("/approvals", **HTMX)
    assert answer.status_code == 401
    assert answer["HX-Redirect"].startswith("/sign-in")


@pytest.mark.parametrize(
    "address", ["/dashboard", "/activity", "/approvals", "/agents", "/gateways"]
)
def test_fragments_come_without_the_shell(ann: Client, address: str) -> None:
    whole = ann.get(address).content.decode()
    part = ann.get(address, **HTMX).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    root = re.search(r'id="([\w-]+)"', part)
    assert root is not None
    assert f'id="{root[1]}"' in whole


@pytest.mark.scenario("CORE-54")
def test_hostile_texts_are_shown_not_run(world: World, ann: Client) -> None:
    evil = "<img src=x onerror=alert(1)>"
    task = f.make_task(world.board, evil, description=f"{evil} [x](javascript:alert(1))")
    f.make_comment(task, f"{evil} [x](javascript:alert(1))", author_name=evil)
    f.make_agent(world.org, evil, board=world.board)
    f.make_approval(world.org, world.board, action_type=evil, payload={"reason": evil, "k": evil})
    pages = [f"/boards/{world.board.id}?task={task.key}", "/approvals", "/agents", "/dashboard"]
    for address in pages:
        html = ann.get(address).content.decode()
        assert "onerror" in html
        assert "<img" not in html
        assert 'href="javascript:' not in html


def test_the_row_that_an_address_names_is_open_whatever_the_tab(world: World, ann: Client) -> None:
    decided = f.make_approval(world.org, world.board, status=Approval.Status.APPROVED)
    html = ann.get(f"/approvals?open={decided.id}").content.decode()
    assert f'id="approval-{decided.id}"' in html


def test_an_unknown_task_in_the_address_opens_no_panel(world: World, ann: Client) -> None:
    for named in ("NO-1", "00000000-0000-0000-0000-000000000000", "'"):
        answer = ann.get(f"/boards/{world.board.id}", {"task": named})
        assert answer.status_code == 200
        assert 'class="mc-side"' not in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["agent=none", "agent=nonsense", "priority=high", "q=x", "all=done"]
)
def test_board_filters_accept_whatever_is_typed(world: World, ann: Client, query: str) -> None:
    assert ann.get(f"/boards/{world.board.id}?{query}").status_code == 200


def test_counts_of_columns_are_those_of_the_board(world: World, ann: Client) -> None:
    for _ in range(65):
        f.make_task(world.board)
    html = ann.get(f"/boards/{world.board.id}").content.decode()
    assert 'data-count="65"' in html
    assert html.count('class="mc-card"') == 60
    assert "5 more tasks" in html
    assert (
        ann.get(f"/boards/{world.board.id}?all=todo").content.decode().count('class="mc-card"')
        == 65
    )
