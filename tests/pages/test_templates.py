"""What the content policy and the visual language forbid in templates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if "agent_files" not in path.parts
)
SPRITE = set(re.findall(r'symbol id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text()))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_keeps_the_rules(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=\"", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script
    assert not re.search(r"#[0-9a-fA-F]{6}\b", text)
    assert text.lstrip().startswith("{#"), "a template names its context in a leading comment"
    for comment in re.findall(r"\{#.*", text):
        assert "#}" in comment, "a comment ends on its line"
    assert set(re.findall(r'{% icon "([\w-]+)"', text)) <= SPRITE


def test_every_icon_of_an_event_is_in_the_sprite() -> None:
    from activity import types

    assert {entry.icon for entry in types.TYPES.values()} <= SPRITE


def test_scripts_stay_small() -> None:
    for path in (ROOT / "static/js").glob("*.js"):
        assert len(path.read_text().splitlines()) <= 150, path.name
