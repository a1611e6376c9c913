"""Ids that exist, found by the lists of the API itself, so that generated calls reach rows."""

from __future__ import annotations

import re
from typing import Any

import httpx

PARAMETER = re.compile(r"\{(\w+)\}")
#: Parameters that are read under another name in a row.
OTHER_NAMES = {"task_ref": "id", "key": "key", "name": "name"}
PER_LIST = 50


def harvest(base: str, document: dict[str, Any], headers: dict[str, str]) -> dict[str, list[str]]:
    """Ids by the path template that ends in their parameter; parents are filled with the first."""
    pools: dict[str, list[str]] = {}
    paths = document["paths"]
    prefixes = {path[: match.end()] for path in paths for match in PARAMETER.finditer(path)}
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:
        for prefix in sorted(prefixes, key=len):
            listed = prefix[: prefix.rindex("/")]
            if "get" not in paths.get(listed, {}):
                continue
            address = filled(listed, pools)
            if address is not None:
                pools[prefix] = _ids(http, address, PARAMETER.findall(prefix)[-1])
    return {prefix: ids for prefix, ids in pools.items() if ids}


def filled(path: str, pools: dict[str, list[str]]) -> str | None:
    """A path with its parameters replaced by the first known ids; none if one is unknown."""
    parts: list[str] = []
    end = 0
    for match in PARAMETER.finditer(path):
        ids = pools.get(path[: match.end()])
        if not ids:
            return None
        parts += [path[end : match.start()], ids[0]]
        end = match.end()
    return "".join([*parts, path[end:]])


def by_name(pools: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same ids by the name of the parameter, for fields of bodies and queries."""
    found: dict[str, list[str]] = {}
    for prefix, ids in pools.items():
        name = PARAMETER.findall(prefix)[-1]
        name = "task_id" if name == "task_ref" else name
        if name.endswith("_id"):
            found.setdefault(name, []).extend(ids)
    return found


def _ids(http: httpx.Client, address: str, parameter: str) -> list[str]:
    try:
        answer = http.get(address, params={"limit": PER_LIST})
    except httpx.HTTPError:
        return []
    if answer.status_code != 200:
        return []
    body = answer.json()
    rows = body.get("items", []) if isinstance(body, dict) else body
    name = OTHER_NAMES.get(parameter, "id")
    return [str(row[name]) for row in rows if isinstance(row, dict) and row.get(name)]
