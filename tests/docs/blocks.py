"""Fenced blocks of a guide."""

from __future__ import annotations

import re

from missioncontrol.settings.env import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
GUIDES = ROOT / "docs" / "guides"


def of(name: str, language: str) -> list[str]:
    """Blocks of one language, in order."""
    text = (GUIDES / name).read_text()
    return [body for kind, body in FENCE.findall(text) if kind == language]


def program(name: str, language: str) -> str:
    """The blocks as one program, because each goes on where the last one ended."""
    return "\n".join(of(name, language))
