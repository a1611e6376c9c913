"""Browser windows of one test; pictures of what they showed when it fails."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser

from tests.story import browsers
from tests.story.browsers import Window
from tests.story.person import Person
from tests.story.product import Product


class Windows:
    """Opens windows on an installation, and closes them all at the end."""

    def __init__(self, browser: Browser, product: Product, folder: Path) -> None:
        self._browser, self._product, self._folder = browser, product, folder
        self._stack = ExitStack()
        self.opened: list[Window] = []

    def open(self, *, signed_in: bool = True, **options: Any) -> Window:
        """A browser of its own."""
        entered = browsers.window(self._browser, self._product.address, **options)
        window = self._stack.enter_context(entered)
        self.opened.append(window)
        if signed_in:
            Person(window.page).sign_in(self._product.token)
        return window

    def report(self) -> None:
        """Write what every window shows, what it complained about, and the product's log."""
        for number, window in enumerate(self.opened, 1):
            path = self._folder / f"window-{number}.png"
            window.page.screenshot(path=path, full_page=True)
            path.with_suffix(".html").write_text(window.page.content())
            complaints = dict.fromkeys(window.complaints)
            print(window.page.url, f"picture: {path}", *complaints, sep="\n  ")
        log = self._folder / "product.log"
        log.write_text(self._product.logs())
        print(f"log: {log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, Exception):
                self.report()
        finally:
            self._stack.close()
