"""Connection facts in an agent's workspace: lines ``KEY=value`` in AGENTS.md.

The token stands there as AUTH_TOKEN, or in the file that AUTH_HEADER_FILE names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_HEADER = re.compile(r"^([A-Za-z-]+):\s*(\S+)\s*$", re.MULTILINE)
_SOURCES = ("TOOLS.md", "AGENTS.md")


@dataclass(frozen=True, slots=True)
class Facts:
    """Where Mission Control is and who the agent is there."""

    base_url: str
    auth_token: str
    agent_id: str
    board_id: str

    @property
    def has_board(self) -> bool:
        """Whether the agent belongs to a board (a gateway's main agent does not)."""
        return bool(self.board_id)


def read_facts(files: Mapping[str, str]) -> Facts | None:
    """The facts of a workspace, None when address or token is missing."""
    found: dict[str, str] = {}
    for name in _SOURCES:
        found |= {key: value.strip() for key, value in _LINE.findall(files.get(name, ""))}
    headers = dict(_HEADER.findall(files.get(found.get("AUTH_HEADER_FILE", ""), "")))
    token = headers.get("X-Agent-Token") or found.get("AUTH_TOKEN", "")
    if not (found.get("BASE_URL") and token):
        return None
    return Facts(
        found["BASE_URL"].rstrip("/"),
        token,
        found.get("AGENT_ID", ""),
        found.get("BOARD_ID", ""),
    )
