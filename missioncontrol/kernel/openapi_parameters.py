"""What a handler reads of the query and of ``If-Match``, found in its source.

A handler says by ``self.query(Filter)``, ``self.listing(...)``, ``Pages(...)``,
``uuid_query(..., "name")`` or ``request.GET.get("name")`` which parameters it takes; the document
repeats it. Functions and methods of the product that it calls are followed.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

MAX_DEPTH = 4
PAGE = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 200},
    "offset": {"type": "integer", "minimum": 0, "maximum": 2**31},
}


@dataclass(slots=True)
class Reading:
    """Query parameters by name; whether ``If-Match`` is read, and ``{"ok": true}`` answered."""

    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    expects_version: bool = False
    answers_done: bool = False


def reading_of(handler: Callable[..., Any]) -> Reading:
    """What a bound handler reads."""
    owner = getattr(handler, "__self__", None)
    reading = Reading()
    plain = inspect.unwrap(getattr(handler, "__func__", handler))
    _Follower(reading, type(owner) if owner is not None else None).follow(plain, MAX_DEPTH)
    return reading


class _Follower:
    """Walks the source of a handler and of what it calls."""

    def __init__(self, reading: Reading, owner: type | None) -> None:
        self._reading = reading
        self._owner = owner
        self._seen: set[Any] = set()

    def follow(self, function: Callable[..., Any], depth: int) -> None:
        """Read one function and those that it calls."""
        code = getattr(function, "__code__", None)
        if depth == 0 or code is None or code in self._seen:
            return
        self._seen.add(code)
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError):
            return
        names = getattr(function, "__globals__", {})
        aliases = _aliases(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._call(node, names, aliases, depth)

    def _call(
        self, node: ast.Call, names: dict[str, Any], aliases: frozenset[str], depth: int
    ) -> None:
        called = _dotted(node.func)
        last = called.rpartition(".")[2]
        if last == "query" and node.args:
            self._shape(_value(_dotted(node.args[0]), names))
        elif last in ("Pages", "listing"):
            self._add(PAGE)
        elif last == "expected_version":
            self._reading.expects_version = True
        elif called == "done":
            self._reading.answers_done = True
        elif any(_mentions(part, aliases) for part in [node.func, *node.args]):
            self._named(node, last)
        self._next(called, names, depth)

    def _shape(self, shape: Any) -> None:
        """The fields of a filter."""
        if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
            return
        schema = shape.model_json_schema(mode="validation")
        shared = schema.get("$defs", {})
        fields = {n: _plain(one, shared) for n, one in schema.get("properties", {}).items()}
        self._add({name: PAGE.get(name, one) for name, one in fields.items()})

    def _named(self, node: ast.Call, last: str) -> None:
        """One parameter that is read by its name."""
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        name = next((text for text in texts if isinstance(text, str)), None)
        if last == "wants_to_wait":
            self._add({"wait": {"type": "boolean"}})
        elif name and name.isidentifier():
            kinds = {
                "uuid_query": {"type": "string", "format": "uuid"},
                "flag": {"type": "boolean"},
            }
            self._add({name: kinds.get(last, {"type": "string"})})

    def _add(self, found: dict[str, dict[str, Any]]) -> None:
        for name, schema in found.items():
            self._reading.query.setdefault(name, schema)

    def _next(self, called: str, names: dict[str, Any], depth: int) -> None:
        """Follow a call of the view's own method or of a function beside it."""
        head, _dot, rest = called.partition(".")
        if head in ("self", "view") and self._owner is not None:
            target = getattr(self._owner, rest, None) if "." not in rest else None
        else:
            target = _value(called, names)
        module = getattr(target, "__module__", "") or ""
        if inspect.isfunction(target) and ".api" in module and ".kernel" not in module:
            self.follow(inspect.unwrap(target), depth - 1)


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _value(dotted: str, names: dict[str, Any]) -> Any:
    head, *rest = dotted.split(".")
    found = names.get(head)
    for part in rest:
        found = getattr(found, part, None)
    return found


def _aliases(tree: ast.AST) -> frozenset[str]:
    """Local names of the query, and parameters that are called so."""
    found = {"query"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _dotted(node.value).endswith("request.GET"):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(found)


def _mentions(node: ast.AST, aliases: frozenset[str]) -> bool:
    """Whether an expression is the query or an attribute of it."""
    dotted = _dotted(node)
    parts = dotted.split(".")
    return "GET" in parts or parts[0] in aliases


def _plain(schema: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without null, default and title: a query knows only absence."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        rest = {k: v for k, v in schema.items() if k not in ("anyOf", "default", "title")}
        chosen = options[0] if len(options) == 1 else {"anyOf": options}
        return _plain({**chosen, **rest}, shared)
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found = {**shared.get(name, {}), **schema}
    return {k: v for k, v in found.items() if k not in ("default", "title", "$ref")}
