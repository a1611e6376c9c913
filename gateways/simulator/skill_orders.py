"""What the agent of a gateway does when it is told to install or remove a skill.

Like the worker's script it is a generator of commands and API calls; the facts come from the block
of data in the message. Source: core specification 21.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from gateways.simulator.script import ApiCall, Command, Script

INSTALL, REMOVE = "INSTALL SKILL", "REMOVE SKILL"
_DATA = re.compile(r"```json\n(.*?)\n```", re.DOTALL)
_FAILED = re.compile(r"^(fatal|error|rm|git):", re.MULTILINE)


def is_skill_order(message: str) -> bool:
    """Whether a message asks for a skill to be installed or removed."""
    return message.startswith((INSTALL, REMOVE))


def follow_order(message: str) -> Script:
    """Fetch or delete the folder with one plain command, then say how it went."""
    found = _DATA.search(message)
    facts: dict[str, Any] = json.loads(found[1]) if found else {}
    if not facts.get("skill_id"):
        return "I do not understand this order."
    outcome = yield Command(_command(facts, is_removal=message.startswith(REMOVE)))
    state: dict[str, str] = {
        "state": "removed" if message.startswith(REMOVE) else "installed",
    }
    if outcome.is_denied or _FAILED.search(outcome.text):
        state = {"state": "failed", "detail": outcome.text[:300]}
    answer = yield ApiCall("POST", f"skills/{facts['skill_id']}/state", state)
    if answer.is_refusal:
        return f"Mission Control refused: {answer.reason}"
    return f"The skill {facts.get('name')}: {state['state']}."


def _command(facts: dict[str, Any], *, is_removal: bool) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", str(facts.get("name") or "").lower()).strip("-")
    folder = shlex.quote(f"{facts.get('destination')}/{name or facts['skill_id']}")
    if is_removal:
        return f"rm -r {folder}"
    repository = str(facts.get("source_url") or "").partition("/tree/")[0]
    return f"git clone --quiet --depth 1 {shlex.quote(repository)} {folder}"
