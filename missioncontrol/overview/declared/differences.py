"""What differs between the file and the organization, and making it the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from django.db import transaction

from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Invalid
from missioncontrol.overview.declared.kinds import KINDS, Facts, Kind, Names
from orgs.models import Organization


@dataclass(frozen=True)
class Step:
    """One thing to make, change or delete; ``changes`` maps a field to (is, should be)."""

    verb: Literal["create", "change", "delete"]
    kind: Kind
    key: str
    changes: dict[str, tuple[Any, Any]]

    def lines(self) -> Iterator[str]:
        """As text, in the manner of a diff."""
        sign = {"create": "+", "change": "~", "delete": "-"}[self.verb]
        yield f"{sign} {self.kind.name} {self.key}"
        for field, (old, new) in self.changes.items():
            before = "" if self.verb == "create" else f"{old!r} → "
            yield f"    {field}: {before}{new!r}"


def load(path: Path) -> dict[str, Any]:
    """Read and check a file.

    Raises:
        Invalid: unreadable, or with words that nothing here knows; all of them are named.
    """
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Invalid(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(found, dict):
        raise Invalid(f"{path} holds no lists of boards, groups, tags or custom fields.")
    faults = list(_faults(found))
    if faults:
        raise Invalid("\n".join(faults))
    return found


def _faults(found: dict[str, Any]) -> Iterator[str]:
    yield from (f"Unknown list {name!r}." for name in sorted(set(found) - set(KINDS)))
    for name, kind in KINDS.items():
        entries = found.get(name) or []
        if not isinstance(entries, list):
            yield f"{name} must be a list."
            continue
        seen: set[str] = set()
        for place, entry in enumerate(entries, 1):
            if not isinstance(entry, dict) or not isinstance(entry.get(kind.key), str):
                yield f"{name}, entry {place}: it needs {kind.key}."
                continue
            key = entry[kind.key]
            if key in seen:
                yield f"{name} {key}: it stands there twice."
            seen.add(key)
            for field in sorted(set(entry) - {kind.key, *kind.fields}):
                yield f"{name} {key}: unknown field {field!r}."


def describe(organization: Organization) -> dict[str, list[Facts]]:
    """The organization as a file; compared with it, nothing differs."""
    return {
        name: [
            {kind.key: getattr(row, kind.key), **kind.shown(row)}
            for row in _rows(kind, organization).values()
        ]
        for name, kind in KINDS.items()
    }


def _rows(kind: Kind, organization: Organization) -> dict[str, Any]:
    rows = kind.model._default_manager.filter(organization_id=organization.pk)  # noqa: SLF001
    return {getattr(row, kind.key): row for row in rows.order_by(kind.key)}


def compare(
    organization: Organization, wanted: dict[str, Any], *, prune: bool = False
) -> list[Step]:
    """Steps that make the organization as the file says, in the order in which they work."""
    steps: list[Step] = []
    gone: list[Step] = []
    for name, kind in KINDS.items():
        if name not in wanted:
            continue
        rows = _rows(kind, organization)
        entries = {entry[kind.key]: entry for entry in wanted[name] or []}
        for key, entry in entries.items():
            declared = {field: entry[field] for field in kind.fields if field in entry}
            if key not in rows:
                changes = {field: (None, value) for field, value in declared.items()}
                steps.append(Step("create", kind, key, changes))
                continue
            shown = kind.shown(rows[key])
            changes = {
                field: (shown[field], value)
                for field, value in declared.items()
                if not _same(shown[field], value)
            }
            if changes:
                steps.append(Step("change", kind, key, changes))
        if prune:
            gone += [Step("delete", kind, key, {}) for key in rows if key not in entries]
    return steps + gone[::-1]


def _same(is_now: Any, should_be: Any) -> bool:
    if isinstance(is_now, list) and isinstance(should_be, list):
        return sorted(map(str, is_now)) == sorted(map(str, should_be))
    return bool(is_now == should_be) or (is_now in ("", None) and should_be in ("", None))


@transaction.atomic
def apply(
    actor: Actor, organization: Organization, wanted: dict[str, Any], *, prune: bool = False
) -> list[Step]:
    """Make the organization as the file says: every step, or none.

    Raises:
        DomainError: a step that a rule refuses.
    """
    steps = compare(organization, wanted, prune=prune)
    names = Names(organization.pk)
    for step in steps:
        values = {field: new for field, (_, new) in step.changes.items()}
        if step.verb == "create":
            step.kind.make(actor, names, {step.kind.key: step.key, **values})
            continue
        row = _rows(step.kind, organization)[step.key]
        if step.verb == "change":
            step.kind.change(actor, names, row, values)
        else:
            step.kind.drop(actor, row)
    return steps
