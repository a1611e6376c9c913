"""The whole story with a real gateway: real pages, real agents on it, a real browser."""

from __future__ import annotations

from pathlib import Path

from tests.rig.installation import Rig
from tests.story import browsers, product
from tests.story.places import Place, allow_calls
from tests.story.telling import tell
from tests.story.windows import Windows


def test_story(real_gateway: Rig, tmp_path: Path) -> None:
    """From an empty data folder to a finished task, a refused command and a whole audit chain."""
    place = Place(real_gateway.url, real_gateway.token)
    allow_calls(place)
    with (
        product.installed() as empty,
        browsers.chromium() as browser,
        Windows(browser, empty, tmp_path) as windows,
    ):
        tell(windows, empty, place)
