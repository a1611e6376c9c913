"""Pure rules of boards and tasks: who may move what, effects of a status, gates, keys, versions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

Status = Literal["todo", "in_progress", "review", "done"]
STATUSES: tuple[Status, ...] = ("todo", "in_progress", "review", "done")
STARTED: frozenset[str] = frozenset({"in_progress", "review", "done"})
PRIORITIES = ("critical", "high", "medium", "low")
ALIASES = {"inbox": "todo"}
MAX_DEPENDENCIES = 200
MAX_EVENT_TEXT = 2_000
MAX_EVENT_IDS = 50

POLICY_FIELDS = frozenset(
    {
        "require_approval_for_done",
        "approval_gate_scope",
        "require_review_before_done",
        "comment_required_for_review",
        "block_status_changes_with_pending_approval",
        "only_lead_can_change_status",
        "max_agents",
        "execution_policy",
    }
)


class Mover(StrEnum):
    """As what an actor changes a task."""

    USER = "user"
    LEAD = "lead"
    WORKER = "worker"


#: Status changes by kind of mover (core specification 10.4).
MOVES: Mapping[Mover, frozenset[tuple[str, str]]] = {
    Mover.USER: frozenset((a, b) for a in STATUSES for b in STATUSES if a != b),
    Mover.WORKER: frozenset((a, b) for a in STATUSES for b in STATUSES if a != b),
    Mover.LEAD: frozenset({("review", "done"), ("review", "todo"), ("todo", "in_progress")}),
}

#: Fields that a PATCH may name, by kind of mover; ``None`` means every field.
WRITABLE: Mapping[Mover, frozenset[str] | None] = {
    Mover.USER: None,
    Mover.LEAD: frozenset(
        {"assigned_agent_id", "status", "depends_on_task_ids", "tag_ids", "custom_field_values"}
    ),
    Mover.WORKER: frozenset({"status", "custom_field_values"}),
}


def parse_status(raw: str) -> str | None:
    """A status as clients write it: ``inbox`` in any case means ``todo``; ``None`` if unknown."""
    text = raw.strip().lower()
    text = ALIASES.get(text, text)
    return text if text in STATUSES else None


def fingerprint(board_id: UUID, title: str, description: str | None) -> str:
    """Hash that equal work on one board shares."""
    text = f"{board_id}::{title.strip().lower()}::{(description or '').strip().lower()}"
    return hashlib.sha256(text.encode()).hexdigest()


# --- what a status change does to the task --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """Facts that the effects of a status change depend on."""

    status: str
    in_progress_at: datetime | None
    first_in_progress_at: datetime | None
    assigned_agent_id: UUID | None
    last_worker_id: UUID | None


def effects(
    task: Moved,
    to: str,
    mover: Mover,
    *,
    agent_id: UUID | None,
    lead_id: UUID | None,
    now: datetime,
) -> dict[str, Any]:
    """Field values that a change to ``to`` sets besides the status (table of 10.4).

    Args:
        task: The task before the change.
        to: The new status, different from the present one.
        mover: As what the actor acts.
        agent_id: The acting agent, if one acts.
        lead_id: The board's lead, if it has one; asked for ``review`` only.
        now: The moment of the change.
    """
    found: dict[str, Any] = {}
    if task.status == "done":
        found |= {"done_at": None, "reopened_at": now}
    if to == "todo":
        back = task.last_worker_id if mover is Mover.LEAD and task.status == "review" else None
        found |= {"assigned_agent_id": back, "in_progress_at": None}
        if task.in_progress_at is not None:
            found["previous_in_progress_at"] = task.in_progress_at
    elif to == "in_progress":
        found["in_progress_at"] = now
        if task.first_in_progress_at is None:
            found["first_in_progress_at"] = now
        if mover is Mover.WORKER:
            found["assigned_agent_id"] = agent_id
    elif to == "review":
        found |= {"in_progress_at": None, "review_at": now, "assigned_agent_id": lead_id}
        found["previous_assignee_id"] = task.assigned_agent_id
        if task.in_progress_at is not None:
            found["previous_in_progress_at"] = task.in_progress_at
        if mover is Mover.WORKER:
            found["last_worker_id"] = found["previous_assignee_id"] = agent_id
    else:
        found["done_at"] = now
        if mover is Mover.WORKER:
            found["assigned_agent_id"] = agent_id
    return found


# --- gates ----------------------------------------------------------------------------------------


class Gate(StrEnum):
    """Conditions of a status change, asked in the order of :data:`GATES`."""

    BLOCKED = "task_blocked_cannot_transition"
    PENDING_APPROVAL = "pending_approval_blocks_status"
    REVIEW = "review_required"
    APPROVAL = "approval_required"
    COMMENT = "comment_required"


#: Order in which a change is refused (10.5): the first failing one answers.
GATES: tuple[Gate, ...] = (
    Gate.BLOCKED,
    Gate.PENDING_APPROVAL,
    Gate.REVIEW,
    Gate.APPROVAL,
    Gate.COMMENT,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a board that gates ask."""

    require_approval_for_done: bool
    approval_gate_scope: str
    require_review_before_done: bool
    comment_required_for_review: bool
    block_status_changes_with_pending_approval: bool


def gates_to_ask(policy: Policy, before: str, to: str, mover: Mover) -> tuple[Gate, ...]:
    """Gates that stand between two different statuses, in order."""
    asked = set()
    if to in STARTED:
        asked.add(Gate.BLOCKED)
    if policy.block_status_changes_with_pending_approval:
        asked.add(Gate.PENDING_APPROVAL)
    if policy.require_review_before_done and to == "done" and before != "review":
        asked.add(Gate.REVIEW)
    if policy.require_approval_for_done and to == "done" and binds(policy, mover):
        asked.add(Gate.APPROVAL)
    if policy.comment_required_for_review and to == "review":
        asked.add(Gate.COMMENT)
    return tuple(gate for gate in GATES if gate in asked)


def binds(policy: Policy, mover: Mover) -> bool:
    """Whether the approval gate binds this kind of mover."""
    return mover is not Mover.USER or policy.approval_gate_scope == "everyone"


def is_human_decision(policy: Policy, to: str, mover: Mover) -> bool:
    """A person finishes by his own move what an agent would have to ask for."""
    return to == "done" and policy.require_approval_for_done and not binds(policy, mover)


# --- order within a column ------------------------------------------------------------------------

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {digit: value for value, digit in enumerate(DIGITS)}
LONG_RANK = 48
MAX_RANK = 60


def rank_between(low: str | None, high: str | None) -> str:
    """A key strictly between two keys, in byte order; ``None`` is the open end.

    A key is an integer followed by a base-62 fraction. The integer's first letter tells its sign
    and length, so keys stay short when cards are added at either end again and again.

    Raises:
        ValueError: there is no room, or a key of another form stands in the way; the column has to
            be spread anew.
    """
    if low is not None and high is not None and low >= high:
        raise ValueError("the keys are not in order")
    key = _between(low, high)
    if (low is not None and key <= low) or (high is not None and key >= high):
        raise ValueError("no room between the keys")
    return key


def _between(low: str | None, high: str | None) -> str:
    if low is None or high is None:
        return _beyond(low, high)
    whole = _integer(low)
    if whole == _integer(high):
        return whole + _middle(low[len(whole) :], high[len(whole) :])
    following = _step(whole, +1)
    return following if following < high else whole + _middle(low[len(whole) :], None)


def _beyond(low: str | None, high: str | None) -> str:
    """A key before the first or after the last one; without either the first of all."""
    if low is not None:
        return _step(_integer(low), +1)
    if high is None:
        return "a0"
    whole = _integer(high)
    return whole if whole < high else _step(whole, -1)


def _integer(key: str) -> str:
    """The integer part: ``a`` and up are positive with 1, 2, … digits, ``Z`` and down negative."""
    head = key[:1]
    if "a" <= head <= "z":
        size = ord(head) - ord("a") + 2
    elif "A" <= head <= "Z":
        size = ord("Z") - ord(head) + 2
    else:
        raise ValueError("not a key")
    if len(key) < size or not set(key) <= set(DIGITS):
        raise ValueError("not a key")
    return key[:size]


def _step(whole: str, by: Literal[1, -1]) -> str:
    """The next or the previous integer."""
    head, digits = whole[0], list(whole[1:])
    for place in reversed(range(len(digits))):
        value = _VALUE[digits[place]] + by
        digits[place] = DIGITS[value % len(DIGITS)]
        if 0 <= value < len(DIGITS):
            return head + "".join(digits)
    full = DIGITS[-1] if by < 0 else DIGITS[0]
    if by > 0:
        if head == "z":
            raise ValueError("no room after the key")
        return "a0" if head == "Z" else chr(ord(head) + 1) + full * _size(chr(ord(head) + 1))
    if head == "A":
        raise ValueError("no room before the key")
    return "Zz" if head == "a" else chr(ord(head) - 1) + full * _size(chr(ord(head) - 1))


def _size(head: str) -> int:
    return ord(head) - ord("a") + 1 if head >= "a" else ord("Z") - ord(head) + 1


def _middle(left: str, right: str | None) -> str:
    """A fraction between two fractions that do not end in zero; ``None`` is one."""
    key = ""
    while True:
        place = len(key)
        low = _VALUE[left[place]] if place < len(left) else 0
        high = _VALUE[right[place]] if right is not None and place < len(right) else len(DIGITS)
        if high - low > 1:
            return key + DIGITS[(low + high) // 2]
        key += DIGITS[low]
        if high != low:  # from here on only the lower key binds
            right = None


def spread_ranks(count: int) -> list[str]:
    """Short keys for a whole column, in order."""
    keys: list[str] = []
    last: str | None = None
    for _place in range(count):
        last = rank_between(last, None)
        keys.append(last)
    return keys


# --- names ----------------------------------------------------------------------------------------

BOARD_KEY = re.compile(r"^[A-Z]{2,5}$")
TASK_KEY = re.compile(r"^([A-Za-z]{2,5})-(\d{1,9})$")
_MENTION = re.compile(r"(?<!\w)@([A-Za-z][\w-]{0,31})")


def key_candidates(name: str) -> list[str]:
    """Keys for a board's name, best first: initials or first letters, then variations."""
    words = re.findall(r"[A-Z]+", name.upper())
    letters = "".join(words)
    found = []
    if len(words) > 1:
        found.append("".join(word[0] for word in words)[:5])
    found += [letters[:size] for size in (3, 4, 5, 2)]
    stem = (letters or "B")[:3]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    found += [stem + a for a in alphabet]
    found += [stem[:3] + a + b for a in alphabet for b in alphabet]
    return [key for key in dict.fromkeys(found) if BOARD_KEY.match(key)]


def derive_key(name: str, taken: Collection[str]) -> str:
    """The first free key of :func:`key_candidates`.

    Raises:
        ValueError: more than seven hundred boards share three letters; a key must be chosen.
    """
    for key in key_candidates(name):
        if key not in taken:
            return key
    raise ValueError("no free key")


def slug_of(name: str) -> str:
    """Lower-case words joined by ``-``; empty when the name has no Latin letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:200]


def short_mark(name: str) -> str:
    """Six characters that tell names without Latin letters apart; the same for the same name."""
    return hashlib.sha256(name.strip().lower().encode()).hexdigest()[:6]


def mentions(text: str) -> set[str]:
    """Lower-case handles of ``@handle`` in a text; an e-mail address is no mention."""
    return {found.lower() for found in _MENTION.findall(text)}


def answers_to(name: str, handles: Collection[str]) -> bool:
    """Whether an agent of that name is meant: by its whole name or its first word."""
    whole = name.strip().lower()
    return whole in handles or (bool(whole) and whole.split()[0] in handles)


# --- versions -------------------------------------------------------------------------------------


def stale_fields(
    versions: Mapping[str, int], fields: Iterable[str], expected_version: int | None
) -> list[str]:
    """Fields among ``fields`` that were changed after ``expected_version`` (ruling 3).

    ``versions`` holds for each field the row version that last changed it.
    """
    if expected_version is None:
        return []
    return sorted(name for name in fields if versions.get(name, 1) > expected_version)


def event_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values cut to what an event may carry; ``truncated`` names what was cut."""
    found: dict[str, Any] = {}
    cut = []
    for name, value in values.items():
        if isinstance(value, str) and len(value) > MAX_EVENT_TEXT:
            cut.append(name)
            found[name] = value[:MAX_EVENT_TEXT]
        elif isinstance(value, list) and len(value) > MAX_EVENT_IDS:
            cut.append(name)
            found[name] = value[:MAX_EVENT_IDS]
        else:
            found[name] = value
    if cut:
        found["truncated"] = cut
    return found
