"""``operations.md``: every operation of the OpenAPI document."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

HEAD = """# Operations

Written by `make reference` from the server's own OpenAPI document (`/openapi.json`); `/docs` shows
the same interactively. Every address stands below `/api/v1` and, with the same handlers, below
`/api`. Refusals are described in [errors.md](errors.md), the common conventions in
[the guide](../guides/api.md).
"""
CALLERS = {"operator": "people", "agent": "agents"}
#: Parameters that the guide explains once for all operations.
COMMON = frozenset({"Idempotency-Key", "If-Match", "Last-Event-ID"})


def render(document: dict[str, Any]) -> str:
    """The page."""
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
    for path, item in sorted(document["paths"].items()):
        for method, operation in item.items():
            for tag in operation.get("tags", ["other"]):
                by_tag[tag].append((path, method, operation))
    count = sum(len(item) for item in document["paths"].values())
    parts = [HEAD, f"{count} operations.\n"]
    parts += [f"- [{tag}](#{tag.replace(' ', '-')}) ({len(by_tag[tag])})" for tag in sorted(by_tag)]
    for tag in sorted(by_tag):
        parts.append(f"\n## {tag}\n")
        parts += [_operation(document, *row) for row in by_tag[tag]]
    return "\n".join(parts).rstrip() + "\n"


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    short = path.removeprefix("/api/v1")
    lines = [f"### `{method.upper()} {short}`\n", _sentence(operation.get("summary", "")), ""]
    described = " ".join(operation.get("description", "").split())
    if described:
        lines += [_cell(described), ""]
    lines.append(f"Callers: {_callers(operation)}. Answers: {_answers(operation)}.")
    query = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    if query:
        named = ", ".join(f"`{one['name']}` ({kind_of(one['schema'])})" for one in query)
        lines += ["", f"Query: {named}."]
    headers = [one["name"] for one in operation.get("parameters", ()) if one["name"] in COMMON]
    if headers:
        lines += ["", f"Headers: {', '.join(f'`{name}`' for name in headers)}."]
    lines += _body(document, operation)
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    text = _cell(text)
    return text if text.endswith(".") or not text else f"{text}."


def _cell(text: str) -> str:
    """Text that neither ends a table's cell nor begins a tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _callers(operation: dict[str, Any]) -> str:
    named = [
        CALLERS[name] for one in operation.get("security", ()) for name in one if name in CALLERS
    ]
    return " and ".join(dict.fromkeys(named)) or "anybody"


def _answers(operation: dict[str, Any]) -> str:
    good = [
        f"{status} {_shape_name(answer)}".strip()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    refusals = [status for status in operation["responses"] if not status.startswith("2")]
    return f"{', '.join(good)}; refusals {', '.join(refusals)}"


def _shape_name(answer: dict[str, Any]) -> str:
    for kind, content in answer.get("content", {}).items():
        name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
        return f"`{name}`" if name else f"`{kind}`"
    return ""


def _body(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    shapes = [_resolved(document, schema)]
    shapes = [_resolved(document, one) for one in shapes[0].get("anyOf", ())] or shapes
    lines: list[str] = []
    for number, shape in enumerate(shapes):
        fields = shape.get("properties", {})
        if not fields:
            continue
        required = set(shape.get("required", ()))
        title = "Body" if number == 0 else "Or"
        lines += ["", f"{title}:", "", "| Field | Type | Required |", "| --- | --- | --- |"]
        lines += [
            f"| `{name}` | {kind_of(field)} | {'yes' if name in required else ''} |"
            for name, field in fields.items()
        ]
    return lines


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def kind_of(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(kind_of(one) for one in schema[word]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    bounds = _bounds(schema)
    return f"{schema.get('format', kind)}{bounds}"


def _bounds(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    return f" {low if low is not None else ''}–{high if high is not None else ''}"
