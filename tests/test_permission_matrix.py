"""Who may call what: every route of the API times every kind of caller.

The table stands in :mod:`tests.matrix.api_rows`; pages and sockets have tables of their own beside
it. A route without a row fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, resolve

from missioncontrol.urls import api as api_patterns
from tests.matrix.api_rows import rows
from tests.matrix.calls import REFUSED, address, call, leaks
from tests.matrix.stage import Stage, ground
from tests.matrix.table import Row, names

__all__ = ["ground", "rows"]
pytestmark = pytest.mark.django_db


def _routes(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            view = getattr(entry.callback, "view_class", None) or entry.callback.cls
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(view, method):
                    yield method.upper(), names(path)
        else:
            yield from _routes(entry.url_patterns, path)


def test_every_route_has_a_row() -> None:
    routes = set(_routes(api_patterns))
    listed = {(row.method, row.path) for row in rows()}
    assert routes - listed == set()
    assert listed - routes == set()


def test_both_mounts_lead_to_the_same_views(ground: Stage) -> None:
    for row in rows():
        path = address(row.path, ground.ids)
        found = [resolve(f"/{mount}/{path}").func for mount in ("api/v1", "api")]
        views = {getattr(func, "view_class", None) or func.cls for func in found}
        assert len(views) == 1, row.name


def test_every_caller_of_the_table_exists(ground: Stage) -> None:
    named = set().union(*(row.callers for row in rows()))
    assert named - {"*"} <= set(ground.clients)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_only_these_callers_get_through(row: Row, ground: Stage) -> None:
    wrong, told = {}, {}
    for caller, client in ground.clients.items():
        answer = call(client, row, ground.ids)
        through = answer.status_code not in REFUSED
        if "*" not in row.callers and through != (caller in row.callers):
            wrong[caller] = answer.status_code
        if found := leaks(caller, answer):
            told[caller] = found
        code = answer.status_code
        assert code < 500 or code in (502, 503), (caller, code)
    assert (wrong, told) == ({}, {}), row.name
