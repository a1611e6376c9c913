"""Cases of one operation: what Schemathesis draws, steered towards rows that exist."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.generation.feedback import NO_FEEDBACK

from tests.fuzz.pools import PARAMETER, by_name

#: One generated id in so many stays as it is.
STRANGERS = 8
#: One body in so many, and one field in so many that may be left out, stays as it is.
LEAN = 3
#: Values of fields whose form the document tells in words; most bodies hold one where it belongs.
HINTS: dict[str, str | int] = {
    "invited_email": "somebody@example.org", "url": "https://hooks.example.org/events",
    "limit": "10.5", "action_type": "deploy", "lead_reasoning": "Tested twice.", "confidence": 80,
    "status": "todo", "priority": "high", "color": "a1b2c3", "scope": "read",
}  # fmt: skip
#: Never left out: without it the operations that may be told a board elsewhere refuse.
KEPT = frozenset({"board_id", "action_type", "lead_reasoning", "confidence"})
#: Of so many cases one does not fit the document, and has to be refused well.
MODES = (GenerationMode.POSITIVE,) * 3 + (GenerationMode.NEGATIVE,) * 2


def drawn(operation: Any) -> st.SearchStrategy[Any]:
    """Cases that fit the document, and some that do not."""
    kinds = {mode: operation.as_strategy(mode, feedback=NO_FEEDBACK) for mode in MODES}
    return st.sampled_from(MODES).flatmap(kinds.__getitem__)


def fitting(operation: Any, **fixed: Any) -> st.SearchStrategy[Any]:
    """Cases that fit the document."""
    found: st.SearchStrategy[Any] = operation.as_strategy(
        GenerationMode.POSITIVE, feedback=NO_FEEDBACK, **fixed
    )
    return found


@dataclass(frozen=True)
class Reach:
    """Puts ids of known rows in the place of most generated ones."""

    pools: dict[str, list[str]]
    named: dict[str, list[str]]
    required: dict[str, frozenset[str]]
    kept: dict[str, frozenset[str]]

    @classmethod
    def of(cls, pools: dict[str, list[str]], document: dict[str, Any]) -> Reach:
        """Known ids by the path that ends in them, and by the name of their parameter."""
        shapes = _bodies(document)
        required = {name: frozenset(one.get("required", ())) for name, one in shapes.items()}
        kept = {
            name: KEPT & set(one["properties"])
            for name, one in shapes.items()
            if name.startswith("POST") and "properties" in one
        }
        return cls(pools, by_name(pools), required, kept)

    def steer(self, case: Any, *, keep_path: bool = False) -> None:
        """Change a case so that it reaches rows, and more often says no more than it must."""
        if not keep_path:
            self._path(case)
        if isinstance(case.body, dict) and _draw(case.body) % LEAN:
            self._lean(case)
        if isinstance(case.query, dict):
            self._fields(case.query)
        if isinstance(case.body, dict):
            self._fields(case.body)
            _hint(case.body)
            self._complete(case)

    def _lean(self, case: Any) -> None:
        """Leave out most of what may be left out: each field is one more reason to be refused."""
        needed = self.required.get(case.operation.label)
        if needed is not None:
            for name, value in list(case.body.items()):
                if name not in needed | KEPT and _draw((name, value)) % LEAN:
                    del case.body[name]

    def _complete(self, case: Any) -> None:
        """Add what an operation asks for beyond what its document calls required."""
        for name in sorted(self.kept.get(case.operation.label, ())):
            if case.body.get(name) is None and _draw((name, case.body)) % LEAN:
                case.body[name] = HINTS.get(name) or self.named["board_id"][0]

    def _path(self, case: Any) -> None:
        """Rows that exist in most paths; the last one differs, its parents are the same."""
        path = case.operation.full_path
        ends = list(PARAMETER.finditer(path))
        for match in ends:
            name = match.group(1)
            pool = self.pools.get(path[: match.end()]) or self.named.get(name, [])
            value = case.path_parameters.get(name)
            if isinstance(value, str):
                is_parent = match is not ends[-1]
                case.path_parameters[name] = _known(value, pool, first=is_parent)

    def _fields(self, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            single = name.removesuffix("s") if name.endswith("_ids") else name
            pool = next((ids for known, ids in self.named.items() if single.endswith(known)), [])
            if isinstance(value, list):
                fields[name] = [self._one(one, pool if single != name else []) for one in value]
            else:
                fields[name] = self._one(value, pool if single == name else [])

    def _one(self, value: Any, pool: list[str]) -> Any:
        if isinstance(value, dict):
            self._fields(value)
        return _known(value, pool, first=False) if isinstance(value, str) else value


def _hint(body: dict[str, Any]) -> None:
    for name, hint in HINTS.items():
        if isinstance(body.get(name), type(hint)) and _draw(body[name]) % LEAN:
            body[name] = hint


def _bodies(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Shapes of bodies by operation."""
    found: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            if name:
                found[f"{method.upper()} {path}"] = document["components"]["schemas"][name]
    return found


def _draw(value: Any) -> int:
    return zlib.crc32(repr(value).encode())


def _known(value: Any, ids: list[str], *, first: bool) -> Any:
    """A known id instead of most generated ones; the first, when others hang below it."""
    number = _draw(value)
    if not ids or number % STRANGERS == 0:
        return value
    return ids[0] if first else ids[number // STRANGERS % len(ids)]
