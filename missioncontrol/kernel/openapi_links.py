"""Links of the published document: where the id of a created row belongs.

An operation that makes a row answers it with its ``id``. Its links name the operations that read,
change and delete that row, and say which part of the answer fills which parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_PARAMETER = re.compile(r"\{(\w+)\}")
_ITEM = re.compile(r"^(?P<list>.*)/\{(?P<name>\w+_(?:id|ref))\}$")
_JSON = "application/json"
Document = Mapping[str, Any]


class _Answer(NamedTuple):
    """What an operation answers when it is done: the place in the document, shape and fields."""

    place: dict[str, Any]
    shape: str
    fields: frozenset[str]


def add_links(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Link every operation that makes a row with those that take its id."""
    homes = _homes(result)
    for path, item in result["paths"].items():
        made = _answer(result, item.get("post", {}))
        if made is None or "id" not in made.fields:
            continue
        links: dict[str, Any] = {}
        for home in homes:
            if _is_home(path, made, home, result):
                links |= _links(result, path, made, home)
        if links:
            made.place["links"] = dict(sorted(links.items()))
    return result


def _homes(result: Document) -> list[str]:
    """Addresses of single rows."""
    return [path for path in result["paths"] if _ITEM.match(path)]


def _is_home(path: str, made: _Answer, home: str, result: Document) -> bool:
    """Whether the rows that ``path`` makes live at ``home``; what acts on a row makes none."""
    if path.startswith(f"{home}/"):
        return False
    match = _ITEM.match(home)
    shown = _answer(result, result["paths"][home].get("get", {}))
    is_same = shown is not None and shown.shape == made.shape != ""
    return is_same or (match is not None and match["list"] == path)


def _links(result: Document, path: str, made: _Answer, home: str) -> dict[str, Any]:
    """Links to the operations of a row, and to those directly below it."""
    caller = _callers(result["paths"][path]["post"])
    found: dict[str, Any] = {}
    for target, item in result["paths"].items():
        if target != home and not target.startswith(f"{home}/"):
            continue
        parameters = _filled(path, made, home, target)
        if parameters is None:
            continue
        for operation in _operations(item):
            if caller & _callers(operation):
                name = operation["operationId"]
                found[name] = {"operationId": name, "parameters": parameters}
    return found


def _filled(path: str, made: _Answer, home: str, target: str) -> dict[str, str] | None:
    """Where each parameter of a target comes from; none if one comes from nowhere."""
    own = _ITEM.match(home)
    known = set(_PARAMETER.findall(path))
    found: dict[str, str] = {}
    for name in _PARAMETER.findall(target):
        if own is not None and name == own["name"]:
            found[name] = "$response.body#/id"
        elif name in made.fields:
            found[name] = f"$response.body#/{name}"
        elif name in known:
            found[name] = f"$request.path.{name}"
        else:
            return None
    return found


def _operations(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (one for one in item.values() if isinstance(one, dict) and "operationId" in one)


def _callers(operation: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(scheme for one in operation.get("security", ()) for scheme in one)


def _answer(result: Document, operation: Mapping[str, Any]) -> _Answer | None:
    """The first success of an operation that is JSON."""
    for status, answer in operation.get("responses", {}).items():
        content = answer.get("content", {})
        if status.startswith("2") and _JSON in content:
            schema = content[_JSON]["schema"]
            shape = schema.get("$ref", "").rpartition("/")[2]
            named = result["components"]["schemas"].get(shape, schema)
            return _Answer(answer, shape, frozenset(named.get("properties", ())))
    return None
