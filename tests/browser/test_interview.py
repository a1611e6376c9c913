"""The interview about a board's goal: asked by a gateway's agent, confirmed, or done by hand."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.person import LONG
from tests.story.places import Place
from tests.story.windows import Windows


def test_goal_is_written_by_hand(windows: Windows, api: Api, cookies: Any) -> None:
    """A board without a gateway says so; its goal is confirmed with a measure, not without."""
    board = make_board(api, "By hand", gateway_id=None)
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}/onboarding")
    expect(page.get_by_text("This board has no gateway")).to_be_visible()
    page.get_by_role("link", name="Configure by hand").click()
    page.get_by_label(re.compile("^Goal")).fill("Every lamp shines")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label(re.compile("^How success")).fill('lamps: 40\nregions: ["eu"]')
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile(rf"/boards/{board['id']}"))
    stored = api.get(f"/boards/{board['id']}")
    assert stored["goal_confirmed"] is True
    assert stored["success_metrics"] == {"lamps": "40", "regions": ["eu"]}


def test_agent_asks_and_proposes(windows: Windows, api: Api, cookies: Any, place: Place) -> None:
    """Questions appear as buttons, the proposal as a form; confirmed, it stands on the board."""
    body = {"name": "Interviewer", "url": place.url, "token": place.token}
    gateway = api.post("/gateways", body)
    board = make_board(api, "Interviewed", gateway_id=gateway["id"])
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}/onboarding")
    page.get_by_role("button", name="Start the interview").click()
    review = page.get_by_role("link", name="Review and confirm")
    choices = page.locator(".mc-interview-choices")
    for _question in range(12):
        expect(choices.or_(review).first).to_be_visible(timeout=LONG)
        if review.count():
            break
        asked = page.locator(".mc-turn").count()
        choices.get_by_role("button").first.click()
        expect(page.locator(".mc-turn").nth(asked + 1).or_(review).first).to_be_visible(
            timeout=LONG
        )
    review.click()
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile(rf"/boards/{board['id']}"))
    assert api.get(f"/boards/{board['id']}")["goal_confirmed"] is True
