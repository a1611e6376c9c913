"""Pure rules of agents: shown state, heartbeat interval, life-cycle moves, identity defaults.

Source: core specification 14.1 and 14.2; gateway protocol 4.7 for the heartbeat block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from missioncontrol.kernel.actors import AgentRole

#: Grace of the token that a rotation replaced.
PREVIOUS_TOKEN_GRACE = timedelta(minutes=15)
#: A sign of life is written down at most this often.
SEEN_EVERY = timedelta(seconds=30)
CHECK_IN_WITHIN = timedelta(seconds=30)
MAX_WAKE_ATTEMPTS = 3
NO_CHECK_IN = "Agent did not check in after wake; max wake attempts reached"
LEAST_OFFLINE_SECONDS = 600
LATE_SECONDS = 60
STALE_AFTER = timedelta(minutes=10)
#: No call of the agent for so long after a message: "delivered, no answer".
ANSWER_WITHIN = timedelta(minutes=5)
DEFAULT_HEARTBEAT: Mapping[str, Any] = {"every": "10m", "target": "none"}
MAX_ERROR_CHARS = 2000
LEAST_BEAT_SECONDS = 30
MOST_BEAT_SECONDS = 10 * 365 * 86_400
#: Further keys of the heartbeat block that the gateway knows; others are kept here only.
HEARTBEAT_EXTRAS = (
    "model", "session", "lightContext", "isolatedSession", "timeoutSeconds", "activeHours",
)  # fmt: skip

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.IGNORECASE)
_GROUP_INTERVAL = re.compile(r"([1-9]\d{0,9})([smhdw])")
_INTERVAL = re.compile(r"(?:\s*\d+(?:\.\d+)?\s*(?:ms|s|m|h|d))+\s*", re.IGNORECASE)


def interval_seconds(every: object) -> float | None:
    """Seconds of a heartbeat interval such as ``10m`` or ``1h30m``; ``None`` for off.

    A bare number counts minutes, as the gateway reads it.

    Raises:
        ValueError: not an interval.
    """
    text = str(every).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        text += "m"
    if not _INTERVAL.fullmatch(text):
        raise ValueError(f"{text!r} is no interval; write 10m, 1h30m or 0m")
    seconds = sum(float(n) * _UNIT_SECONDS[unit.lower()] for n, unit in _PART.findall(text))
    return seconds or None


def beat_interval(every: str) -> str:
    """A group's interval as it is stored: one number and one unit that the gateway knows.

    Weeks become days. Source: core specification 5.

    Raises:
        ValueError: no such interval, below 30 seconds, above ten years.
    """
    text = "".join(every.lower().split())
    found = _GROUP_INTERVAL.fullmatch(text)
    if found is None:
        raise ValueError(f"{every!r} is no interval")
    number, unit = int(found.group(1)), found.group(2)
    if unit == "w":
        number, unit = number * 7, "d"
    if not LEAST_BEAT_SECONDS <= number * _UNIT_SECONDS[unit] <= MOST_BEAT_SECONDS:
        raise ValueError(f"{every!r} is out of range")
    return f"{number}{unit}"


def heartbeat_of(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """The stored heartbeat settings over the defaults."""
    return {**DEFAULT_HEARTBEAT, **(stored or {})}


def heartbeat_seconds(stored: Mapping[str, Any] | None) -> float | None:
    """Interval of an agent's heartbeat; an unreadable one counts as the default."""
    try:
        return interval_seconds(heartbeat_of(stored)["every"])
    except ValueError:
        return interval_seconds(DEFAULT_HEARTBEAT["every"])


def offline_after_seconds(stored: Mapping[str, Any] | None) -> float:
    """Silence after which an agent counts as offline: max(10 min, 1.5 heartbeats)."""
    return max(float(LEAST_OFFLINE_SECONDS), 1.5 * (heartbeat_seconds(stored) or 0.0))


def is_late(stored: Mapping[str, Any] | None, before: datetime | None, now: datetime) -> bool:
    """Whether a sign of life came later than one interval and a minute after the one before."""
    every = heartbeat_seconds(stored)
    if before is None or every is None:
        return False
    return (now - before).total_seconds() > every + LATE_SECONDS


_AS_STORED = frozenset({"deleting", "updating", "error", "paused", "draft", "offline"})


class Sighted(Protocol):
    """The fields of an agent that its shown state depends on."""

    status: Any
    last_seen_at: Any
    gateway_seen_at: Any
    heartbeat_config: Any


def last_sign(agent: Sighted) -> datetime | None:
    """The last sign of life: a call of the agent, or what its gateway showed of an adopted one.

    Before its first call there is none: what the gateway sees proves no way to us.
    """
    called: datetime | None = agent.last_seen_at
    shown: datetime | None = agent.gateway_seen_at
    return called if called is None or shown is None else max(called, shown)


def displayed(agent: Sighted, *, now: datetime) -> str:
    """What people see of a stored state."""
    if agent.status in _AS_STORED:
        return str(agent.status)
    seen = last_sign(agent)
    if seen is None:
        return "provisioning"
    silent = (now - seen).total_seconds()
    return "offline" if silent > offline_after_seconds(agent.heartbeat_config) else "online"


def provision_state(status: str, work: str, error: str) -> str:
    """``none``, ``pending``, ``ready`` or ``failed``, for scripts that wait."""
    if status == "draft":
        return "none"
    if status == "error" or (status == "offline" and error):
        return "failed"
    return "pending" if work in ("provision", "update") else "ready"


class Happening(StrEnum):
    """What moves an agent from one stored state to another."""

    ATTACHED = "attached"
    CHANGED = "changed"
    SET_UP = "set_up"
    FAILED = "failed"
    SEEN = "seen"
    GAVE_UP = "gave_up"
    PAUSED = "paused"
    DELETED = "deleted"
    DETACHED = "detached"
    STALE = "stale"


_LIVE = ("provisioning", "updating", "online", "offline", "error")
_MOVES: Mapping[Happening, Mapping[str, str]] = {
    Happening.ATTACHED: dict.fromkeys(("draft", *_LIVE), "provisioning"),
    Happening.CHANGED: {**dict.fromkeys(_LIVE, "updating"), "provisioning": "provisioning"},
    # Remote steps succeeded; being told to wake up proves nothing, so "online" waits for a call.
    Happening.SET_UP: {"provisioning": "provisioning", "updating": "online", "error": "online"},
    Happening.FAILED: dict.fromkeys(_LIVE, "error"),
    Happening.SEEN: dict.fromkeys(("provisioning", "online", "offline", "error"), "online"),
    Happening.GAVE_UP: dict.fromkeys(_LIVE, "offline"),
    Happening.PAUSED: dict.fromkeys(("draft", *_LIVE), "paused"),
    Happening.DELETED: dict.fromkeys(("draft", "paused", "deleting", *_LIVE), "deleting"),
    Happening.DETACHED: dict.fromkeys(("draft", "paused", *_LIVE), "draft"),
    Happening.STALE: {"updating": "error", "provisioning": "error"},
}


def after(status: str, happening: Happening) -> str | None:
    """The state that follows, ``None`` where the happening changes nothing."""
    return _MOVES[happening].get(status)


def role_of(agent_type: str) -> AgentRole:
    """Role of an actor from the stored type."""
    return AgentRole(agent_type)


def remote_is_ours(remote_id: str) -> bool:
    """Whether a remote agent id has one of the forms that this product creates."""
    return remote_id.startswith(("mc-", "lead-"))


_PROFILE_DEFAULTS = {
    "worker": {"role": "Generalist", "emoji": ":gear:"},
    "lead": {"role": "Board Lead", "emoji": ":gear:"},
    "main": {"role": "Gateway Agent", "emoji": ":compass:"},
}


def identity_of(agent_type: str, profile: Mapping[str, Any] | None) -> dict[str, str]:
    """Identity profile with its defaults; every value is a line of text."""
    facts = {"communication_style": "direct, concise, practical", **_PROFILE_DEFAULTS[agent_type]}
    return {**facts, **clean_profile(profile)}


def clean_profile(profile: Mapping[str, Any] | None) -> dict[str, str]:
    """Profile values as trimmed text: lists joined by commas, blanks dropped."""
    cleaned: dict[str, str] = {}
    for key, value in (profile or {}).items():
        parts = value if isinstance(value, list | tuple) else [value]
        text = ", ".join(str(p).strip() for p in parts if p is not None and str(p).strip())
        if text and str(key).strip():
            cleaned[str(key).strip()] = text
    return cleaned
