"""Pure rules of onboarding interviews."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

#: Silence of the agent after which people are told.
SILENT_SECONDS = 120
LEAST_QUESTIONS, MOST_QUESTIONS = 6, 10
DEFAULT_LEAD = "Lead Agent"
_AUTONOMOUS = frozenset({"autonomous", "fully-autonomous", "full-autonomy"})
#: Facts of a proposed lead that become part of its identity.
_IN_PROFILE = (
    "autonomy_level", "verbosity", "output_format", "update_cadence", "custom_instructions",
)  # fmt: skip

_TYPED = frozenset({"type", "typed", "other", "custom", "free_text"})
_TYPES = re.compile(r"\btype\b|\bother\b|自己输入|其他", re.IGNORECASE)

Said = Sequence[Mapping[str, Any]]


def content_of(answer: str, other_text: str | None) -> str:
    """What a person said: the option, and what he typed to it."""
    typed = (other_text or "").strip()
    return f"{answer.strip()}: {typed}" if typed else answer.strip()


def message(role: str, content: str, now: datetime) -> dict[str, str]:
    """One entry of an interview."""
    return {"role": role, "content": content, "timestamp": now.isoformat().replace("+00:00", "Z")}


def read(content: str) -> dict[str, Any]:
    """What an assistant's entry holds; anything else is nothing."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def questions_in(messages: Said) -> int:
    """How many questions were asked so far."""
    return sum("question" in read(m["content"]) for m in messages if m["role"] == "assistant")


def is_typed(option: Mapping[str, Any]) -> bool:
    """Whether an option lets the person write his own answer."""
    return str(option.get("id", "")).lower() in _TYPED or bool(
        _TYPES.search(str(option.get("label", "")))
    )


def is_users_turn(messages: Said) -> bool:
    """Whether the agent spoke last."""
    return bool(messages) and messages[-1]["role"] == "assistant"


def silent_seconds(messages: Said, now: datetime) -> int:
    """Seconds that the agent owes an answer; 0 while it is the person's turn."""
    if not messages or is_users_turn(messages):
        return 0
    at = parse_datetime(str(messages[-1]["timestamp"]))
    return max(0, int((now - at).total_seconds())) if at else 0


def is_autonomous(draft: Mapping[str, Any] | None) -> bool:
    """Whether the proposed lead is to work without asking."""
    lead = (draft or {}).get("lead_agent") or {}
    profile = lead.get("identity_profile") or {}
    words = [lead.get("autonomy_level"), *(profile.get(n) for n in _AUTONOMY_FIELDS)]
    return any(_says_autonomous(word) for word in words if isinstance(word, str))


_AUTONOMY_FIELDS = ("autonomy_level", "autonomy", "mode")


def _says_autonomous(word: str) -> bool:
    text = word.strip().lower().replace("_", "-").replace(" ", "-")
    return text in _AUTONOMOUS or ("fully" in text and "autonom" in text)


def identity_of(draft: Mapping[str, Any] | None) -> dict[str, Any]:
    """Identity profile of the proposed lead."""
    lead = (draft or {}).get("lead_agent") or {}
    profile = {k: v for k, v in (lead.get("identity_profile") or {}).items() if v}
    return {**profile, **{name: lead[name] for name in _IN_PROFILE if lead.get(name)}}


def lead_name(draft: Mapping[str, Any] | None) -> str:
    """Name of the proposed lead."""
    return str(((draft or {}).get("lead_agent") or {}).get("name") or DEFAULT_LEAD)


def user_facts(draft: Mapping[str, Any] | None) -> dict[str, str]:
    """What the person said about himself, without blanks."""
    return {k: v for k, v in ((draft or {}).get("user_profile") or {}).items() if v}
