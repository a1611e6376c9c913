"""Boards, their groups and webhooks by their pages: made, changed, filtered, sorted, deleted."""

from __future__ import annotations

import re
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.story.api import Api
from tests.story.filling import make_board, make_task
from tests.story.person import Person
from tests.story.windows import Windows

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_board_is_made_corrected_changed_and_deleted(
    windows: Windows, api: Api, cookies: Any
) -> None:
    """A refused form keeps what was typed; a deletion asks for the name."""
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/boards")
    page.get_by_role("link", name="New board").first.click()
    page.get_by_label("Goal").fill("No queue longer than a minute")
    page.get_by_role("button", name="Create board").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(page.get_by_label("Goal")).to_have_value("No queue longer than a minute")
    page.get_by_label("Name", exact=True).fill("Counter of the harbour")
    page.get_by_role("button", name="Create board").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Counter of the harbour")
    about = page.get_by_role("region", name="About this board")
    expect(about.get_by_text("No queue longer than a minute").first).to_be_visible()
    expect(about.get_by_role("link", name="Add an agent")).to_be_visible()

    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("link", name="Edit board").click()
    page.get_by_label("Short name").fill("no")
    page.get_by_role("button", name="Save board").click()
    expect(page.locator("#id_key_error")).to_contain_text("for example OPS")
    page.get_by_label("Short name").fill("HARB")
    page.get_by_label("Review before Done").check()
    page.get_by_label("To do", exact=True).fill("1")
    page.get_by_role("button", name="Save board").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Counter of the harbour")
    board_id = Person(page).last_part()
    stored = api.get(f"/boards/{board_id}")
    assert stored["require_review_before_done"] is True

    page.goto(f"/boards/{board_id}/delete")
    button = page.get_by_role("button", name="Delete board")
    expect(button).to_be_disabled()
    page.get_by_label(re.compile("^Type")).fill("Counter of the harbour")
    button.click()
    expect(page).to_have_url(re.compile("/boards$"))
    expect(page.get_by_role("link", name="Counter of the harbour")).to_have_count(0)


def test_boards_are_found_and_sorted(windows: Windows, api: Api, cookies: Any) -> None:
    """The filter narrows, a head turns the order round, both stand in the address."""
    for name, count in (("Quartz one", 1), ("quartz two", 3)):
        board = make_board(api, name)
        for number in range(count):
            make_task(api, board["id"], f"Task {number}")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/boards")
    page.get_by_label("Filter").fill("quartz")
    page.get_by_label("Filter").press("Enter")
    names = page.locator("[data-mc-row-open]")
    expect(names).to_have_text(["Quartz one", "quartz two"])
    page.locator("th").get_by_role("link", name="To do").click()
    expect(names).to_have_text(["Quartz one", "quartz two"])
    page.locator("th").get_by_role("link", name="To do").click()
    expect(names).to_have_text(["quartz two", "Quartz one"])
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("q=quartz.*sort=-todo|sort=-todo.*q=quartz"))
    page.get_by_label("Filter").fill("no such board")
    page.get_by_label("Filter").press("Enter")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    page.get_by_role("link", name="Clear filter").last.click()
    expect(names.first).to_be_visible()


def test_board_pauses_and_goes_on(windows: Windows, api: Api, cookies: Any) -> None:
    """A pause is said on the page, with the way out beside it."""
    board = make_board(api, "Quiet hours")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}")
    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("button", name="Pause all agents").click()
    banner = page.locator(".mc-banner", has_text="paused")
    expect(banner).to_be_visible()
    banner.get_by_role("button", name="Let agents go on").click()
    expect(banner).to_have_count(0)


def test_tasks_are_chosen_changed_and_deleted_as_rows(
    windows: Windows, api: Api, cookies: Any
) -> None:
    """Sort, choose all that a filter leaves, change them, delete some after a question."""
    board = make_board(api, "Rows")
    for number, priority in enumerate(("low", "critical", "low")):
        make_task(api, board["id"], f"Row {number}", priority=priority)
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}/list")
    titles = page.locator(".mc-task-title a")
    page.locator("th").get_by_role("link", name="Priority").click()
    expect(titles.first).to_have_text("Row 1")
    page.get_by_label("Priority", exact=True).select_option("low")
    expect(titles).to_have_count(2)
    page.get_by_label("Choose all").check()
    page.get_by_role("region", name="Chosen tasks").get_by_label("Change").select_option(
        label="In progress"
    )
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("[data-mc-toast]")).to_contain_text("2 tasks were changed")
    page.get_by_label(re.compile("^Choose ROW")).first.check()
    page.get_by_label("Change", exact=True).select_option("delete")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 1 task?")
    page.get_by_role("button", name="Delete tasks").click()
    expect(titles).to_have_count(2)


def test_webhook_hears_and_is_taken_away(windows: Windows, api: Api, cookies: Any) -> None:
    """Added, sent to, read live, sent again, switched off, deleted."""
    board = make_board(api, "Doorbell")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto(f"/boards/{board['id']}/webhooks")
    page.get_by_role("link", name="New webhook").first.click()
    page.get_by_label("Instruction").fill("Alarms of the pier\n\nOpen a task.")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alarms of the pier")
    expect(page.locator(".mc-callout", has_text="Nobody is told")).to_be_visible()
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    Person(page).until_live()
    address = page.locator(".mc-in [data-mc-copy]").get_attribute("data-mc-copy")
    assert address is not None
    sent = httpx.post(address, json={"lamp": "red", "说明": "灯灭了"}, trust_env=False)
    assert sent.status_code == 202
    row = page.locator("#payloads tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator(".mc-pill")).to_contain_text("Nobody to tell")
    row.get_by_role("link").click()
    expect(page.locator("pre")).to_contain_text("灯灭了")
    page.go_back()
    page.get_by_role("link", name="Edit webhook").click()
    page.get_by_label("Takes payloads").uncheck()
    page.get_by_role("button", name="Save webhook").click()
    expect(page.locator(".mc-head .mc-pill")).to_have_text("Switched off")
    assert httpx.post(address, json={}, trust_env=False).status_code == 410
    page.get_by_role("link", name="Edit webhook").click()
    page.get_by_role("link", name="Delete webhook").click()
    page.get_by_role("button", name="Delete webhook").click()
    expect(page.get_by_text("No webhooks yet")).to_be_visible()


def test_group_is_made_shown_and_deleted(windows: Windows, api: Api, cookies: Any) -> None:
    """A group gathers its boards and their open tasks; its end leaves them alone."""
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/board-groups")
    page.get_by_role("link", name="New group").first.click()
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("North pier 北码头")
    page.get_by_label(re.compile("^Description")).fill("Cranes and **lamps**.")
    page.get_by_role("button", name="Create group").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("North pier 北码头")
    page.get_by_role("link", name="New board").click()
    expect(page.get_by_label("Board group")).to_have_value(re.compile(".+"))
    page.get_by_label("Name", exact=True).fill("Lamps")
    page.get_by_role("button", name="Create board").click()
    page.wait_for_url(re.compile(r"/boards/[0-9a-f-]{36}$"))
    make_task(api, Person(page).last_part(), "Change the bulb", priority="high")
    page.get_by_role("link", name="North pier 北码头").click()
    expect(page.locator("main")).to_contain_text("Change the bulb")
    page.get_by_role("link", name="Heartbeat").click()
    expect(page.get_by_text("No agents in this group")).to_be_visible()
    page.get_by_role("link", name="Boards", exact=True).last.click()
    page.get_by_role("link", name="Edit group").click()
    page.get_by_role("link", name="Delete group").click()
    page.get_by_role("button", name="Delete group").click()
    expect(page).to_have_url(re.compile("/board-groups$"))
    page.goto("/boards?q=Lamps")
    expect(page.get_by_role("link", name="Lamps")).to_be_visible()
