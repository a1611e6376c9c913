"""The real browser, with everything that a page complains about written down."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser_program import find

expect.set_options(timeout=15_000)
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# A refusal (4xx) is an answer that pages show; the browser writes it to its console by itself.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """One browser of one person: own cookies, one page, its complaints."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings of the console; content policy violations are among them."""
        if message.type in {"error", "warning"} and not message.text.startswith(_EXPECTED):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def failed(self, error: Any) -> None:
        """Keep an uncaught error of a script."""
        self.complaints.append(f"{self.page.url}: {error}")


@contextlib.contextmanager
def window(browser: Browser, address: str, **options: Any) -> Iterator[Window]:
    """A fresh browser context with one page; relative addresses begin at ``address``."""
    options = {"viewport": DESK, "locale": "en-GB", **options}
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    opened = Window(context, page)
    page.on("console", opened.note)
    page.on("pageerror", opened.failed)
    try:
        yield opened
    finally:
        context.close()
