"""Pure rules of approvals: reason, tasks, confidence, rubric, who may follow which state.

Source: core specification 13.1 and 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid

MAX_TASKS = 50
MAX_RUBRIC_ENTRIES = 50
CONFIDENT_FROM = 80.0
_TASK_LISTS = ("task_ids", "taskIds", "taskIDs")
_TASK_KEYS = ("task_id", "taskId", "taskID")

Payload = Mapping[str, Any]


class Step(StrEnum):
    """What a wanted status means for the present one."""

    NOTHING = "nothing"
    DECIDE = "decide"
    REOPEN = "reopen"
    REFUSE = "refuse"


#: ``(present, wanted)`` to step; what is missing is refused.
STEPS: Mapping[tuple[str, str], Step] = {
    ("pending", "pending"): Step.NOTHING,
    ("pending", "approved"): Step.DECIDE,
    ("pending", "rejected"): Step.DECIDE,
    ("approved", "approved"): Step.NOTHING,
    ("approved", "pending"): Step.REOPEN,
    ("rejected", "rejected"): Step.NOTHING,
    ("rejected", "pending"): Step.REOPEN,
}


def step(present: str, wanted: str) -> Step:
    """What has to happen so that ``present`` becomes ``wanted``."""
    return STEPS.get((present, wanted), Step.REFUSE)


def reason_of(payload: Payload | None, *given: str | None) -> str:
    """The requester's reason: the payload's, else the first non-blank of ``given``, else empty."""
    inner = payload or {}
    decision = inner.get("decision")
    nested = decision.get("reason") if isinstance(decision, Mapping) else None
    for text in (inner.get("reason"), nested, *given):
        if isinstance(text, str) and text.strip():
            return text.strip()
    return ""


def with_reason(payload: Payload | None, *given: str | None) -> dict[str, Any]:
    """The payload with its mandatory reason under ``reason``.

    Raises:
        Invalid: no reason in any of the places.
    """
    reason = reason_of(payload, *given)
    if not reason:
        raise Invalid(_("lead reasoning is required"), code="reason_required", field="payload")
    return {**(payload or {}), "reason": reason}


def task_ids_of(
    task_id: UUID | None, task_ids: Iterable[UUID], payload: Payload | None
) -> list[UUID]:
    """Every task that a request names, in order and once: explicit ones, then the payload's.

    Entries of the payload that are no UUID are ignored.

    Raises:
        Invalid: more than ``MAX_TASKS``.
    """
    found = [task_id] if task_id else []
    found += list(task_ids)
    inner = payload or {}
    for key in _TASK_LISTS:
        listed = inner.get(key)
        found += [u for u in map(_uuid, listed if isinstance(listed, list) else []) if u]
    found += [u for u in (_uuid(inner.get(key)) for key in _TASK_KEYS) if u]
    once = list(dict.fromkeys(found))
    if len(once) > MAX_TASKS:
        raise Invalid(
            _("An approval names at most %(n)s tasks.") % {"n": MAX_TASKS}, field="task_ids"
        )
    return once


def _uuid(raw: Any) -> UUID | None:
    if isinstance(raw, UUID):
        return raw
    try:
        return UUID(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def check_confidence(confidence: float | None) -> float | None:
    """A confidence from 0 to 100, or none.

    Raises:
        Invalid: out of range or not a number.
    """
    if confidence is None:
        return None
    if not math.isfinite(confidence) or not 0 <= confidence <= 100:
        raise Invalid(_("The confidence is a number from 0 to 100."), field="confidence")
    return float(confidence)


def check_rubric(scores: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Rubric scores: names with whole numbers from 0 to 100, or none.

    Raises:
        Invalid: another kind of value, out of range, or too many.
    """
    if scores is None:
        return None
    for name, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= 100:
            raise Invalid(
                _("The score %(name)s is a whole number from 0 to 100.") % {"name": name[:80]},
                field="rubric_scores",
            )
    if len(scores) > MAX_RUBRIC_ENTRIES:
        raise Invalid(_("At most %(n)s scores.") % {"n": MAX_RUBRIC_ENTRIES}, field="rubric_scores")
    return dict(scores)


def suggested_confidence(scores: Mapping[str, int] | None) -> float | None:
    """Confidence that rubric scores suggest: their sum, at most 100."""
    return float(min(100, sum(scores.values()))) if scores else None


def is_approval_required(
    confidence: float | None, *, is_external: bool = False, is_risky: bool = False
) -> bool:
    """Policy for requesters: outside effects, risk, or less than 80 of 100 sure."""
    return is_external or is_risky or confidence is None or confidence < CONFIDENT_FROM


def status_of_decision(decision: str) -> str:
    """Status that a gateway's decision word means: ``allow-*`` approves, all else denies."""
    return "approved" if decision.startswith("allow") else "rejected"


def decision_of_status(status: str) -> str:
    """Word that a gateway is told; whatever is not approved is denied."""
    return "allow-once" if status == "approved" else "deny"
