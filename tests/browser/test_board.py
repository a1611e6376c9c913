"""Cards on a board: by mouse, by keyboard, in two browsers, with the task beside them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.story.api import Api
from tests.story.filling import make_board, make_task
from tests.story.person import Person
from tests.story.windows import Windows


@pytest.fixture
def board(api: Api, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A board of this test, whose rules bind people too."""
    name = request.node.name.removeprefix("test_").replace("_", " ").capitalize()
    return make_board(api, name[:60], approval_gate_scope="everyone")


def drag(page: Page, card: Locator, to: Locator) -> None:
    """Take a card with the mouse and let it go over a column."""
    start, end = card.bounding_box(), to.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 30, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 60, steps=12)
    page.mouse.up()


def open_board(windows: Windows, board: dict[str, Any]) -> Person:
    """A signed-in person in front of the board."""
    person = Person(windows.open().page)
    person.page.goto(f"/boards/{board['id']}")
    person.until_live()
    return person


def test_drag_moves_a_card(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """A card let go over a column stays there, with its new version, after a reload too."""
    task = make_task(api, board["id"], "Carry me")
    person = open_board(windows, board)
    drag(person.page, person.card(task["key"]), person.column("in_progress"))
    person.see_card_in("in_progress", task["key"])
    expect(person.card(task["key"])).not_to_have_attribute("aria-busy", "true")
    expect(person.column("in_progress").locator("[data-count]")).to_have_text("1")
    person.page.reload()
    person.see_card_in("in_progress", task["key"])
    assert api.get(f"/tasks/{task['id']}")["status"] == "in_progress"


def test_refused_drag_goes_back(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """A rule's refusal puts the card back and says why."""
    task = make_task(api, board["id"], "Needs a decision", status="in_progress")
    person = open_board(windows, board)
    drag(person.page, person.card(task["key"]), person.column("done"))
    toast = person.page.locator("[data-mc-toast]")
    expect(toast).to_contain_text(re.compile("approval", re.I))
    person.see_card_in("in_progress", task["key"])
    expect(person.column("done").locator(".mc-card")).to_have_count(0)
    expect(person.column("done").locator("[data-count]")).to_have_text("0")
    expect(person.column("in_progress").locator("[data-count]")).to_have_text("1")
    assert api.get(f"/tasks/{task['id']}")["status"] == "in_progress"


def test_keyboard_moves_a_card(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """Space lifts, an arrow carries, Space drops; each step is spoken."""
    task = make_task(api, board["id"], "Carry me by key")
    person = open_board(windows, board)
    spoken = person.page.locator("[data-mc-speak]")
    person.card(task["key"]).focus()
    person.page.keyboard.press("Space")
    expect(spoken).to_contain_text("Carry me by key")
    person.page.keyboard.press("ArrowRight")
    expect(spoken).to_contain_text("In progress")
    person.page.keyboard.press("Space")
    person.see_card_in("in_progress", task["key"])
    expect(person.card(task["key"])).to_be_focused()
    expect(person.card(task["key"])).not_to_have_attribute("aria-busy", "true")
    assert api.get(f"/tasks/{task['id']}")["status"] == "in_progress"


def test_escape_puts_a_lifted_card_back(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """Escape ends a lift where it began; nothing is sent."""
    task = make_task(api, board["id"], "Stay")
    person = open_board(windows, board)
    person.card(task["key"]).focus()
    for key in ("Space", "ArrowRight", "Escape"):
        person.page.keyboard.press(key)
    person.see_card_in("todo", task["key"])
    assert api.get(f"/tasks/{task['id']}")["status"] == "todo"


def test_two_browsers_see_the_same(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """What one person adds, moves and deletes shows in the other browser without reload."""
    one, other = open_board(windows, board), open_board(windows, board)
    quick = one.page.locator("#quick-todo")
    quick.locator("summary").click()
    quick.get_by_placeholder("What is to be done").fill("Seen by both")
    quick.get_by_placeholder("What is to be done").press("Enter")
    seen = other.page.locator(".mc-card", has_text="Seen by both")
    expect(seen).to_be_visible()
    expect(one.page.locator(".mc-card", has_text="Seen by both")).to_have_count(1)
    expect(one.page.locator("#quick-title-todo")).to_be_focused()
    key = seen.get_attribute("data-mc-side-key")
    assert key is not None
    drag(one.page, one.card(key), one.column("review"))
    other.see_card_in("review", key)
    expect(other.column("todo").locator("[data-count]")).to_have_text("0")
    task_id = other.card(key).get_attribute("data-id")
    api.http.delete(f"/tasks/{task_id}").raise_for_status()
    expect(other.card(key)).to_have_count(0)
    expect(one.card(key)).to_have_count(0)


def test_panel_opens_in_the_address(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """A task opens beside its board, in the address and with the focus; Escape leaves it."""
    task = make_task(api, board["id"], "Open me", description="With **words**.")
    person = open_board(windows, board)
    person.card(task["key"]).click()
    expect(person.page).to_have_url(re.compile(f"task={task['key']}"))
    expect(person.panel.locator("[data-mc-side-heading]")).to_be_focused()
    expect(person.panel.locator("strong")).to_have_text("words")
    person.page.keyboard.press("Escape")
    expect(person.panel).to_have_count(0)
    expect(person.page).not_to_have_url(re.compile("task="))
    expect(person.card(task["key"])).to_be_focused()
    person.page.go_back()
    expect(person.panel).to_be_visible()
    person.page.reload()
    expect(person.panel.locator("[data-mc-side-heading]")).to_have_text("Open me")


def test_comment_from_the_panel(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """A comment shows at once, once, in both browsers, and never as markup."""
    task = make_task(api, board["id"], "Talk here")
    one, other = open_board(windows, board), open_board(windows, board)
    for person in (one, other):
        person.page.goto(f"/boards/{board['id']}?task={task['key']}")
        person.until_live()
    box = one.panel.get_by_label("Comment", exact=True)
    box.fill("Done by *me* <img src=x onerror=alert(1)>")
    box.press("Control+Enter")
    for person in (one, other):
        said = person.panel.locator(".mc-comment", has_text="Done by me")
        expect(said).to_have_count(1)
        expect(said.locator("em")).to_have_text("me")
        expect(said.locator("img")).to_have_count(0)
    expect(other.card(task["key"]).get_by_title("Comments")).to_contain_text("1")


def test_stale_page_does_not_overwrite(windows: Windows, api: Api, board: dict[str, Any]) -> None:
    """Somebody who works from an old page is told, and sees the new state."""
    task = make_task(api, board["id"], "Two at once")
    person = open_board(windows, board)
    person.page.route("**/ws/**", lambda route: route.abort())
    person.page.evaluate("document.querySelectorAll('mc-socket').forEach((s) => s.remove())")
    api.patch(f"/tasks/{task['id']}", {"status": "review"})
    drag(person.page, person.card(task["key"]), person.column("in_progress"))
    expect(person.page.locator("[data-mc-toast]")).to_be_visible()
    person.see_card_in("review", task["key"])
    assert api.get(f"/tasks/{task['id']}")["status"] == "review"


#: Answers of the server for one card, read slowly and in the order in which they are named.
_SLOW_ANSWERS = """async ([id, versions]) => {
    const board = document.querySelector("mc-board");
    const html = await (await board.request(`tasks/${id}/card`)).text();
    const answers = versions.map((version, place) => ({
        ok: true,
        text: () => new Promise((done) => setTimeout(
            () => done(html.replace(/data-version="\\d+"/, `data-version="${version}"`)),
            50 * (place + 1))),
    }));
    board.request = async () => answers.shift();
    await Promise.all(versions.map(() => board.frames.refresh(id)));
}"""


@pytest.mark.parametrize("versions", [[8, 9], [9, 8], [9, 9]])
def test_answers_that_cross_leave_one_card(
    windows: Windows, api: Api, board: dict[str, Any], versions: list[int]
) -> None:
    """Two changes within a moment are two answers; the newer one stays, once, in any order."""
    task = make_task(api, board["id"], "Told twice")
    person = open_board(windows, board)
    person.page.evaluate(_SLOW_ANSWERS, [task["id"], versions])
    cards = person.page.locator(f"#task-{task['id']}")
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-version", "9")
    expect(person.column("todo").locator("[data-count]")).to_have_text("1")
