"""The tables of who may do what: one line per call, with the callers that get through."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A parsed line of a table: method (or socket), path (or frame type), callers let through."""

    method: str
    path: str
    callers: frozenset[str]

    @property
    def name(self) -> str:
        """The call as the table writes it."""
        return f"{self.method} {self.path}"


def parse(table: str) -> list[Row]:
    """Lines ``METHOD path : callers``; ``*`` is everybody."""
    found = []
    for line in table.strip().splitlines():
        call, _, callers = line.partition(" :")
        method, path = call.split()
        found.append(Row(method, path, frozenset(callers.split())))
    return found


def names(pattern: str) -> str:
    """A Django path as the tables write it."""
    short = {"task_ref": "task"}
    return re.sub(
        r"<(?:\w+:)?(\w+)>",
        lambda m: f"<{short.get(m.group(1), m.group(1).removesuffix('_id'))}>",
        pattern,
    )
