"""Order of a table, as its address names it: ``?sort=name``, turned round by a leading ``-``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order that was asked for, and the one that the head of each column leads to."""

    sort: str
    sorts: dict[str, str]
    order: list[Any]

    @property
    def context(self) -> dict[str, Any]:
        """What `ui/_sort.html` needs."""
        return {"sort": self.sort, "sorts": self.sorts}


def sorting(
    request: HttpRequest, keys: Mapping[str, Any], *, default: str, last: Sequence[str] = ("id",)
) -> Sorting:
    """Order by one of ``keys`` (column name to expression or field), then by ``last``.

    An unknown name means the default; empty values stand at the end either way.
    """
    wanted = request.GET.get("sort", default)
    wanted = wanted if wanted.removeprefix("-") in keys else default
    name = wanted.removeprefix("-")
    key = keys[name]
    key = F(key) if isinstance(key, str) else key
    first = key.desc(nulls_last=True) if wanted != name else key.asc(nulls_last=True)
    sorts = {column: f"-{column}" if wanted == column else column for column in keys}
    return Sorting(wanted, sorts, [first, *last])
