"""Every page of the work – boards, tasks, talk, decisions, labels – as it must always be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.pages import faults_at
from tests.story.api import Api
from tests.story.filling import Filled, ask, fill, make_board, make_task
from tests.story.windows import Windows

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrik"


@dataclass
class Work:
    """Ids of what the pages show."""

    filled: Filled
    webhook_id: str
    payload_id: str
    tag_id: str
    field_id: str
    empty_board_id: str
    empty_group_id: str

    def addresses(self) -> list[str]:
        """Every page of the work."""
        first, task = self.filled.board_id, self.filled.tasks[0]
        board, one = f"/boards/{first}", f"/boards/{first}/tasks/{task['id']}"
        hook, group = f"{board}/webhooks/{self.webhook_id}", f"/board-groups/{self.filled.group_id}"
        empty, blank = f"/boards/{self.empty_board_id}", f"/board-groups/{self.empty_group_id}"
        return [
            "/dashboard", "/dashboard?range=1y", "/activity", "/activity?raw=1&kind=task",
            "/activity?q=nothing-like-it", "/approvals", "/approvals?show=decided",
            f"/approvals?open={self.filled.approvals[0]['id']}", f"/boards/{first}/approvals",
            "/boards", "/boards?q=nothing-like-it", "/boards/new", board, f"{board}?q=nothing",
            f"{board}?task={task['key']}", f"{board}/list", f"{board}/list?sort=-due",
            f"{board}/tasks/new", f"{one}/edit", f"{one}/delete", f"{one}/relocate",
            f"{board}/chat", f"{board}/memory", f"{board}/edit", f"{board}/delete",
            f"{board}/webhooks", f"{board}/webhooks/new", f"{hook}/edit", f"{hook}/delete",
            f"{hook}/payloads", f"{hook}/payloads/{self.payload_id}", f"{board}/onboarding",
            f"{board}/onboarding/confirm", empty, f"{empty}/list", f"{empty}/chat",
            f"{empty}/memory", f"{empty}/webhooks", "/board-groups", "/board-groups/new", group,
            f"{group}/chat", f"{group}/memory", f"{group}/heartbeat", f"{group}/edit",
            f"{group}/delete", blank, f"{blank}/heartbeat", "/runs", "/tags", "/tags/new",
            f"/tags/{self.tag_id}/edit", f"/tags/{self.tag_id}/delete", "/custom-fields",
            "/custom-fields/new", f"/custom-fields/{self.field_id}/edit",
            f"/custom-fields/{self.field_id}/delete",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def work(api: Api) -> Work:
    """Something on every page, with long words, Chinese, many tags and many comments."""
    filled = fill(api)
    first, task = filled.board_id, filled.tasks[0]
    tags = [
        api.post("/tags", {"name": name})["id"] for name in (LONG, "合规流程", "hardening", "Q4")
    ]
    field = api.post(
        "/organizations/me/custom-fields",
        {"label": LONG, "field_key": "work_cost", "field_type": "decimal", "board_ids": [first]},
    )
    api.patch(f"/tasks/{task['id']}", {"tag_ids": tags, "title": f"{LONG * 3} 更新文档"})
    comments = f"/boards/{first}/tasks/{task['id']}/comments"
    for number in range(12):
        api.post(comments, {"message": f"{LONG * 2} 第 {number} 次"})
    hook = api.post(f"/boards/{first}/webhooks", {"description": f"{LONG}\n\nOpen a task."})
    sent = httpx.post(
        f"{api.http.base_url}boards/{first}/webhooks/{hook['id']}",
        json={"build": 413, "log": LONG * 5},
        trust_env=False,
    )
    for tag in ("chat", "decision"):
        body = {"content": f"{LONG} https://example.com/{'a' * 90}", "tags": [tag]}
        api.post(f"/boards/{first}/memory", body)
        api.post(f"/board-groups/{filled.group_id}/memory", body)
    other = make_task(api, first, f"{LONG} 审批")
    ask(api, first, other["id"], f"deploy_{LONG}", payload={"risk": "high", "note": LONG * 4})
    return Work(
        filled=filled,
        webhook_id=hook["id"],
        payload_id=sent.json()["payload_id"],
        tag_id=tags[0],
        field_id=field["id"],
        empty_board_id=make_board(api, LONG)["id"],
        empty_group_id=api.post("/board-groups", {"name": f"{LONG} 平台"})["id"],
    )


def test_every_page_of_the_work(windows: Windows, cookies: Any, work: Work) -> None:
    """Answered, quiet, one heading, fields named, inside the window, readable in both themes."""
    window = windows.open(signed_in=False, storage_state=cookies)
    faults = faults_at(window.page, work.addresses())
    assert not faults, "\n".join(faults)
    assert window.complaints == []


def test_the_work_goes_on_without_script(windows: Windows, cookies: Any, work: Work) -> None:
    """Read, write and decide with a browser that runs no script."""
    window = windows.open(signed_in=False, storage_state=cookies, java_script_enabled=False)
    page, board = window.page, f"/boards/{work.filled.board_id}"
    page.goto(f"{board}/tasks/new")
    page.get_by_label("Title", exact=True).fill("Written without script")
    page.get_by_role("button", name="Add task").click()
    panel = page.locator("#panel")
    expect(panel.locator("[data-mc-side-heading]")).to_have_text("Written without script")
    panel.get_by_label("Priority", exact=True).select_option("critical")
    panel.get_by_role("button", name="Save facts").click()
    expect(panel.get_by_label("Priority", exact=True)).to_have_value("critical")
    panel.get_by_label("Comment", exact=True).fill("Said without script")
    panel.get_by_role("button", name="Comment", exact=True).click()
    expect(panel.locator(".mc-comment")).to_contain_text("Said without script")
    page.goto(f"{board}/chat")
    page.get_by_label("Message", exact=True).fill("Hello without script")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#messages")).to_contain_text("Hello without script")
    page.goto(f"/approvals?open={work.filled.approvals[1]['id']}")
    ask_row = page.locator(f"#approval-{work.filled.approvals[1]['id']}")
    ask_row.get_by_role("button", name="Approve").first.click()
    expect(page.locator(f"#approval-{work.filled.approvals[1]['id']}")).to_have_count(0)


@pytest.fixture
def narrow(windows: Windows, cookies: Any) -> Callable[[str], Any]:
    """A page on a phone."""

    def opened(address: str) -> Any:
        size = {"width": 390, "height": 844}
        page = windows.open(signed_in=False, storage_state=cookies, viewport=size).page
        page.goto(address)
        return page

    return opened


def test_the_phone_filters_and_changes_the_view(narrow: Callable[[str], Any], work: Work) -> None:
    """What the desk can choose, the phone can choose too."""
    page = narrow(f"/boards/{work.filled.board_id}")
    page.get_by_label("Priority", exact=True).select_option("low")
    cards = page.locator(".mc-card")
    expect(cards.first).to_be_visible()
    expect(cards).to_have_count(cards.get_by_label("Priority low").count())
    page.get_by_role("link", name="List").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(f"{page.url.split('/boards')[0]}/boards/{work.filled.board_id}/list")
