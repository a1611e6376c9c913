"""Skills, packs, souls, budgets, outbound webhooks, background work: what each page is for."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.orgs.receiver import receiving
from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.windows import Windows


@pytest.fixture
def page(windows: Windows) -> Page:
    """The operator's browser."""
    return windows.open().page


def toast(page: Page, text: str) -> None:
    """See what the page says about what was done."""
    expect(page.locator("[data-mc-toast]", has_text=text)).to_be_visible()


def test_skill_is_added_found_and_deleted(page: Page) -> None:
    """By its address; a refused one says why, the list finds it by a word."""
    page.goto("/skills/marketplace/new")
    page.get_by_label("Address").fill("http://example.org/skills/tides")
    page.get_by_role("button", name="Add skill").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Address").fill("https://example.org/skills/tide-tables")
    page.get_by_label(re.compile("^Name")).fill("Tide tables of the harbour")
    page.get_by_role("button", name="Add skill").click()
    expect(page.get_by_role("heading", name="Tide tables of the harbour", level=1)).to_be_visible()
    page.goto("/skills/marketplace?q=tide")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/skills/marketplace?q=nothing-like-it")
    expect(page.get_by_role("heading", name="No skill fits the filter")).to_be_visible()
    page.goto("/skills/marketplace?sort=-name")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Skill")
    page.get_by_role("link", name="Tide tables of the harbour").click()
    page.locator(".mc-head").get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete skill").click()
    toast(page, "deleted")


def test_pack_from_elsewhere_is_refused(page: Page) -> None:
    """The form says which hosts are meant, and keeps what was typed."""
    page.goto("/skills/packs/new")
    page.get_by_label("Address").fill("https://packs.invalid/harbour/skills")
    page.get_by_label(re.compile("^Name")).fill("Harbour skills")
    page.get_by_role("button", name="Add and read").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label(re.compile("^Name"))).to_have_value("Harbour skills")


def test_role_of_the_directory_becomes_an_agent(page: Page) -> None:
    """A role is read, and a new agent starts with it."""
    page.goto("/souls?q=site")
    page.get_by_role("link", name="Site reliability engineer").click()
    title = page.get_by_role("heading", name="Site reliability engineer", level=1)
    expect(title).to_be_visible()
    page.get_by_role("link", name="New agent with it").click()
    chosen = page.get_by_label("Character").locator("option:checked")
    expect(chosen).to_contain_text("site-reliability-engineer")


def test_budget_is_set_changed_and_removed(page: Page, api: Api) -> None:
    """For one board, with its limit; the usage page shows it."""
    make_board(api, "Budgeted hall")
    page.goto("/usage")
    page.get_by_role("link", name="New budget").first.click()
    page.get_by_label("For").select_option(label="Budgeted hall")
    page.get_by_label("Limit").fill("40")
    page.get_by_role("button", name="Save budget").click()
    row = page.locator("tr", has_text="Budgeted hall")
    expect(row).to_contain_text("40")
    row.get_by_role("link", name="Edit").click()
    page.get_by_label("Limit").fill("55")
    page.get_by_role("button", name="Save budget").click()
    expect(row).to_contain_text("55")
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_outbound_webhook_delivers_and_is_tried_again(page: Page, api: Api) -> None:
    """A test message arrives signed and can be sent again; a new secret is shown once."""
    with receiving() as receiver:
        page.goto("/organization/webhooks/new")
        page.get_by_label("Name", exact=True).fill("Warehouse")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_label(re.compile("^Types")).fill("board.*")
        page.get_by_role("button", name="Add webhook").click()
        expect(page.get_by_text("Copy the secret now. It is not shown again.")).to_be_visible()
        page.get_by_role("button", name="Send test").click()
        log = page.locator("#deliveries")
        expect(log.locator(".mc-badge.is-ok").first).to_be_visible(timeout=30_000)
        assert "webhook-signature" in receiver.requests[0].headers
        had = len(receiver.requests)
        log.get_by_role("button", name="Send again").first.click()
        deadline = time.monotonic() + 30
        while len(receiver.requests) == had and time.monotonic() < deadline:
            page.wait_for_timeout(200)
        assert len(receiver.requests) > had
        page.locator(".mc-head").get_by_role("button", name="More").click()
        page.get_by_role("button", name="Replace secret").click()
        expect(page.get_by_text("Copy the secret now. It is not shown again.")).to_be_visible()
        page.get_by_role("link", name="Failed").click()
        expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    page.locator(".mc-head").get_by_role("button", name="More").click()
    page.get_by_role("button", name="Remove webhook").click()
    expect(page).to_have_url(re.compile("/organization/webhooks$"))
    expect(page.get_by_role("link", name="Warehouse")).to_have_count(0)


def test_background_work_and_what_is_found_from_the_account_menu(page: Page) -> None:
    """Queues and workers are there; the admin site and the API reference open."""
    page.goto("/jobs")
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    expect(page.locator("aside").get_by_text("waiting for work").first).to_be_visible()
    for name, heading in (("Admin site", "Mission Control"), ("API reference", "Mission Control")):
        page.goto("/jobs")
        page.get_by_role("button", name=re.compile("account")).click()
        page.get_by_role("link", name=name).click()
        expect(page.get_by_text(heading).first).to_be_visible()


def test_notifications_are_read_and_opened(page: Page, api: Api) -> None:
    """The bell counts what is unread; all of it can be marked as read."""
    page.goto("/notifications")
    if page.get_by_role("button", name="Mark all as read").count():
        page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("#bell")).to_have_attribute("aria-label", re.compile("0 unread"))
    page.goto("/notifications?show=unread")
    expect(page.get_by_role("heading", name="Nothing unread")).to_be_visible()
