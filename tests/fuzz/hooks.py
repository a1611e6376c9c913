"""What Schemathesis is told beyond the document: rows that exist, and who may end what.

Loaded by the generator itself (``SCHEMATHESIS_HOOKS``); reads the file that ``FUZZ_STATE`` names.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import schemathesis

from tests.fuzz.pools import PARAMETER, by_name

STATE: dict[str, Any] = json.loads(Path(os.environ["FUZZ_STATE"]).read_text())
POOLS: dict[str, list[str]] = STATE["pools"]
NAMED = by_name(POOLS)
#: One generated id in so many stays as it is.
STRANGERS = 8
#: Calls that end the caller or what he stands on are made by somebody who is made anew each time.
SELF_ENDING = frozenset({"/users/me", "/organizations/me", "/organizations/me/member"})


def _draw(value: Any) -> int:
    return zlib.crc32(repr(value).encode())


def _known(value: Any, ids: list[str], *, first: bool) -> Any:
    """A known id instead of most generated ones; the first, when others hang below it."""
    number = _draw(value)
    if not ids or number % STRANGERS == 0:
        return value
    return ids[0] if first else ids[number // STRANGERS % len(ids)]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Rows that exist in most paths; the last one differs, its parents are the same."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    path = context.operation.full_path
    ends = list(PARAMETER.finditer(path))
    for match in ends:
        name = match.group(1)
        pool = POOLS.get(path[: match.end()]) or NAMED.get(name, [])
        if name in path_parameters and isinstance(path_parameters[name], str):
            is_parent = match is not ends[-1] and context.operation.method != "delete"
            path_parameters[name] = _known(path_parameters[name], pool, first=is_parent)
    return path_parameters


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Rows that exist in most filters."""
    return _with_rows(query) if isinstance(query, dict) else query


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Rows that exist in most references of a body."""
    return _with_rows(body) if isinstance(body, dict) else body


def _with_rows(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        single = name.removesuffix("s") if name.endswith("_ids") else name
        pool = next((ids for known, ids in NAMED.items() if single.endswith(known)), [])
        if isinstance(value, str) and single == name:
            fields[name] = _known(value, pool, first=False)
        elif isinstance(value, list) and single != name:
            fields[name] = [
                _known(one, pool, first=False) if isinstance(one, str) else one for one in value
            ]
    return fields


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """The owner stays in his organization; who ends himself is the installation's operator."""
    if STATE["caller"] != "owner":
        return
    headers = case.headers if case.headers is not None else {}
    path = case.operation.path.removeprefix("/api/v1")
    if case.operation.method.lower() == "delete" and path in SELF_ENDING:
        headers["Authorization"] = f"Bearer {os.environ['FUZZ_OPERATOR']}"
    else:
        headers["X-Organization-Id"] = STATE["organization_id"]
    case.headers = headers
