"""``python -m tests.browser.shots FOLDER``: pictures of every page, for somebody to look at.

Starts the product with its demonstration data in a folder of its own, walks every kind of page,
and writes each in light and dark, wide and narrow.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.story import browsers, product
from tests.story.person import Person
from tests.story.walking import shape, walk

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = ((1440, 900), (390, 844))


def name_of(address: str) -> str:
    """File name of a page, without ids."""
    named = shape(address).replace("*", "id").strip("/").lower()
    return re.sub(r"[^a-z0-9]+", "-", named).strip("-") or "start"


def take(page: Page, name: str, folder: Path) -> None:
    """One page in every theme and width."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=folder / f"{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": WIDTHS[0][0], "height": WIDTHS[0][1]})


def shoot(browser: Browser, started: product.Product, folder: Path) -> int:
    """Walk and write; returns the number of pages."""
    count = 0
    with browsers.window(browser, started.address) as window:
        window.page.goto("/sign-in")
        take(window.page, "sign-in", folder)
        Person(window.page).sign_in(started.token)
        for address in walk(window.page, "/", *_with_panel(window.page)):
            window.page.wait_for_load_state("networkidle")
            take(window.page, name_of(address), folder)
            count += 1
        for complaint in window.complaints:
            print(complaint)
    return count


def _with_panel(page: Page) -> list[str]:
    """The first board with its first task open."""
    page.goto("/boards")
    boards = page.eval_on_selector_all("main a[href^='/boards/']", "all => all.map(a => a.href)")
    boards = [one for one in boards if not one.endswith("/new")]
    if not boards:
        return []
    page.goto(boards[0])
    card = page.locator(".mc-card").first
    return [f"{boards[0]}{card.get_attribute('href')}"] if card.count() else []


def main(arguments: list[str]) -> int:
    """Run; returns the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    with product.installed("--demo") as started, browsers.chromium() as browser:
        print(f"{shoot(browser, started, folder)} pages in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
