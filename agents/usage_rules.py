"""Pure rules of usage: what a message of a transcript took, periods, steps of a budget.

Source: gateway protocol 4.5: ``usage`` of an assistant's message holds tokens as ``input``,
``output``, ``cacheRead``, ``cacheWrite``, and ``cost.total`` in dollars where the model has a
price. A transcript hides silent replies (``NO_REPLY``); ``sessions.usage.logs`` has them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

STEPS = (50, 80, 100)
#: A gateway whose clock is ahead is believed so far.
CLOCKS_DIFFER = timedelta(hours=12)
MOST_TOKENS = 10**12
MOST_COST = Decimal(10) ** 11
_CENT = Decimal("0.000001")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Used:
    """What one answer of a model took; ``cost`` is ``None`` without a price."""

    external_id: str
    at: datetime
    model: str = ""
    provider: str = ""
    run_id: str = ""
    session_key: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal | None = None
    currency: str = "USD"


def used_in(message: Mapping[str, Any], *, session_key: str, now: datetime) -> Used | None:
    """What an assistant's message took, ``None`` for others and for those without figures."""
    usage = message.get("usage")
    if message.get("role") != "assistant" or not isinstance(usage, Mapping):
        return None
    given = _count(usage, "input", "inputTokens", "input_tokens")
    made = _count(usage, "output", "outputTokens", "output_tokens")
    cached = _count(usage, "cacheRead", "cache_read") + _count(usage, "cacheWrite")
    cost = money(_cost(usage))
    if not (given or made or cached or cost):
        return None
    own = message.get("__openclaw")
    facts: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
    return Used(
        external_id=_identity(message, facts, session_key),
        at=_moment(message.get("timestamp"), now),
        model=str(message.get("model") or "")[:200],
        provider=str(message.get("provider") or "")[:100],
        run_id=str(facts.get("runId") or "")[:80],
        session_key=session_key[:300],
        cost=cost,
        input_tokens=given,
        output_tokens=made,
        cached_tokens=cached,
    )


def used_unseen(
    log: Sequence[Mapping[str, Any]], curve: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]], *, session_key: str, now: datetime,
    written: Container[datetime] = (),
) -> list[Used]:  # fmt: skip
    """What answers took that the transcript does not show: silent replies cost as well.

    They are told apart by their time in milliseconds, also from what was read before the session
    began anew (``written``): the log goes on. It knows the sum of tokens alone; the curve tells
    input from output where a point stands for one answer.
    """
    shown = {message.get("timestamp") for message in messages}
    points = {point.get("timestamp"): point for point in curve}
    known = next((m for m in reversed(messages) if m.get("role") == "assistant"), {})
    found = []
    for row in log:
        at, total = row.get("timestamp"), _count(row, "tokens")
        is_new = at not in shown and _moment(at, now) not in written
        if row.get("role") != "assistant" or not at or not total or not is_new:
            continue
        point = points.get(at, {})
        if sum(_count(point, name) for name in _SPLIT) != total:
            point = {"input": total}
        found.append(
            Used(
                external_id=f"{session_key[:100]}@{at}"[:120], at=_moment(at, now),
                model=str(known.get("model") or "")[:200],
                provider=str(known.get("provider") or "")[:100], session_key=session_key[:300],
                cost=money(row.get("cost")), input_tokens=_count(point, "input"),
                output_tokens=_count(point, "output"),
                cached_tokens=_count(point, "cacheRead") + _count(point, "cacheWrite"),
            )
        )  # fmt: skip
    return found


_SPLIT = ("input", "output", "cacheRead", "cacheWrite")


def _identity(message: Mapping[str, Any], facts: Mapping[str, Any], session_key: str) -> str:
    known = str(facts.get("id") or "")
    if known:
        return known[:120]
    parts = [session_key, message.get("timestamp"), facts.get("seq"), message.get("content")]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _count(usage: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return min(max(0, int(value)), MOST_TOKENS) if math.isfinite(value) else 0
    return 0


def _cost(usage: Mapping[str, Any]) -> Any:
    cost = usage.get("cost")
    return cost.get("total") if isinstance(cost, Mapping) else cost


def money(value: Any) -> Decimal | None:
    """An amount with six decimals; ``None`` for what is none, is negative or beyond measure."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount >= MOST_COST:
        return None
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _moment(raw: Any, now: datetime) -> datetime:
    """A message's time in milliseconds, never far in the future; now where there is none."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 < raw < 10**14:
        at = datetime.fromtimestamp(raw / 1000, UTC)
        return at if at - now < CLOCKS_DIFFER else now
    return now


def period_start(period: str, now: datetime) -> datetime:
    """Begin of the calendar period in UTC that ``now`` lies in; weeks begin on Monday."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
    return BEGINNING


def percent_of(spent: Decimal, limit: Decimal) -> int:
    """Whole percent of a limit that is spent."""
    return int(spent * 100 / limit) if limit > 0 else 0


def step_reached(percent: int) -> int:
    """The highest step at or below a share: 0, 50, 80 or 100."""
    return max((step for step in STEPS if percent >= step), default=0)
