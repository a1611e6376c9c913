"""The start page, the dashboard and the timeline."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.pages import faults_of
from tests.story.api import Api
from tests.story.filling import make_board, make_task
from tests.story.person import Person
from tests.story.windows import Windows


def test_stranger_reads_what_this_is_and_signs_in(windows: Windows, api: Api) -> None:
    """The first page says what it is; from it the way leads to the dashboard."""
    window = windows.open(signed_in=False)
    page = window.page
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Access token").fill(api.token)
    page.get_by_role("button", name="Sign in with the token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    page.goto("/")
    expect(page).to_have_url(re.compile("/dashboard$"))
    assert window.complaints == []


def test_dashboard_follows_and_changes_its_range(windows: Windows, api: Api, cookies: Any) -> None:
    """A number changes without reload; the range is chosen and stands in the address."""
    board = make_board(api, "Counted board")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/dashboard")
    Person(page).until_live()
    number = page.locator(".mc-kpi", has_text="In progress").locator(".mc-kpi-value")
    before = int(re.findall(r"\d+", number.inner_text())[0])
    make_task(api, board["id"], "Counted", status="in_progress")
    expect(number).to_have_text(re.compile(rf"^{before + 1}\b"))
    page.get_by_label("Range", exact=True).select_option(label="30 days")
    expect(page).to_have_url(re.compile("range=1m"))
    expect(page.get_by_role("heading", name="Throughput")).to_be_visible()
    page.locator(".mc-kpi", has_text="In progress").click()
    expect(page).to_have_url(re.compile("/boards"))


def test_timeline_is_live_and_filtered(windows: Windows, api: Api, cookies: Any) -> None:
    """What happens appears; subject, board and words narrow it; a line leads to its comment."""
    board = make_board(api, "Timeline board")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/activity")
    Person(page).until_live()
    task = make_task(api, board["id"], "Heard in the feed")
    line = page.locator("#events li", has_text="Heard in the feed")
    expect(line.first).to_be_visible()
    path = f"/boards/{board['id']}/tasks/{task['id']}/comments"
    comment = api.post(path, {"message": "Here."})
    page.get_by_label("Subject").select_option("task")
    page.get_by_label("Board", exact=True).select_option(label="Timeline board")
    expect(page).to_have_url(re.compile(f"board={board['id']}"))
    expect(page.locator("#events li", has_text="created the board")).to_have_count(0)
    page.get_by_role("link", name="Full").click()
    expect(line.first.locator("pre")).to_be_visible()
    said = page.locator("#events li", has_text="commented on")
    said.first.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"#comment-{comment['id']}$"))
    expect(page.locator(f"#comment-{comment['id']}")).to_be_in_viewport()
    page.goto("/activity?q=no-such-thing")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
