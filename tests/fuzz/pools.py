"""Ids that exist, found by the lists of the API itself, so that generated calls reach rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.clients import Client

PARAMETER = re.compile(r"\{(\w+)\}")
#: Parameters that are read under another name in a row.
OTHER_NAMES = {"task_ref": "id", "key": "key", "name": "name"}
PER_LIST = 50


def harvest(
    clients: Sequence[Client], document: dict[str, Any], first: Mapping[str, str]
) -> dict[str, list[str]]:
    """Ids by the path template that ends in their parameter; parents are filled with the first.

    Args:
        clients: Who may list; the first who sees rows is taken.
        first: Rows that come first in their lists, by the name of their parameter.
    """
    pools: dict[str, list[str]] = {}
    paths = document["paths"]
    prefixes = {path[: match.end()] for path in paths for match in PARAMETER.finditer(path)}
    for prefix in sorted(prefixes, key=lambda one: (one.count("{"), one)):
        listed = prefix[: prefix.rindex("/")]
        address = filled(listed, pools)
        if "get" in paths.get(listed, {}) and address is not None:
            name = PARAMETER.findall(prefix)[-1]
            seen = (_ids(client, address, name) for client in clients)
            ids = next((found for found in seen if found), [])
            pools[prefix] = sorted(ids, key=lambda one: one != first.get(name))
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
        for one in ("task_id", "task_ref") if name == "task_ref" else (name,):
            if one.endswith(("_id", "_ref")):
                known = found.setdefault(one, [])
                known += [row for row in ids if row not in known]
    return found


def _ids(client: Client, address: str, parameter: str) -> list[str]:
    answer = client.get(f"{address}?limit={PER_LIST}")
    if answer.status != 200:
        return []
    rows = answer.json.get("items", []) if isinstance(answer.json, dict) else answer.json
    name = OTHER_NAMES.get(parameter, "id")
    return [str(row[name]) for row in rows if isinstance(row, dict) and row.get(name)]
