"""What the agent of a gateway does in an interview about a board: ask, then propose.

Like the worker's script it is a generator of API calls. It keeps nothing: each message says how
many questions were asked, and the transcript holds the answers.

Source: core specification 8; the texts that begin an interview and carry an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateways.simulator.script import ApiCall, Script

HEADS = ("ONBOARDING INTERVIEW", "ONBOARDING ANSWER")
_BOARD = re.compile(r"^Board: (.*) \(([0-9a-f-]{36})\)$", re.MULTILINE)
_ASKED = re.compile(r"^Questions asked so far: (\d+)$", re.MULTILINE)
_SAID = re.compile(r"^Questions asked so far: (\d+)\n\n(.*?)\n\nYou are ", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    options: tuple[str, ...]
    typed: bool = False


_QUESTIONS = (
    _Question(
        "What is this board for?",
        ("Ship a product or a release", "Run a service day by day", "Find something out"),
        typed=True,
    ),
    _Question(
        "How do you see that it succeeded?",
        ("Everything planned is done", "Users say so", "A number reaches its target"),
    ),
    _Question("By when?", ("Within four weeks", "Within a quarter", "There is no date")),
    _Question("What shall the lead be called?", ("Ada", "Linus", "Grace", "Wei")),
    _Question(
        "How much may the lead decide alone?",
        ("Ask me first", "Decide small things", "Decide everything"),
    ),
    _Question("How often do you want to hear from it?", ("At once", "Once a day", "Once a week")),
    _Question("Is there anything else that should be known?", ("No, that is all",), typed=True),
)
_AUTONOMY = {"Ask me first": "ask_first", "Decide everything": "autonomous"}
_CADENCE = {"At once": "asap", "Once a week": "weekly"}


def is_interview(message: str) -> bool:
    """Whether a message belongs to an interview."""
    return message.startswith(HEADS)


def interview(message: str, transcript: Sequence[str]) -> Script:
    """Ask the next question, or propose what the answers come to."""
    board, asked = _BOARD.search(message), _ASKED.search(message)
    if board is None or asked is None:
        return "I do not understand this interview."
    name, path = board[1], f"boards/{board[2]}/onboarding"
    number = int(asked[1])
    body = _asked(number) if number < len(_QUESTIONS) else _proposed(name, message, transcript)
    answer = yield ApiCall("POST", path, body)
    if answer.is_refusal:
        return f"Mission Control refused: {answer.reason}"
    return "NO_REPLY"


def _asked(number: int) -> dict[str, Any]:
    question = _QUESTIONS[number]
    options = [
        {"id": str(place), "label": label} for place, label in enumerate(question.options, 1)
    ]
    if question.typed:
        options.append({"id": "type", "label": "I will type it"})
    return {"question": question.text, "options": options}


def _proposed(board: str, message: str, transcript: Sequence[str]) -> dict[str, Any]:
    said: dict[int, str] = {}
    for text in (*transcript, message):
        for number, answer in _SAID.findall(text):
            said[int(number)] = answer.removeprefix("I will type it: ").strip()
    aim, measure = said.get(1, ""), said.get(2, "")
    profile: dict[str, str] = {"role": "Board lead", "communication_style": "brief and concrete"}
    lead: dict[str, Any] = {
        "name": said.get(4) or "Ada",
        "identity_profile": profile,
        "autonomy_level": _AUTONOMY.get(said.get(5, ""), "balanced"),
        "update_cadence": _CADENCE.get(said.get(6, ""), "daily"),
    }
    if said.get(7) and not said[7].startswith("No,"):
        lead["custom_instructions"] = said[7]
    return {
        "status": "complete",
        "board_type": "goal",
        "objective": f"{board}: {aim}" if aim else board,
        "success_metrics": {"measure": measure or "Everything planned is done"},
        "lead_agent": lead,
    }
