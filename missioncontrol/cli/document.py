"""The server's OpenAPI document, kept for a while, and its operations as commands."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missioncontrol import client

KEEP_SECONDS = 3600
PREFIX = client.API
PARAMETER = re.compile(r"^\{(\w+)\}$")
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Option:
    """A value that an operation takes; ``kind`` is the JSON type, or ``json`` for a mixed one."""

    name: str
    kind: str
    place: str
    is_required: bool
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """One operation as ``mc <tag> <action>``."""

    tag: str
    action: str
    method: str
    path: str
    summary: str
    arguments: tuple[str, ...]
    options: tuple[Option, ...]
    has_body: bool
    is_stream: bool


def cache_file(address: str) -> Path:
    """Where the document of a server is kept."""
    folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    return Path(folder).expanduser() / "missioncontrol" / f"openapi-{name}.json"


def load(caller: client.Client, address: str, *, anew: bool = False) -> dict[str, Any]:
    """The document, from the server at most once an hour."""
    file = cache_file(address)
    try:
        if not anew and time.time() - file.stat().st_mtime < KEEP_SECONDS:
            kept: dict[str, Any] = json.loads(file.read_text())
            return kept
    except (OSError, ValueError):
        pass
    found: dict[str, Any] = caller.get("/openapi.json")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(found))
    beside.replace(file)
    return found


def commands(document: dict[str, Any]) -> dict[str, dict[str, Command]]:
    """Every operation by tag and action; names are unique within a tag."""
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                for tag in operation.get("tags") or ["other"]:
                    by_tag[tag.replace(" ", "-")].append((path, method, operation))
    found: dict[str, dict[str, Command]] = {}
    for tag, rows in sorted(by_tag.items()):
        rows.sort(key=lambda row: (len(row[0].split("/")), row[0], row[1]))
        found[tag] = named = {}
        for path, method, operation in rows:
            name = next(n for n in _names(tag, path, method, operation, document) if n not in named)
            named[name] = _command(document, tag, name, path, method, operation)
    return found


def _names(
    tag: str, path: str, method: str, operation: dict[str, Any], document: dict[str, Any]
) -> Iterator[str]:
    """Names from the shortest to the one that is unique in any case."""
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    words = [part for part in parts if not PARAMETER.match(part)]
    verb = _verb(path, method, document)
    own = [word for word in words[1:] if word not in (tag, verb)]
    if len(words) > 1 and words[0] not in (tag, "agent"):
        own = [] if tag == words[-1] else [word for word in words[-1:] if word != verb]
    yield "-".join(filter(None, [*own, verb])) or "show"
    if method == "post" and verb != "create":
        yield "-".join([*own, verb, "send"])
    yield "-".join(filter(None, [*(word for word in words if word != verb), verb]))
    yield str(operation.get("operationId", f"{method}-{path}")).replace("_", "-")


def _verb(path: str, method: str, document: dict[str, Any]) -> str:
    """What the method does there; nothing for a thing of its own, such as a snapshot."""
    last = path.rsplit("/", 1)[-1]
    is_one = bool(PARAMETER.match(last))
    lists = not is_one and _lists(path, document)
    match method:
        case "get":
            return "show" if is_one else "list" if lists else ""
        case "post":
            return "send" if is_one else "create" if lists else last
    return {"patch": "update", "put": "put"}.get(method, "delete")


def _lists(path: str, document: dict[str, Any]) -> bool:
    """Whether a GET of the address answers rows."""
    operation = document["paths"].get(path, {}).get("get", {})
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    shape = resolved(document, content.get("application/json", {}).get("schema", {}))
    return shape.get("type") == "array" or "items" in shape.get("properties", {})


def _command(
    document: dict[str, Any], tag: str, name: str, path: str, method: str, operation: dict[str, Any]
) -> Command:
    arguments = tuple(
        match.group(1) for part in path.split("/") if (match := PARAMETER.match(part))
    )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    options = [*_fields(document, body.get("schema", {}))]
    taken = {option.name for option in options}
    options += [
        _option(document, parameter["name"], parameter["schema"], "query", set())
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter["name"] not in taken
    ]
    answers = operation.get("responses", {}).get("200", {}).get("content", {})
    return Command(
        tag=tag,
        action=name,
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        arguments=arguments,
        options=tuple(options),
        has_body=method in ("post", "put", "patch"),
        is_stream=STREAM in answers,
    )


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"].get(name, {})
    return schema


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[Option]:
    """Fields of a body; of alternatives those of each, none of them required."""
    shape = resolved(document, schema)
    required = set(shape.get("required", ()))
    seen: set[str] = set()
    for alternative in [shape, *shape.get("anyOf", ()), *shape.get("oneOf", ())]:
        for name, one in resolved(document, alternative).get("properties", {}).items():
            if name not in seen:
                seen.add(name)
                yield _option(document, name, one, "body", required)


def _option(
    document: dict[str, Any], name: str, schema: dict[str, Any], place: str, required: set[str]
) -> Option:
    options = [resolved(document, one) for one in schema.get("anyOf", ())] or [
        resolved(document, schema)
    ]
    real = [one for one in options if one.get("type") != "null"]
    kinds = {str(one.get("type", "json")) for one in real}
    kind = kinds.pop() if len(kinds) == 1 else "json"
    choices = tuple(str(c) for one in real for c in one.get("enum", ()) if c is not None)
    text = schema.get("description") or next(
        (o["description"] for o in real if "description" in o), ""
    )
    return Option(name, kind, place, name in required, choices, str(text))
