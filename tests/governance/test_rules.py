"""Rules of approvals, as tables."""

from __future__ import annotations

from uuid import uuid4

import pytest

from governance import rules
from missioncontrol.kernel.errors import Invalid

A, B, C = uuid4(), uuid4(), uuid4()


@pytest.mark.parametrize(
    ("payload", "given", "reason"),
    [
        ({"reason": " why "}, (), "why"),
        ({"decision": {"reason": "nested"}}, (), "nested"),
        ({}, ("lead",), "lead"),
        (None, (None, "flat"), "flat"),
        ({"reason": "  "}, ("lead",), "lead"),
        ({"reason": 5}, (), ""),
        ({"decision": "text"}, (), ""),
    ],
)
def test_reason_is_found_in_every_place(
    payload: dict[str, object] | None, given: tuple[str | None, ...], reason: str
) -> None:
    assert rules.reason_of(payload, *given) == reason


@pytest.mark.scenario("CORE-63")
def test_no_reason_is_refused() -> None:
    with pytest.raises(Invalid, match="lead reasoning is required"):
        rules.with_reason({"metadata": {"a": 1}}, None, " ")
    assert rules.with_reason({"x": 1}, "because") == {"x": 1, "reason": "because"}


def test_tasks_keep_their_order_and_appear_once() -> None:
    payload = {
        "task_ids": [str(B), "no id", 7],
        "taskIds": [str(C)],
        "taskId": str(A),
        "task_id": "x",
    }
    assert rules.task_ids_of(A, [B, A], payload) == [A, B, C]


def test_too_many_tasks_are_refused() -> None:
    with pytest.raises(Invalid):
        rules.task_ids_of(None, [uuid4() for _ in range(rules.MAX_TASKS + 1)], None)


@pytest.mark.scenario("CORE-63")
@pytest.mark.parametrize("confidence", [101, -1, float("nan"), float("inf")])
def test_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(Invalid):
        rules.check_confidence(confidence)


@pytest.mark.parametrize("confidence", [None, 0, 99.5, 100])
def test_confidence_in_its_range_is_kept(confidence: float | None) -> None:
    assert rules.check_confidence(confidence) == confidence


@pytest.mark.parametrize("scores", [{"a": 101}, {"a": -1}, {"a": True}, {"a": 1.5}, {"a": "9"}])
def test_bad_scores_are_refused(scores: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        rules.check_rubric(scores)


def test_scores_suggest_a_confidence_of_at_most_100() -> None:
    assert rules.suggested_confidence({"a": 40, "b": 30}) == 70
    assert rules.suggested_confidence({"a": 80, "b": 80}) == 100
    assert rules.suggested_confidence({}) is None


@pytest.mark.parametrize(
    ("confidence", "external", "risky", "needed"),
    [(80, False, False, False), (79.9, False, False, True), (100, True, False, True),
     (100, False, True, True), (None, False, False, True)],
)  # fmt: skip
def test_when_an_approval_is_needed(
    confidence: float | None, external: bool, risky: bool, needed: bool
) -> None:
    found = rules.is_approval_required(confidence, is_external=external, is_risky=risky)
    assert found is needed


STATES = ("pending", "approved", "rejected", "cancelled", "expired")


def test_every_pair_of_states_has_a_known_step() -> None:
    allowed = {
        ("pending", "approved"): "decide", ("pending", "rejected"): "decide",
        ("approved", "pending"): "reopen", ("rejected", "pending"): "reopen",
        ("pending", "pending"): "nothing", ("approved", "approved"): "nothing",
        ("rejected", "rejected"): "nothing",
    }  # fmt: skip
    for present in STATES:
        for wanted in ("pending", "approved", "rejected"):
            assert rules.step(present, wanted) == allowed.get((present, wanted), "refuse")


@pytest.mark.parametrize(
    ("status", "word"),
    [("approved", "allow-once"), ("rejected", "deny"), ("expired", "deny"), ("cancelled", "deny")],
)
def test_only_an_approval_allows(status: str, word: str) -> None:
    assert rules.decision_of_status(status) == word
