"""``errors.md`` and ``events.md``: what can be refused, and what is recorded."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from activity import types
from missioncontrol.kernel import errors
from missioncontrol.settings.env import ROOT

ERRORS = """# Refusals

Written by `make reference` from the error classes and the places that raise them. Every refusal is
`application/problem+json` with `type`, `title`, `status`, `detail` (for people), `code` (for
programs) and `request_id`; a refusal of input has `errors`, a list of `{"loc", "msg", "type"}`.
Answers to agents add `retryable`.
"""
EVENTS = """# Events

Written by `make reference` from `activity/types.py`. *Type* is stored and used by rules; *feed* is
the name in `GET /activity` where an earlier API used another; *frame* is the type that a board's
socket sends. Audited events also enter the hash chain.
"""
APPS = ("activity", "orgs", "governance", "gateways", "boards", "agents", "missioncontrol")


def render_errors() -> str:
    """The page of refusals."""
    classes = {kind.__name__: kind for kind in _tree(errors.DomainError)}
    lines = [
        ERRORS,
        "## Kinds\n",
        "| Status | Code | Title | Meaning |",
        "| --- | --- | --- | --- |",
    ]
    for kind in sorted(classes.values(), key=lambda one: (one.status, one.code)):
        meaning = (kind.__doc__ or "").splitlines()[0]
        lines.append(f"| {kind.status} | `{kind.code}` | {kind.title} | {meaning} |")
    lines += ["\n## Codes\n", "Codes that a place gives instead of the kind's own.\n"]
    lines += ["| Code | Status | Raised in |", "| --- | --- | --- |"]
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for app, kind_name, code in raised(frozenset(classes)):
        found[code, classes[kind_name].status].add(app)
    lines += [
        f"| `{code}` | {status} | {', '.join(sorted(places))} |"
        for (code, status), places in sorted(found.items())
    ]
    return "\n".join(lines) + "\n"


def _tree(kind: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _tree(child)


def raised(names: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Application, class and code of every refusal that names a code."""
    for app in APPS:
        for file in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in file.parts:
                for kind, code in _codes(file, names):
                    yield app, kind, code


def _codes(file: Path, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        for word in node.keywords:
            value = word.value
            if called in names and word.arg == "code" and isinstance(value, ast.Constant):
                yield called, str(value.value)


def render_events() -> str:
    """The page of events."""
    lines = [
        EVENTS,
        "| Type | Feed | Frame | Audited | Sentence |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, entry in sorted(types.TYPES.items()):
        wire = f"`{entry.wire}`" if entry.wire else ""
        frame = f"`{entry.frame}`" if entry.frame else ""
        audit = "yes" if entry.audit else ""
        lines.append(f"| `{name}` | {wire} | {frame} | {audit} | {entry.sentence} |")
    return "\n".join(lines) + "\n"
