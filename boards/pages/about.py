"""What the head of a board's page says about it: progress, measures, rules in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.functional import Promise

from boards.models import Board, Task
from boards.pages import field_inputs
from boards.pages.forms import POLICY, BoardEditForm


@dataclass(frozen=True, slots=True)
class About:
    """Facts of a board beside its columns."""

    done: int
    total: int
    metrics: list[tuple[str, Any]]
    rules: list[str | Promise]


def about(board: Board) -> About:
    """Progress over all tasks, whatever the filter hides."""
    counted = Task.objects.filter(board_id=board.pk).values_list("status")
    totals = dict(counted.annotate(n=Count("id")))
    words = BoardEditForm.base_fields
    return About(
        done=totals.get(Task.Status.DONE, 0),
        total=sum(totals.values()),
        metrics=[(name, _shown(value)) for name, value in (board.success_metrics or {}).items()],
        rules=[words[name].label or name for name in POLICY if getattr(board, name)],
    )


def _shown(value: Any) -> Any:
    return field_inputs.as_json(value) if isinstance(value, dict | list) else value
