"""Answers as JSON or, on a terminal, as a table."""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

FIRST = (
    "key", "name", "title", "event_type", "action_type", "status", "priority", "agent_name",
    "assigned_agent_name", "message", "created_at", "id",
)  # fmt: skip
MOST_COLUMNS = 7
#: What a remote wrote could move the cursor or recolour the terminal.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Printer:
    """Writes answers to standard output.

    Args:
        as_json: JSON instead of tables; the default when the output is no terminal.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, body: Any, columns: Sequence[str] = ()) -> None:
        """One answer; a file is written as it came."""
        if isinstance(body, str):
            self._file(body)
        elif self.as_json:
            print(json.dumps(body, ensure_ascii=False, indent=2))  # noqa: T201 - the output
        else:
            print(self._text(body, columns))  # noqa: T201 - the output

    def _file(self, text: str) -> None:
        """A text that is no JSON: signs that a terminal obeys are left out where one shows it."""
        shown = CONTROL.sub("", text) if sys.stdout.isatty() else text
        print(shown, end="" if shown.endswith("\n") else "\n")  # noqa: T201 - the output

    def line(self, body: Any, columns: Sequence[str] = ()) -> None:
        """One record of many, on a line of its own."""
        if self.as_json:
            print(json.dumps(body, ensure_ascii=False), flush=True)  # noqa: T201 - the output
            return
        cells = [plain(body.get(name)) for name in columns] if columns else [plain(body)]
        print("  ".join(cell for cell in cells if cell), flush=True)  # noqa: T201 - the output

    def note(self, text: str) -> None:
        """A remark beside the output."""
        print(text, file=sys.stderr)  # noqa: T201 - the output

    def _text(self, body: Any, columns: Sequence[str]) -> str:
        if isinstance(body, dict) and isinstance(body.get("items"), list):
            rows = body["items"]
            text = table(rows, columns)
            total = body.get("total", len(rows))
            return text if total == len(rows) else f"{text}\n{len(rows)} of {total}"
        if isinstance(body, list):
            return table(body, columns)
        if isinstance(body, dict):
            return details(body)
        return plain(body)


def table(rows: Sequence[Any], columns: Sequence[str] = ()) -> str:
    """Rows as columns that fit the terminal."""
    if not rows:
        return "Nothing."
    if not all(isinstance(row, dict) for row in rows):
        return "\n".join(plain(row) for row in rows)
    names = list(columns) or [name for name in FIRST if any(row.get(name) for row in rows)]
    names = names[:MOST_COLUMNS] or list(rows[0])[:MOST_COLUMNS]
    cells = [[name.upper().replace("_", " ") for name in names]]
    cells += [[plain(row.get(name)) for name in names] for row in rows]
    limits = _limits(cells)
    return "\n".join(
        "  ".join(padded(cell, limit) for cell, limit in zip(row, limits, strict=True)).rstrip()
        for row in cells
    )


def _limits(cells: Sequence[Sequence[str]]) -> list[int]:
    """Width of each column: the widest ones give way until the line fits."""
    limits = [max(width(row[n]) for row in cells) for n in range(len(cells[0]))]
    space = shutil.get_terminal_size().columns - 2 * (len(limits) - 1)
    while sum(limits) > space and max(limits) > 12:
        limits[limits.index(max(limits))] -= 1
    return limits


def details(row: dict[str, Any]) -> str:
    """One object, a field per line."""
    shown = {name: plain(value) for name, value in row.items()}
    longest = max((len(name) for name in shown), default=0)
    return "\n".join(f"{name.ljust(longest)}  {value}".rstrip() for name, value in shown.items())


def plain(value: Any) -> str:
    """A value on one line, without anything that a terminal obeys."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return CONTROL.sub("", text.replace("\n", " ").replace("\t", " "))


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def padded(text: str, limit: int) -> str:
    """A text cut or filled to so many columns."""
    if width(text) > limit:
        while text and width(text) > limit - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (limit - width(text))
