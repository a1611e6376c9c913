"""Pure rules of boards: moves, effects, gates, ranks, keys, versions."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from boards import rules
from boards.rules import Gate, Mover

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
ME, LEAD, OTHER = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


@pytest.mark.scenario("CORE-46")
@pytest.mark.parametrize(
    ("before", "to", "fits"),
    [
        ("review", "done", True),
        ("review", "todo", True),
        ("todo", "in_progress", True),
        ("todo", "done", False),
        ("review", "in_progress", False),
        ("in_progress", "review", False),
        ("done", "todo", False),
    ],
)
def test_moves_of_a_lead(before: str, to: str, *, fits: bool) -> None:
    assert ((before, to) in rules.MOVES[Mover.LEAD]) is fits


@pytest.mark.parametrize("mover", [Mover.USER, Mover.WORKER])
def test_people_and_workers_move_everywhere(mover: Mover) -> None:
    assert len(rules.MOVES[mover]) == 12


def _effects(status: str, to: str, mover: Mover, **facts: Any) -> dict[str, Any]:
    moved = rules.Moved(
        status=status,
        in_progress_at=facts.get("began"),
        first_in_progress_at=facts.get("first"),
        assigned_agent_id=facts.get("assignee"),
        last_worker_id=facts.get("last_worker"),
    )
    return rules.effects(moved, to, mover, agent_id=ME, lead_id=LEAD, now=NOW)


@pytest.mark.parametrize(
    ("status", "to", "mover", "facts", "expected"),
    [
        ("in_progress", "todo", Mover.USER, {"began": BEGAN, "assignee": OTHER},
         {"assigned_agent_id": None, "in_progress_at": None, "previous_in_progress_at": BEGAN}),
        ("review", "todo", Mover.LEAD, {"last_worker": OTHER},
         {"assigned_agent_id": OTHER, "in_progress_at": None}),
        ("todo", "in_progress", Mover.WORKER, {},
         {"assigned_agent_id": ME, "in_progress_at": NOW, "first_in_progress_at": NOW}),
        ("todo", "in_progress", Mover.USER, {"first": BEGAN}, {"in_progress_at": NOW}),
        ("in_progress", "review", Mover.WORKER, {"began": BEGAN, "assignee": ME},
         {"assigned_agent_id": LEAD, "in_progress_at": None, "previous_in_progress_at": BEGAN,
          "review_at": NOW, "last_worker_id": ME, "previous_assignee_id": ME}),
        ("in_progress", "review", Mover.USER, {"assignee": OTHER},
         {"assigned_agent_id": LEAD, "in_progress_at": None, "review_at": NOW,
          "previous_assignee_id": OTHER}),
        ("review", "done", Mover.USER, {"assignee": OTHER}, {"done_at": NOW}),
        ("review", "done", Mover.WORKER, {}, {"done_at": NOW, "assigned_agent_id": ME}),
        ("done", "in_progress", Mover.USER, {"first": BEGAN},
         {"in_progress_at": NOW, "done_at": None, "reopened_at": NOW}),
    ],
)  # fmt: skip
def test_effects_of_a_status(
    status: str, to: str, mover: Mover, facts: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert _effects(status, to, mover, **facts) == expected


def _policy(**on: Any) -> rules.Policy:
    facts: dict[str, Any] = {
        "require_approval_for_done": False,
        "approval_gate_scope": "agents",
        "require_review_before_done": False,
        "comment_required_for_review": False,
        "block_status_changes_with_pending_approval": False,
    }
    return rules.Policy(**{**facts, **on})


@pytest.mark.parametrize(
    ("on", "before", "to", "mover", "expected"),
    [
        ({}, "todo", "in_progress", Mover.USER, (Gate.BLOCKED,)),
        ({}, "done", "todo", Mover.USER, ()),
        ({"require_approval_for_done": True}, "review", "done", Mover.USER, (Gate.BLOCKED,)),
        ({"require_approval_for_done": True}, "review", "done", Mover.LEAD,
         (Gate.BLOCKED, Gate.APPROVAL)),
        ({"require_approval_for_done": True, "approval_gate_scope": "everyone"}, "review", "done",
         Mover.USER, (Gate.BLOCKED, Gate.APPROVAL)),
        ({"require_review_before_done": True}, "review", "done", Mover.USER, (Gate.BLOCKED,)),
        ({"comment_required_for_review": True}, "todo", "review", Mover.LEAD,
         (Gate.BLOCKED, Gate.COMMENT)),
        ({"require_approval_for_done": True, "require_review_before_done": True,
          "block_status_changes_with_pending_approval": True}, "todo", "done", Mover.WORKER,
         (Gate.BLOCKED, Gate.PENDING_APPROVAL, Gate.REVIEW, Gate.APPROVAL)),
    ],
)  # fmt: skip
def test_gates_come_in_one_order(
    on: dict[str, Any], before: str, to: str, mover: Mover, expected: tuple[Gate, ...]
) -> None:
    assert rules.gates_to_ask(_policy(**on), before, to, mover) == expected


def test_a_persons_own_move_is_the_decision() -> None:
    bound = _policy(require_approval_for_done=True, approval_gate_scope="everyone")
    assert rules.is_human_decision(_policy(require_approval_for_done=True), "done", Mover.USER)
    assert not rules.is_human_decision(bound, "done", Mover.USER)
    assert not rules.is_human_decision(_policy(), "done", Mover.USER)
    assert not rules.is_human_decision(_policy(require_approval_for_done=True), "done", Mover.LEAD)


def test_ranks_stay_in_order_wherever_cards_are_put() -> None:
    chance = random.Random(7)
    for _trial in range(40):
        keys: list[str] = []
        for _card in range(150):
            place = chance.randrange(len(keys) + 1)
            low = keys[place - 1] if place else None
            high = keys[place] if place < len(keys) else None
            keys.insert(place, rules.rank_between(low, high))
        assert keys == sorted(set(keys))


def test_ranks_at_the_ends_stay_short() -> None:
    first = last = rules.rank_between(None, None)
    for _card in range(5_000):
        first, last = rules.rank_between(None, first), rules.rank_between(last, None)
    assert len(first) <= 5
    assert len(last) <= 5


@pytest.mark.parametrize(
    ("low", "high"), [("a1", "a1"), ("a2", "a1"), ("a0", "a00"), ("007", "008")]
)
def test_no_room_and_foreign_keys_are_told(low: str, high: str) -> None:
    with pytest.raises(ValueError, match=r"key|room"):
        rules.rank_between(low, high)


@pytest.mark.parametrize("count", [0, 1, 62, 63, 4_000])
def test_a_spread_column_is_in_order(count: int) -> None:
    keys = rules.spread_ranks(count)
    assert keys == sorted(set(keys))
    assert len(keys) == count


@pytest.mark.parametrize(
    ("name", "taken", "key"),
    [
        ("Operations", set(), "OPE"),
        ("Release Train", set(), "RT"),
        ("Release Train", {"RT"}, "REL"),
        ("Q1 2026 Projects", set(), "QP"),
        ("运营", set(), "BA"),
        ("X", {"XA"}, "XB"),
    ],
)
def test_keys_come_from_names(name: str, taken: set[str], key: str) -> None:
    assert rules.derive_key(name, taken) == key


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@lead please", {"lead"}),
        ("mail a@b.c", set()),
        ("(@Ann-Marie) and @bob_2!", {"ann-marie", "bob_2"}),
        ("@9lives", set()),
    ],
)
def test_mentions(text: str, handles: set[str]) -> None:
    assert rules.mentions(text) == handles


@pytest.mark.parametrize(
    ("handle", "meant"), [("writer", True), ("writer one", True), ("one", False)]
)
def test_an_agent_answers_to_its_name(handle: str, *, meant: bool) -> None:
    assert rules.answers_to("Writer One", {handle}) is meant


def test_only_fields_changed_since_conflict() -> None:
    versions = {"title": 4, "status": 2}
    assert rules.stale_fields(versions, ["title", "status", "priority"], 3) == ["title"]
    assert rules.stale_fields(versions, ["status", "priority"], 3) == []
    assert rules.stale_fields(versions, ["title"], None) == []


def test_long_values_are_cut_in_events() -> None:
    cut = rules.event_values({"description": "x" * 5_000, "title": "y", "ids": list(range(90))})
    assert (len(cut["description"]), cut["title"], len(cut["ids"])) == (2_000, "y", 50)
    assert cut["truncated"] == ["description", "ids"]


def test_equal_work_has_one_fingerprint() -> None:
    board = uuid.uuid4()
    one = rules.fingerprint(board, " Clean UP ", None)
    assert one == rules.fingerprint(board, "clean up", "  ")
    assert one != rules.fingerprint(uuid.uuid4(), "clean up", "")
