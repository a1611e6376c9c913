"""Sums of used tokens and money, by agent, task, board, model or day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid

from .models import UsageEntry

#: Field that tells the groups apart, and the one that names them.
GROUPS: Mapping[str, tuple[str, str]] = {
    "agent": ("agent_id", "agent_name"),
    "task": ("task_id", "task__title"),
    "board": ("board_id", "board__name"),
    "model": ("model", "model"),
    "day": ("day", "day"),
}
MOST = 200


def sums(rows: QuerySet[UsageEntry], group_by: str, *, most: int = MOST) -> list[dict[str, Any]]:
    """One row for each group and currency: days newest first, others by money, then tokens.

    Raises:
        Invalid: no such grouping.
    """
    if group_by not in GROUPS:
        raise Invalid(_("Group by agent, task, board, model or day."), field="group_by")
    key, name = GROUPS[group_by]
    if group_by == "day":
        rows = rows.annotate(day=TruncDate("at"))
    found = (
        rows.order_by()
        .values(key=F(key), name=F(name), in_currency=F("currency"))
        .annotate(**_totals())
    )
    order = (
        ("-key",) if group_by == "day" else (F("money").desc(nulls_last=True), "-tokens_out", "key")
    )
    return [_shaped(row, group_by) for row in found.order_by(*order)[:most]]


def _totals() -> dict[str, Any]:
    return {
        "tokens_in": Sum("input_tokens"),
        "tokens_out": Sum("output_tokens"),
        "tokens_cached": Sum("cached_tokens"),
        "money": Sum("cost"),
        "answers": Count("pk"),
        "unpriced": Count("pk", filter=Q(cost__isnull=True)),
    }


def _shaped(row: Mapping[str, Any], group_by: str) -> dict[str, Any]:
    key = row["key"]
    name = row["name"]
    return {
        "key": key.isoformat() if group_by == "day" else key,
        "name": name.isoformat() if group_by == "day" else name or None,
        "currency": row["in_currency"],
        **_figures(row),
    }


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "input_tokens": row["tokens_in"] or 0,
        "output_tokens": row["tokens_out"] or 0,
        "cached_tokens": row["tokens_cached"] or 0,
        "cost": row["money"],
        "answers": row["answers"],
        "unpriced": row["unpriced"],
    }


def totals(rows: QuerySet[UsageEntry]) -> list[dict[str, Any]]:
    """The sum of everything, one row for each currency."""
    found = rows.order_by().values(in_currency=F("currency")).annotate(**_totals())
    return [
        {"currency": row["in_currency"], **_figures(row)} for row in found.order_by("in_currency")
    ]


def per_day(rows: QuerySet[UsageEntry], *, until: datetime, days: int) -> list[float]:
    """Money of each of the last days, oldest first, for a small curve."""
    since = until - timedelta(days=days - 1)
    found = (
        rows.filter(at__date__gte=since.date())
        .order_by()
        .values(day=TruncDate("at"))
        .annotate(money=Sum("cost"))
    )
    by_day = {row["day"]: row["money"] or Decimal(0) for row in found}
    return [float(by_day.get((since + timedelta(days=number)).date(), 0)) for number in range(days)]
