"""What a person does on the pages, in his words; every step waits for what he would wait for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.story.places import Place

LIVE = re.compile(r"\bmc-live\b")
LONG = 60_000


class Person:
    """Somebody in front of one browser page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # signing in

    def sign_in(self, token: str) -> None:
        """Sign in with the shared token and see the first page behind it."""
        self.page.goto("/sign-in")
        self.page.get_by_label("Access token").fill(token)
        self.page.get_by_role("button", name="Sign in with the token").click()
        expect(self.page.locator("body.mc-app")).to_be_visible()

    def sign_in_by_tap(self, token: str) -> None:
        """The same on a phone."""
        self.page.goto("/sign-in")
        self.page.get_by_label("Access token").fill(token)
        self.page.get_by_role("button", name="Sign in with the token").tap()
        expect(self.page.locator("body.mc-app")).to_be_visible()

    def until_live(self) -> None:
        """Wait until the page follows the product."""
        expect(self.page.locator("mc-socket:not([data-open])")).to_have_count(0)

    # gateways

    def add_gateway(self, name: str, place: Place) -> str:
        """Add a gateway, run its doctor, and see every line pass; returns its id."""
        page = self.page
        page.goto("/gateways/new")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Address").fill(place.url)
        page.get_by_label(re.compile("^Token")).fill(place.token)
        page.get_by_role("button", name="Add gateway").click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        page.wait_for_url(re.compile(r"/gateways/[0-9a-f-]{36}$"))
        return self.last_part()

    def run_doctor(self) -> None:
        """Press the button and see the whole report without a fault."""
        self.page.get_by_role("button", name="Run doctor").click()
        doctor = self.page.locator(".mc-doctor")
        expect(doctor.locator("li.is-ok").nth(3)).to_be_visible(timeout=LONG)
        expect(doctor.locator("li.is-error")).to_have_count(0)

    def last_part(self) -> str:
        """Last part of the address: the id of what is open."""
        return urlsplit(self.page.url).path.rsplit("/", 1)[-1]

    # boards, agents, tasks

    def create_board(self, name: str, gateway: str) -> str:
        """Create a board on a gateway; returns its id."""
        page = self.page
        page.goto("/boards/new")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Gateway").select_option(label=gateway)
        page.get_by_role("button", name="Create board").click()
        page.wait_for_url(re.compile(r"/boards/[0-9a-f-]{36}$"))
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        return self.last_part()

    def create_agent(self, name: str, board: str, role: str) -> str:
        """Create an agent; ``role`` is Worker or Lead; returns its id."""
        page = self.page
        page.goto("/agents/new")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Board").select_option(label=board)
        choice = page.get_by_label("Role")
        value = choice.locator("option", has_text=re.compile(f"^{role}")).get_attribute("value")
        choice.select_option(value=value)
        page.get_by_role("button", name="Create agent").click()
        page.wait_for_url(re.compile(r"/agents/[0-9a-f-]{36}$"))
        return self.last_part()

    def see_online(self, agent_id: str, name: str, *, seconds: float = 120) -> None:
        """See an agent come online on the list, without loading it again."""
        row = self.page.locator(f"#agent-{agent_id}")
        expect(row).to_contain_text(name)
        expect(row.locator(".mc-pill")).to_contain_text("Online", timeout=seconds * 1000)

    def create_task(self, board_id: str, title: str, description: str = "") -> str:
        """Create a task with the whole form; returns its key."""
        page = self.page
        page.goto(f"/boards/{board_id}/tasks/new")
        page.get_by_label("Title", exact=True).fill(title)
        page.get_by_label(re.compile("^Description")).fill(description)
        page.get_by_role("button", name="Add task").click()
        page.wait_for_url(re.compile(r"task=[A-Z]+-\d+"))
        return page.url.rsplit("=", 1)[-1]

    def assign(self, agent: str) -> None:
        """Give the open task to an agent."""
        self.panel.get_by_label("Assignee").select_option(label=agent)

    @property
    def panel(self) -> Locator:
        """The open task."""
        return self.page.locator("#panel")

    def column(self, status: str) -> Locator:
        """A column of the board."""
        return self.page.locator(f'.mc-col[data-status="{status}"]')

    def card(self, key: str) -> Locator:
        """A task's card."""
        return self.page.locator(f'.mc-card[data-mc-side-key="{key}"]')

    def see_card_in(self, status: str, key: str, *, seconds: float = 60) -> None:
        """See a card come into a column without loading the page again."""
        place = self.column(status).locator(f'.mc-card[data-mc-side-key="{key}"]')
        expect(place).to_be_visible(timeout=seconds * 1000)

    # decisions

    def ask(self, text: str) -> Locator:
        """A request in the inbox that shows a text."""
        return self.page.locator(".mc-ask", has_text=text)

    def decide(self, ask: Locator, decision: str, comment: str = "") -> None:
        """Open a request and approve or reject it; it then leaves the pending ones."""
        row = self.page.locator(f"#{ask.get_attribute('id')}")
        self.unfold(row)
        row.get_by_label("Reason").fill(comment)
        button = row.get_by_role("button", name=decision)
        button.click()
        expect(button).to_have_count(0)

    def unfold(self, ask: Locator) -> None:
        """Open a request to read it, if it is not open."""
        if not ask.locator("details[open].mc-ask-fold").count():
            ask.locator("summary.mc-ask-row").click()
        expect(ask.locator(".mc-ask-more").first).to_be_visible()
