"""What became of every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

SHOWN_REASONS = 20


@dataclass
class TableReport:
    """One table: rows read, moved, found already moved, left with their reasons, and joined.

    A joined row has none of its own here: a task holds its tags, the history the other events.
    """

    read: int = 0
    moved: int = 0
    there: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    joined: int = 0


@dataclass
class Report:
    """All tables, in the order in which they were read."""

    tables: dict[str, TableReport] = field(default_factory=dict)

    def of(self, table: str) -> TableReport:
        """The part about one table."""
        return self.tables.setdefault(table, TableReport())

    def lines(self, *, all_reasons: bool = False) -> Iterator[str]:
        """As text: one line a table, and below it why rows were left."""
        yield f"{'table':38}{'read':>9}{'moved':>9}{'there':>9}{'left':>9}{'joined':>9}"
        for name, part in self.tables.items():
            numbers = (part.read, part.moved, part.there, len(part.left), part.joined)
            yield f"{name:38}" + "".join(f"{number:>9}" for number in numbers)
            if all_reasons:
                yield from (f"    {key}: {reason}" for key, reason in part.left)
                continue
            for reason, count in Counter(why for _, why in part.left).most_common(SHOWN_REASONS):
                yield f"    {count} × {reason}"
