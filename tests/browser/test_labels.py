"""Tags and custom fields by their pages: added, refused, changed, used, deleted."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from tests.story.api import Api
from tests.story.filling import make_board, make_task
from tests.story.windows import Windows


def test_tag_is_added_changed_and_deleted(windows: Windows, api: Api, cookies: Any) -> None:
    """A second one of the same name is refused on its form; the question counts its tasks."""
    board = make_board(api, "Labels of the harbour")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/tags")
    page.get_by_role("link", name="New tag").first.click()
    page.get_by_label("Name", exact=True).fill("港口 fog")
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator("[data-mc-toast]")).to_contain_text("港口 fog")
    page.goto("/tags/new")
    page.get_by_label("Name", exact=True).fill("港口 fog")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_role("alert")).to_contain_text("already exists")
    expect(page.get_by_label("Name", exact=True)).to_have_value("港口 fog")
    page.goto("/tags")
    page.get_by_role("link", name="港口 fog").click()
    page.get_by_label("Name", exact=True).fill("港口 mist")
    page.get_by_role("button", name="Save tag").click()
    row = page.locator("tr", has_text="港口 mist")
    expect(row).to_be_visible()
    tag = next(one for one in api.items("/tags") if one["name"] == "港口 mist")
    make_task(api, board["id"], "In the mist", tag_ids=[tag["id"]])
    row.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete tag “港口 mist”?")
    expect(page.locator("main")).to_contain_text("1 task carries it")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="港口 mist").click()
    page.get_by_role("link", name="Delete tag").click()
    page.get_by_role("button", name="Delete tag").click()
    expect(row).to_have_count(0)


def test_field_is_added_used_and_kept_while_it_is_used(
    windows: Windows, api: Api, cookies: Any
) -> None:
    """Two faults at once are named; the field appears on tasks; its values guard it."""
    board = make_board(api, "Fields of the harbour")
    page = windows.open(signed_in=False, storage_state=cookies).page
    page.goto("/custom-fields")
    page.get_by_role("link", name="New field").first.click()
    page.get_by_label("Name", exact=True).fill("Draught")
    page.get_by_label("Key", exact=True).fill("draught")
    page.get_by_label("Type", exact=True).select_option("decimal")
    page.get_by_label(re.compile("^Default")).fill("deep")
    page.get_by_role("button", name="Add field").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("2 values need a change")
    alert.get_by_role("link", name=re.compile("Boards")).click()
    page.get_by_label(re.compile("^Default")).fill("2.5")
    page.get_by_label("Fields of the harbour").check()
    page.get_by_role("button", name="Add field").click()
    row = page.locator("tr", has_text="Draught")
    expect(row).to_contain_text("Number")
    task = make_task(api, board["id"], "Measure")
    page.goto(f"/boards/{board['id']}?task={task['key']}")
    value = page.locator("#panel").get_by_label("Draught")
    expect(value).to_have_value("2.5")
    value.fill("3.25")
    value.press("Tab")
    expect(page.locator("#panel [name=version]").first).not_to_have_value(str(task["version"]))
    page.goto("/custom-fields")
    row.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete field").click()
    expect(page.get_by_role("alert")).to_contain_text("1 task has a value")
    api.http.delete(f"/tasks/{task['id']}").raise_for_status()
    page.get_by_role("button", name="Delete field").click()
    expect(row).to_have_count(0)
