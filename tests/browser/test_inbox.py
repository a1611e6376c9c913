"""The inbox of decisions: by key, by mouse, refused, reopened, arriving live."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.story.api import Api
from tests.story.filling import ask, make_board, make_task
from tests.story.person import Person
from tests.story.windows import Windows


@pytest.fixture
def board(api: Api, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A board of this test."""
    return make_board(api, request.node.name.removeprefix("test_").replace("_", " ")[:60])


def asked(api: Api, board: dict[str, Any], *actions: str) -> list[dict[str, Any]]:
    """One request per action, each about a task of its own."""
    tasks = [make_task(api, board["id"], f"About {action}") for action in actions]
    return [
        ask(api, board["id"], task["id"], action)
        for task, action in zip(tasks, actions, strict=True)
    ]


def inbox(windows: Windows, cookies: Any, board: dict[str, Any]) -> Page:
    """The inbox of the board, as its own address leads there."""
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}/approvals")
    Person(page).until_live()
    return page


def test_keys_walk_and_decide(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """j and k walk, a approves, d opens the reason that a rejection needs."""
    first, second = asked(api, board, "raise_flag", "lower_flag")
    page = inbox(windows, cookies, board)
    expect(page.locator(".mc-ask")).to_have_count(2)
    page.keyboard.press("j")
    expect(page.locator(f"#approval-{first['id']}")).to_have_class(re.compile("is-focus"))
    page.keyboard.press("a")
    told = page.locator("[data-mc-toast]")
    expect(told).to_contain_text("Approved: Raise flag")
    told.get_by_role("button", name="Dismiss").click()
    row = page.locator(f"#approval-{second['id']}")
    row.get_by_role("button", name="Reject").and_(page.locator(":visible")).click()
    expect(row.locator(".mc-err")).to_contain_text("Say what has to change")
    row.get_by_label("Reason").fill("The wind is too strong.")
    row.get_by_role("button", name="Reject").and_(page.locator(":visible")).click()
    expect(told).to_contain_text("Rejected: Lower flag")
    told.get_by_role("link", name="Show").click()
    expect(row.locator(".mc-pill").first).to_contain_text("Rejected")
    assert api.get(f"/approvals/{first['id']}")["status"] == "approved"
    assert api.get(f"/approvals/{second['id']}")["comment"] == "The wind is too strong."


def test_request_arrives_and_leaves_in_the_other_browser(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """Both see it come; what one decides goes away for the other, and the count with it."""
    one, other = inbox(windows, cookies, board), inbox(windows, cookies, board)
    expect(one.get_by_text("Nothing matches this filter")).to_be_visible()
    (approval,) = asked(api, board, "sound_horn")
    rows = [page.locator(f"#approval-{approval['id']}") for page in (one, other)]
    for row in rows:
        expect(row).to_be_visible()
    Person(one).unfold(rows[0])
    expect(rows[0]).to_contain_text("All checks are green")
    expect(rows[0].locator(".mc-facts")).to_contain_text("84 of 100")
    Person(one).decide(rows[0], "Approve", "Once.")
    expect(rows[1]).to_have_count(0)


def test_decision_is_taken_back(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """What was decided stands under Decided with its reason, and can be opened again."""
    (approval,) = asked(api, board, "drop_anchor")
    api.patch(f"/approvals/{approval['id']}", {"status": "rejected", "comment": "Too shallow."})
    page = inbox(windows, cookies, board)
    page.get_by_role("link", name="Decided").click()
    row = page.locator(f"#approval-{approval['id']}")
    Person(page).unfold(row)
    expect(row).to_contain_text("Too shallow.")
    row.get_by_role("button", name="Reopen").click()
    expect(page.locator("[data-mc-toast]")).to_contain_text("Waits again: Drop anchor")
    page.get_by_role("link", name="Pending").click()
    expect(row.get_by_role("button", name="Approve").first).to_be_attached()
    assert api.get(f"/approvals/{approval['id']}")["status"] == "pending"


def test_inbox_is_filtered_by_board(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """The board's inbox holds nothing else; the choice beside it leads back to all."""
    elsewhere = make_board(api, "Elsewhere")
    (own,) = asked(api, board, "paint_hull")
    (foreign,) = asked(api, elsewhere, "scrape_hull")
    page = inbox(windows, cookies, board)
    expect(page.locator(f"#approval-{own['id']}")).to_be_visible()
    expect(page.locator(f"#approval-{foreign['id']}")).to_have_count(0)
    page.get_by_label("Board", exact=True).select_option(label="All boards")
    expect(page.locator(f"#approval-{foreign['id']}")).to_be_visible()
