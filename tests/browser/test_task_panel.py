"""The task beside its board: facts, tags, fields, dependencies, comments, decisions, deep links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.story.api import Api
from tests.story.filling import ask, make_board, make_task
from tests.story.person import Person
from tests.story.windows import Windows


@pytest.fixture
def board(api: Api, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A board of this test."""
    name = request.node.name.removeprefix("test_").replace("_", " ").capitalize()
    return make_board(api, name[:60])


def opened(windows: Windows, cookies: Any, address: str, **options: Any) -> Page:
    """A page of the operator."""
    page = windows.open(signed_in=False, storage_state=cookies, **options).page
    page.goto(address)
    Person(page).until_live()
    return page


def unfold(panel: Locator, words: str) -> None:
    """Open what is folded."""
    panel.locator("summary", has_text=words).click()


def test_what_is_unfolded_stays_open_while_the_task_changes(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """A choice that is not sent yet survives what others do meanwhile."""
    api.post("/tags", {"name": "Harbour fold"})
    task = make_task(api, board["id"], "Paint the hull")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={task['key']}")
    panel = page.locator("#panel")
    unfold(panel, "Choose tags")
    panel.get_by_label("Harbour fold").check()
    api.post(f"/tasks/{task['id']}/comments", {"message": "Blue, please."})
    expect(page.locator(".mc-card .mc-comments, .mc-card").first).to_contain_text("1")
    expect(panel.get_by_label("Harbour fold")).to_be_checked()
    said = panel.get_by_role("paragraph").filter(has_text="Blue, please.")
    expect(said).to_have_count(0)
    unfold(panel, "Choose tags")
    expect(said).to_be_visible()


def test_facts_tags_and_fields_are_set(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """Each choice is stored at once; a value that does not fit is refused with its reason."""
    tag = api.post("/tags", {"name": "Panel blue 蓝", "color": "1976d2"})
    field = {"label": "Panel berth", "field_key": "panel_berth", "field_type": "integer"}
    api.post("/organizations/me/custom-fields", {**field, "board_ids": [board["id"]]})
    task = make_task(api, board["id"], "Moor the ship")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={task['key']}")
    panel = page.locator("#panel")
    panel.get_by_label("Priority", exact=True).select_option("critical")
    expect(page.locator(".mc-card").get_by_label("Priority critical")).to_be_visible()
    panel.get_by_label("Panel berth").fill("7")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        panel.get_by_label("Panel berth").press("Tab")
    expect(panel.get_by_label("Panel berth")).to_have_value("7")
    unfold(panel, "Choose tags")
    panel.get_by_label("Panel blue 蓝").check()
    panel.get_by_role("button", name="Save tags").click()
    expect(page.locator(".mc-card .mc-tag")).to_have_text("Panel blue 蓝")
    stored = api.get(f"/tasks/{task['id']}")
    assert stored["priority"] == "critical"
    assert stored["custom_field_values"]["panel_berth"] == 7
    assert [one["id"] for one in stored["tags"]] == [tag["id"]]


def test_dependency_blocks_and_lets_go(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """Found by its title, added, seen on card and panel, refused while unfinished, taken away."""
    first = make_task(api, board["id"], "Find the crane")
    second = make_task(api, board["id"], "Lift the box")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={second['key']}")
    panel = page.locator("#panel")
    unfold(panel, "Wait for another task")
    panel.get_by_label("Title or key").fill("crane")
    panel.get_by_role("button", name=re.compile("Find the crane")).click()
    expect(panel.locator(".mc-callout.is-blocked")).to_contain_text(
        f"It can start when {first['key']} is done."
    )
    flag = Person(page).card(second["key"]).locator(".mc-card-flag")
    expect(flag).to_contain_text(f"Blocked by {first['key']}")
    panel.get_by_label("Status").select_option("in_progress")
    expect(panel.get_by_role("alert")).to_contain_text("blocked by incomplete dependencies")
    panel.get_by_role("button", name=f"No longer wait for {first['key']}").click()
    expect(panel.locator(".mc-callout.is-blocked")).to_have_count(0)
    panel.get_by_label("Status").select_option("in_progress")
    Person(page).see_card_in("in_progress", second["key"])


def test_comments_are_edited_and_deleted(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """What was said is corrected and taken back, and shows so."""
    task = make_task(api, board["id"], "Talk")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={task['key']}")
    panel = page.locator("#panel")
    box = panel.get_by_label("Comment", exact=True).last
    box.fill("Frist version")
    box.press("Control+Enter")
    said = panel.locator(".mc-comment")
    expect(said).to_contain_text("Frist version")
    unfold(said, "Edit")
    said.get_by_label("Comment", exact=True).fill("First version")
    said.get_by_role("button", name="Save comment").click()
    expect(said).to_contain_text("First version")
    expect(said).to_contain_text("edited")
    unfold(said, "Delete")
    said.get_by_role("button", name="Delete comment").click()
    expect(said).to_have_count(0)


def test_deep_link_arrives_at_the_comment(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """The old form of the address leads to the task, and scrolls to the comment among forty."""
    task = make_task(api, board["id"], "Forty voices")
    path = f"/boards/{board['id']}/tasks/{task['id']}/comments"
    said = [api.post(path, {"message": f"Voice {number}"}) for number in range(40)]
    wanted = said[25]["id"]
    page = opened(windows, cookies, f"/boards/{board['id']}?taskId={task['id']}&commentId={wanted}")
    expect(page).to_have_url(re.compile(rf"task={task['key']}#comment-{wanted}$"))
    expect(page.locator(f"#comment-{wanted}")).to_be_in_viewport()
    expect(page.locator(f"#comment-{said[0]['id']}")).not_to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"/boards/{board['id']}$"))


def test_decision_stands_in_the_panel(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """What waits is said in the panel without reload, and leads to where it is decided."""
    task = make_task(api, board["id"], "Open the gate")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={task['key']}")
    panel = page.locator("#panel")
    expect(panel.locator(".mc-callout.is-pending")).to_have_count(0)
    ask(api, board["id"], task["id"], "open_gate")
    waiting = panel.locator(".mc-callout.is-pending")
    expect(waiting).to_contain_text(f"Open gate: {task['key']}")
    expect(Person(page).card(task["key"]).locator(".mc-card-flag.is-pending")).to_be_visible()
    waiting.get_by_role("link", name="Decide").click()
    row = page.locator(".mc-ask", has_text="Open gate")
    Person(page).decide(row, "Approve", "Go.")
    page.goto(f"/boards/{board['id']}?task={task['key']}")
    expect(panel.get_by_role("heading", name="Decisions")).to_be_visible()
    expect(panel.locator(".mc-pill", has_text="Approved")).to_be_visible()


def test_panel_on_a_phone_steps_and_closes(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """It covers the screen, leads to the next task, comments, and gives the board back."""
    first, second = (make_task(api, board["id"], name) for name in ("One", "Two"))
    size = {"width": 390, "height": 844}
    page = opened(
        windows, cookies, f"/boards/{board['id']}?task={first['key']}",
        viewport=size, has_touch=True,
    )  # fmt: skip
    panel = page.locator("#panel")
    box = panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    panel.get_by_role("button", name="Next task").tap()
    expect(panel.locator("[data-mc-side-heading]")).to_have_text("Two")
    expect(page).to_have_url(re.compile(f"task={second['key']}"))
    panel.get_by_label("Comment", exact=True).fill("From the quay")
    panel.get_by_role("button", name="Comment", exact=True).tap()
    expect(panel.locator(".mc-comment")).to_contain_text("From the quay")
    panel.get_by_role("link", name="Close").tap()
    expect(panel).to_have_count(0)
    expect(Person(page).card(second["key"])).to_be_visible()


def test_task_is_corrected_moved_and_deleted(
    windows: Windows, api: Api, cookies: Any, board: dict[str, Any]
) -> None:
    """The whole form: an error kept, a save, another board, a question before the end."""
    other = make_board(api, "The other quay")
    task = make_task(api, board["id"], "Wrong place")
    page = opened(windows, cookies, f"/boards/{board['id']}?task={task['key']}")
    page.locator("#panel").get_by_role("link", name="Edit task").click()
    page.get_by_label("Title", exact=True).fill("")
    page.get_by_label(re.compile("^Description")).fill("Kept while refused")
    page.get_by_role("button", name="Save task").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label(re.compile("^Description"))).to_have_value("Kept while refused")
    page.get_by_label("Title", exact=True).fill("Right place")
    page.get_by_role("button", name="Save task").click()
    expect(page.locator("[data-mc-side-heading]")).to_have_text("Right place")
    page.goto(f"/boards/{board['id']}/tasks/{task['id']}/relocate")
    page.get_by_label("Board", exact=True).select_option(label="The other quay")
    page.get_by_role("button", name="Move task").click()
    expect(page).to_have_url(re.compile(other["id"]))
    page.goto(f"/boards/{board['id']}?task={task['key']}")
    expect(page).to_have_url(re.compile(other["id"]))
    expect(page.locator("[data-mc-side-heading]")).to_have_text("Right place")
    page.goto(f"/boards/{other['id']}/tasks/{task['id']}/delete")
    page.get_by_role("button", name="Delete task").click()
    expect(page.locator(".mc-card")).to_have_count(0)
    page.goto(f"/boards/{other['id']}?task={task['id']}")
    expect(page.locator("[data-mc-toast]")).to_contain_text("This task is not on the board")
