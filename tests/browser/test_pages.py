"""Every page that a link leads to: quiet, inside the window, readable in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import too_wide
from tests.story.api import Api
from tests.story.filling import Filled, fill
from tests.story.person import Person
from tests.story.places import Place
from tests.story.walking import walk
from tests.story.windows import Windows

WIDTHS = (1440, 390, 320)
LEAST_PAGES = 15


@pytest.fixture(scope="module")
def filled(api: Api, place: Place) -> Filled:
    """Work on which every page has something to show."""
    return fill(api, place)


def test_walk_every_page(windows: Windows, filled: Filled) -> None:
    """No error, no warning, no forbidden script or style, no sideways scroll on any width."""
    window = windows.open()
    page, wide = window.page, []
    begin = ("/", f"/boards/{filled.board_id}?task={filled.tasks[0]['key']}")
    pages = []
    for address in walk(page, *begin):
        pages.append(address)
        expect(page.locator("h1").first).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            trouble = too_wide(page)
            if trouble:
                wide.append(f"{address} at {width}: {trouble}")
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    assert len(pages) >= LEAST_PAGES, pages
    assert wide == []
    assert window.complaints == []


def test_a_page_that_does_not_exist(windows: Windows, filled: Filled) -> None:
    """An unknown address and a foreign id get the same plain page inside the product."""
    page = windows.open().page
    for address in ("/boards/00000000-0000-4000-8000-000000000000", "/nowhere"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 404
        expect(page.locator("h1")).to_be_visible()


def test_theme_is_chosen_in_the_account_menu(windows: Windows, filled: Filled) -> None:
    """Dark and light follow the person; with neither chosen, the system decides."""
    window = windows.open(color_scheme="light")
    page = window.page
    background = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for theme in ("Dark", "Light", "System"):
        page.goto("/boards")
        page.get_by_role("button", name=re.compile("account")).click()
        page.get_by_role("group", name="Theme").get_by_role("button", name=theme).click()
        root = page.locator(f'html[data-mc-theme="{theme.lower()}"]')
        expect(root).to_have_count(1)
        seen[theme] = page.evaluate(background)
    assert seen["Dark"] != seen["Light"] == seen["System"]
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == seen["Dark"]
    assert window.complaints == []


def test_chinese_is_chosen_in_the_account_menu(windows: Windows, filled: Filled) -> None:
    """The page says which language it speaks; the way back is in its own words."""
    page = windows.open().page
    page.get_by_role("button", name=re.compile("account")).click()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("zh", re.I))
    page.locator('button[popovertarget="menu-account"]').click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))


def test_phone_decides_in_few_taps(windows: Windows, api: Api, filled: Filled) -> None:
    """From the sign-in page to an approved request: three taps, one typed token."""
    window = windows.open(
        signed_in=False,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    page = window.page
    waiting = api.items("/approvals", status="pending")[0]
    Person(page).sign_in_by_tap(api.token)
    page.locator(".mc-bottom").get_by_role("link", name="Approvals").tap()
    row = page.locator(f"#approval-{waiting['id']}")
    row.get_by_role("button", name="Approve").and_(page.locator(":visible")).tap()
    expect(row.get_by_role("button", name="Approve")).to_have_count(0)
    assert api.get(f"/approvals/{waiting['id']}")["status"] == "approved"
    assert window.complaints == []


def test_task_fills_the_phone(windows: Windows, filled: Filled) -> None:
    """An open task covers the whole screen; closing it gives the board back."""
    page = windows.open(viewport={"width": 390, "height": 844}).page
    page.goto(f"/boards/{filled.board_id}?task={filled.tasks[1]['key']}")
    panel = page.locator("#panel")
    expect(panel).to_be_visible()
    box = panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    panel.get_by_role("link", name="Close").click()
    expect(panel).to_have_count(0)
    expect(page.locator(".mc-card").first).to_be_visible()


def test_drawer_of_the_phone_closes(windows: Windows, filled: Filled) -> None:
    """The navigation opens as a drawer, and closes by Escape and by following a link."""
    page = windows.open(viewport={"width": 390, "height": 844}).page
    drawer, more = page.locator("#nav"), page.get_by_role("button", name="More")
    more.click()
    expect(drawer.get_by_role("link", name="Members")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer.get_by_role("link", name="Members")).to_be_hidden()
    more.click()
    drawer.get_by_role("link", name="Members").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Members")
    expect(drawer.get_by_role("link", name="Boards", exact=True)).to_be_hidden()


def test_signing_out_and_a_wrong_token(windows: Windows, api: Api) -> None:
    """A wrong token says so; signing out closes the pages, and the way back leads on."""
    page = windows.open(signed_in=False).page
    page.goto("/approvals")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    page.get_by_label("Access token").fill("x" * 60)
    page.get_by_role("button", name="Sign in with the token").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Access token").fill(api.token)
    page.get_by_role("button", name="Sign in with the token").click()
    expect(page).to_have_url(re.compile("/approvals"))
    page.get_by_role("button", name=re.compile("account")).click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/boards")
    expect(page).to_have_url(re.compile("/sign-in"))
