"""Words of the command line as JSON values."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .document import Option
from .exits import UsageError

TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def value_of(option: Option, word: str) -> Any:
    """A word as the type that the operation expects; ``null`` clears, ``@file`` reads.

    Raises:
        UsageError: it is no such value.
    """
    if word == "null" and option.place == "body":
        return None
    if word.startswith("@") and option.place == "body":
        word = read(word[1:])
    try:
        return READERS.get(option.kind, lenient)(word)
    except (ValueError, KeyError):
        raise UsageError(f"--{flag(option.name)}: {word!r} is no {option.kind}.") from None


def listed(word: str) -> Any:
    """A JSON array, or words between commas."""
    if word.lstrip().startswith("["):
        return any_json(word)
    return [part.strip() for part in word.split(",") if part.strip()]


def any_json(word: str) -> Any:
    """JSON.

    Raises:
        UsageError: it is none.
    """
    try:
        return json.loads(word)
    except ValueError:
        raise UsageError(f"This is not JSON: {word[:80]}") from None


def lenient(word: str) -> Any:
    """JSON, else the text itself."""
    try:
        return json.loads(word)
    except ValueError:
        return word


READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": lambda word: TRUTHS[word.lower()],
    "array": listed,
    "object": any_json,
}


def read(name: str) -> str:
    """Text of a file; ``-`` is standard input.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read: {error}") from None


def flag(name: str) -> str:
    """A field's name as an option."""
    return name.replace("_", "-")


def pair(word: str) -> tuple[str, str]:
    """``field=value``.

    Raises:
        UsageError: without a sign of equality.
    """
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"{word!r}: write field=value.")
    return name, value
