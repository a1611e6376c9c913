"""Gateways and agents: tried, added, set up, paused, written to, taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.person import LONG, Person
from tests.story.places import Place
from tests.story.waiting import until
from tests.story.windows import Windows


@dataclass
class Yard:
    """A gateway with a board whose agent is online."""

    gateway_id: str
    board_id: str
    agent_id: str


@pytest.fixture(scope="module")
def yard(api: Api, place: Place) -> Yard:
    """The ground of these journeys."""
    body = {"name": "Yard", "url": place.url, "token": place.token}
    gateway = api.post("/gateways", body)["id"]
    board = make_board(api, "Crane hall", gateway_id=gateway)["id"]
    agent = api.post("/agents", {"name": "Wanda", "board_id": board})["id"]

    def online() -> bool:
        return bool(api.get(f"/agents/{agent}")["status"] == "online")

    until(online, "the agent is online", seconds=60)
    return Yard(gateway, board, agent)


def pill(page: Page) -> Locator:
    """State of what the page is about."""
    return page.locator(".mc-head .mc-pill")


def more(page: Page, entry: str) -> None:
    """Choose an entry of the menu with the three dots."""
    page.locator(".mc-head").get_by_role("button", name="More").click()
    page.locator(".mc-menu:popover-open").get_by_text(entry, exact=True).click()


def test_gateway_is_tried_before_it_is_added(windows: Windows, api: Api, place: Place) -> None:
    """A wrong token is found before anything is saved; what was typed stays."""
    window = windows.open()
    page, before = window.page, len(api.items("/gateways"))
    page.goto("/gateways/new")
    page.get_by_label("Name", exact=True).fill("Quay")
    page.get_by_label("Address").fill(place.url)
    token = page.get_by_label(re.compile("^Token"))
    token.fill("not-the-token-of-this-gateway")
    page.get_by_role("button", name="Test connection").click()
    tried = page.locator("#tried")
    expect(tried).to_contain_text("not usable yet", timeout=LONG)
    expect(tried).to_contain_text("gateway.auth.token")
    token.fill(place.token)
    page.get_by_role("button", name="Test connection").click()
    expect(tried).not_to_contain_text("not usable yet", timeout=LONG)
    expect(tried.locator("li.is-error")).to_have_count(0)
    assert len(api.items("/gateways")) == before
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_role("heading", name="Quay", level=1)).to_be_visible()
    more(page, "Remove gateway")
    button = page.get_by_role("button", name="Remove gateway")
    expect(button).to_be_disabled()
    page.get_by_label("Type Quay to confirm").fill("Quay")
    button.click()
    expect(page).to_have_url(re.compile("/gateways$"))
    expect(page.get_by_role("link", name="Quay")).to_have_count(0)
    assert window.complaints == []


def test_gateway_without_an_address_says_which_field(windows: Windows) -> None:
    """A refused form keeps what was typed and leads to the field."""
    page = windows.open().page
    page.goto("/gateways/new")
    page.get_by_label("Name", exact=True).fill("Nowhere")
    page.get_by_role("button", name="Test connection").click()
    page.locator("#tried").get_by_role("link", name=re.compile("^Address")).click()
    expect(page.get_by_label("Address")).to_be_focused()
    page.get_by_label("Address").fill("ftp://example.org")
    page.get_by_role("button", name="Add gateway").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Nowhere")
    expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")


def test_gateway_shows_what_it_has(windows: Windows, yard: Yard) -> None:
    """Agents and models, device, log; a message to a session is seen in its transcript."""
    window = windows.open()
    page = window.page
    page.goto(f"/gateways/{yard.gateway_id}")
    Person(page).run_doctor()
    tabs = page.get_by_role("navigation", name="Gateway")
    tabs.get_by_role("link", name="Agents and models").click()
    expect(page.get_by_role("link", name="Wanda")).to_be_visible()
    tabs.get_by_role("link", name="Pairing").click()
    expect(page.get_by_role("heading", name="Device that connects")).to_be_visible()
    tabs.get_by_role("link", name="Log").click()
    expect(page.get_by_role("heading", name="Newest lines")).to_be_visible()
    tabs.get_by_role("link", name="Sessions").click()
    page.locator("[data-mc-row-open]").first.click()
    page.get_by_label("Message to this session").fill("How far are you with the crane?")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator("#transcript")).to_contain_text("How far are you with the crane?")
    assert window.complaints == []


def test_agent_files_of_a_gateway_are_compared_and_written(windows: Windows, yard: Yard) -> None:
    """First what would be written, then the writing, then its result."""
    page = windows.open().page
    page.goto(f"/gateways/{yard.gateway_id}")
    more(page, "Write agent files")
    page.get_by_role("button", name="Compare first").click()
    compared = page.locator("section", has_text="What would be written")
    expect(compared).to_contain_text("Wanda", timeout=LONG)
    page.get_by_role("button", name="Write files").click()
    facts = page.locator("#sync .mc-facts")
    expect(facts).to_contain_text("Agents written", timeout=LONG)
    expect(facts.locator("dd").first).not_to_have_text("0")


def test_agent_is_created_paused_and_deleted(windows: Windows, yard: Yard) -> None:
    """From the form to online, to rest and back, a new token, and away by its typed name."""
    window = windows.open()
    page, person = window.page, Person(window.page)
    person.create_agent("Ivo", "Crane hall", "Worker")
    expect(pill(page)).to_contain_text("Online", timeout=LONG)
    page.get_by_role("button", name="Pause").click()
    expect(pill(page)).to_contain_text("Paused")
    expect(page.get_by_role("button", name="Wake")).to_be_disabled()
    page.get_by_role("button", name="Resume").click()
    expect(pill(page)).to_contain_text("Online", timeout=LONG)
    more(page, "Rotate token")
    expect(page.locator("[data-mc-toast]")).to_contain_text("new token")
    more(page, "Edit agent")
    page.get_by_label(re.compile("^Profession")).fill("Crane operator")
    page.get_by_role("button", name="Save agent").click()
    expect(page.locator("[data-mc-toast]")).to_contain_text("Ivo was saved")
    expect(pill(page)).to_contain_text("Online", timeout=LONG)
    more(page, "Delete agent")
    dialog = page.get_by_role("dialog", name="Delete agent “Ivo”?")
    button = dialog.get_by_role("button", name="Delete agent")
    expect(button).to_be_disabled()
    dialog.get_by_label("Type Ivo to confirm").fill("Ivo")
    button.click()
    expect(page).to_have_url(re.compile("/agents$"))
    expect(page.get_by_role("link", name="Ivo")).to_have_count(0, timeout=LONG)
    assert window.complaints == []


def test_agent_file_is_changed_with_its_difference_shown(windows: Windows, yard: Yard) -> None:
    """What changes is shown first; the written file says it afterwards."""
    window = windows.open()
    page = window.page
    page.goto(f"/agents/{yard.agent_id}")
    page.get_by_role("navigation", name="Agent").get_by_role("link", name="Workspace files").click()
    page.get_by_role("link", name="USER.md").click()
    box = page.get_by_label("USER.md")
    box.fill(f"{box.input_value()}\n- works best before noon")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator(".mc-diff .add")).to_contain_text(["works best before noon"])
    page.get_by_role("button", name="Write file").click()
    expect(page.locator("[data-mc-toast]")).to_contain_text("USER.md was written")
    page.get_by_role("link", name="USER.md").click()
    expect(page.get_by_label("USER.md")).to_have_value(re.compile("works best before noon"))
    assert window.complaints == []


def test_agent_tabs_keep_their_head(windows: Windows, yard: Yard) -> None:
    """Name and state stand on every tab; a session opens with what was said."""
    page = windows.open().page
    page.goto(f"/agents/{yard.agent_id}")
    for tab in ("Usage", "Workspace files", "Sessions"):
        page.get_by_role("navigation", name="Agent").get_by_role("link", name=tab).click()
        expect(page.get_by_role("heading", name="Wanda", level=1)).to_be_visible()
        expect(pill(page)).to_contain_text("Online")
        current = page.get_by_role("navigation", name="Agent").locator("[aria-current=page]")
        expect(current).to_have_text(tab)
    page.locator("tbody a").first.click()
    expect(page.get_by_text("To the agent").first).to_be_visible()
