"""The figures as JSON."""

from __future__ import annotations

from typing import Any

from missioncontrol.kernel.clock import iso
from missioncontrol.overview.metrics import Metrics, Pending, Series
from missioncontrol.overview.periods import Period, Periods


def dashboard(found: Metrics, pending: Pending) -> dict[str, Any]:
    """Everything that the dashboard counts."""
    laid = found.periods
    return {
        "range": laid.range.key,
        "generated_at": iso(found.generated_at),
        "kpis": _kpis(found),
        "throughput": _pair(laid, found.throughput),
        "cycle_time": _pair(laid, found.cycle_time),
        "error_rate": _pair(laid, found.error_rate),
        "wip": {
            "primary": _wip(laid, laid.primary, "primary", found.wip),
            "comparison": _wip(laid, laid.comparison, "comparison", found.wip),
        },
        "pending_approvals": {
            "total": pending.total,
            "items": [{**row, "created_at": iso(row["created_at"])} for row in pending.items],
        },
    }


def _kpis(found: Metrics) -> dict[str, Any]:
    status = found.status
    median = None if found.median_hours is None else round(found.median_hours, 4)
    return {
        "active_agents": found.active_agents,
        "tasks_in_progress": status["in_progress"],
        "inbox_tasks": status["todo"],
        "todo_tasks": status["todo"],
        "in_progress_tasks": status["in_progress"],
        "review_tasks": status["review"],
        "done_tasks": status["done"],
        "error_rate_pct": round(found.error_rate_pct, 4),
        "median_cycle_time_hours": median,
        "median_cycle_time_hours_7d": median,
    }


def _pair(laid: Periods, series: Series) -> dict[str, Any]:
    return {
        "primary": _series(laid, laid.primary, series.primary),
        "comparison": _series(laid, laid.comparison, series.comparison),
    }


def _series(laid: Periods, period: Period, values: list[float]) -> dict[str, Any]:
    return {
        "range": laid.range.key,
        "bucket": laid.range.unit,
        "points": [
            {"period": iso(at), "value": round(value, 4)}
            for at, value in zip(period.buckets, values, strict=True)
        ],
    }


def _wip(laid: Periods, period: Period, side: str, wip: dict[str, Series]) -> dict[str, Any]:
    columns = {name: getattr(series, side) for name, series in wip.items()}
    points = []
    for place, at in enumerate(period.buckets):
        counts = {name: int(values[place]) for name, values in columns.items()}
        points.append({"period": iso(at), "inbox": counts["todo"], **counts})
    return {"range": laid.range.key, "bucket": laid.range.unit, "points": points}
