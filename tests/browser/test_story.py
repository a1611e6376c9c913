"""The whole story on the pages, with a simulated gateway in place of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.story import product
from tests.story.places import Place
from tests.story.telling import tell
from tests.story.windows import Windows


@pytest.fixture
def empty() -> Iterator[product.Product]:
    """A product of its own: the story begins with nothing."""
    with product.installed() as started:
        yield started


def test_story(browser: Browser, empty: product.Product, place: Place, tmp_path: Path) -> None:
    """From an empty data folder to a finished task, a refused command and a whole audit chain."""
    with Windows(browser, empty, tmp_path) as windows:
        tell(windows, empty, place)
