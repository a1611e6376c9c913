"""Chat and memory of boards and groups, heard in a second browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.story.api import Api
from tests.story.filling import make_board
from tests.story.person import Person
from tests.story.windows import Windows


def pair(windows: Windows, cookies: Any, address: str) -> tuple[Page, Page]:
    """Two browsers on one page."""
    pages = []
    for _number in range(2):
        page = windows.open(signed_in=False, storage_state=cookies).page
        page.goto(address)
        Person(page).until_live()
        pages.append(page)
    return pages[0], pages[1]


def test_board_chat_is_heard_at_once(windows: Windows, api: Api, cookies: Any) -> None:
    """Said by one, read by the other; never as markup; still there after a reload."""
    board = make_board(api, "Talking board")
    one, other = pair(windows, cookies, f"/boards/{board['id']}/chat")
    box = one.get_by_label("Message", exact=True)
    box.fill("你好 **all** <b>not bold</b>")
    box.press("Control+Enter")
    for page in (one, other):
        said = page.locator("#messages .mc-comment")
        expect(said).to_have_count(1)
        expect(said.locator("strong")).to_have_text("all")
        expect(said).to_contain_text("<b>not bold</b>")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    other.reload()
    expect(other.locator("#messages .mc-comment")).to_have_count(1)


def test_names_are_offered_while_typing(windows: Windows, api: Api, cookies: Any) -> None:
    """@ offers whom it can call; the arrow chooses, Enter takes, Escape leaves."""
    board = make_board(api, "Naming board")
    page, _other = pair(windows, cookies, f"/boards/{board['id']}/chat")
    box = page.get_by_label("Message", exact=True)
    box.press_sequentially("Hello @le")
    offered = page.locator(".mc-mentions li")
    expect(offered.first).to_contain_text("lead")
    box.press("Enter")
    expect(box).to_have_value(re.compile(r"^Hello @lead\s?$"))


def test_notes_are_kept_and_appear_elsewhere(windows: Windows, api: Api, cookies: Any) -> None:
    """A note with its tags shows in the other browser too; an empty one is refused."""
    board = make_board(api, "Remembering board")
    one, other = pair(windows, cookies, f"/boards/{board['id']}/memory")
    expect(one.get_by_text("Nothing is noted yet")).to_be_visible()
    one.locator("summary", has_text="Add a note").click()
    one.get_by_role("button", name="Add note").click()
    expect(one.get_by_role("alert")).to_be_visible()
    one.get_by_label("Note", exact=True).fill("The archive is `tar`.")
    one.get_by_label(re.compile("^Tags")).fill("decision, format")
    one.get_by_role("button", name="Add note").click()
    for page in (one, other):
        note = page.locator("#notes .mc-comment")
        expect(note).to_contain_text("The archive is tar.")
        expect(note.locator(".mc-badge")).to_have_text(["decision", "format"])


def test_group_talks_and_remembers(windows: Windows, api: Api, cookies: Any) -> None:
    """The chat of a group and its shared notes, live."""
    group = api.post("/board-groups", {"name": "Talking group"})
    make_board(api, "Member of the group", board_group_id=group["id"])
    one, other = pair(windows, cookies, f"/board-groups/{group['id']}/chat")
    one.get_by_label("Message", exact=True).fill("To all boards")
    one.get_by_label("Tell every agent").check()
    one.get_by_role("button", name="Send").click()
    expect(other.locator("#messages .mc-comment")).to_contain_text("To all boards")
    api.post(f"/board-groups/{group['id']}/memory", {"content": "Shared note 共享"})
    other.get_by_role("link", name="Memory").click()
    expect(other.locator("#notes")).to_contain_text("Shared note 共享")
