"""``settings.md``: every setting with type and default, its words from the sample file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from missioncontrol.settings.env import ROOT, Env

HEAD = """# Settings

Written by `make reference` from `missioncontrol/settings/env.py` and `.env.example`. Settings come
from the environment, else from `.env` at the root. All are optional outside of production.
"""
SECTION = re.compile(r"^# --- (.+?) -*$")
LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$")
KINDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "folder"}


@dataclass
class Entry:
    """One block of the sample: names that one comment explains."""

    section: str
    words: list[str] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


def render() -> str:
    """The page."""
    known = by_name()
    lines = [HEAD]
    section = ""
    for entry in entries((ROOT / ".env.example").read_text()):
        if entry.section != section:
            section = entry.section
            lines += [f"\n## {section}\n", "| Name | Type | Default | Meaning |"]
            lines.append("| --- | --- | --- | --- |")
        words = " ".join(entry.words).replace("|", "\\|")
        for number, (name, sample) in enumerate(entry.names):
            kind, default = _known(known.get(name), sample)
            said = words if number == 0 else "as above"
            lines.append(f"| `{name}` | {kind} | {default} | {said} |")
    return "\n".join(lines) + "\n"


def by_name() -> dict[str, FieldInfo]:
    """Fields of the reader by every name that they are read under."""
    found: dict[str, FieldInfo] = {}
    for name, info in Env.model_fields.items():
        alias = info.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [name.upper()]
        found |= {str(one): info for one in names}
    return found


def entries(sample: str) -> list[Entry]:
    """Blocks of the sample in order."""
    found: list[Entry] = []
    section = "General"
    current = Entry(section)
    for line in sample.splitlines():
        if match := SECTION.match(line):
            section = match.group(1)
        elif match := LINE.match(line):
            current.names.append((match.group(1), match.group(2)))
            continue
        elif line.startswith("# ") and section != "General":
            if current.names:
                found.append(current)
                current = Entry(section)
            current.section = section
            current.words.append(line[2:].strip())
            continue
        if current.names:
            found.append(current)
        current = Entry(section)
    return [*found, current] if current.names else found


def _known(info: FieldInfo | None, sample: str) -> tuple[str, str]:
    """Type and default of a setting; one that the reader does not know is of the container set."""
    if info is None:
        return "container installation", f"`{sample}`" if sample else ""
    default = "" if info.default_factory or info.is_required() else _default(info.default)
    return _kind(info.annotation), default


def _default(value: Any) -> str:
    if value is None or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(annotation))
    plain = [one for one in get_args(annotation) if one is not type(None)]
    return KINDS.get(plain[0] if plain else annotation, "text")
