"""Stateful calls: what an operation makes is read, changed, deleted, and then gone.

The document says by its links where the id of a created row belongs; a chain follows them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from schemathesis.core.transport import Response

#: Reading comes first and deleting last, so that every call finds the row.
ORDER = ("get", "put", "patch", "post", "delete")


@dataclass(frozen=True)
class Step:
    """A call that a link of the document leads to, with the parameters that the link fills."""

    operation_id: str
    method: str
    path: str
    parameters: dict[str, str]


def steps(document: dict[str, Any], operation: dict[str, Any]) -> list[Step]:
    """Where the links of an operation lead, in the order of a row's life."""
    places = {
        one["operationId"]: (method, path)
        for path, item in document["paths"].items()
        for method, one in item.items()
    }
    links = {
        link["operationId"]: link["parameters"]
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    found = [Step(name, *places[name], parameters) for name, parameters in links.items()]
    return sorted(found, key=lambda step: (ORDER.index(step.method), -len(step.path)))


def filled(step: Step, made: Response, path_parameters: dict[str, Any]) -> dict[str, str] | None:
    """The parameters of a step, by the answer that made the row; none if something is missing."""
    body = orjson.loads(made.content)
    found: dict[str, str] = {}
    for name, expression in step.parameters.items():
        value = _resolved(expression, body, path_parameters)
        if value is None:
            return None
        found[name.removeprefix("path.")] = str(value)
    return found


def _resolved(expression: str, body: Any, path_parameters: dict[str, Any]) -> Any:
    if expression.startswith("$request.path."):
        return path_parameters.get(expression.removeprefix("$request.path."))
    for part in expression.removeprefix("$response.body#/").split("/"):
        body = body.get(part) if isinstance(body, dict) else None
    return body


def is_row(step: Step) -> bool:
    """Whether a step takes the made row itself, and nothing below it."""
    return step.path.endswith("}") and step.method in ("get", "delete")


def fault(step: Step, response: Response, *, is_deleted: bool) -> str:
    """What is wrong with the life of a row; nothing if it lives as it should.

    An agent goes when its gateway has let it go, and says until then that it is being deleted.
    """
    if step.method != "get" or not is_row(step):
        return ""
    if is_deleted and response.status_code == 200:
        return "" if b'"status":"deleting"' in response.content else "deleted, and still there"
    if not is_deleted and response.status_code == 404:
        return "made, and not there"
    return ""
