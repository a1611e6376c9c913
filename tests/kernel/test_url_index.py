"""Addresses found by index are those that Django finds by trying all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from missioncontrol.kernel.url_index import IndexedResolver
from missioncontrol.urls import urlpatterns

INDEXES = [entry for entry in urlpatterns if isinstance(entry, IndexedResolver)]
SAMPLES = {"uuid": str(uuid.uuid4()), "int": "7", "path": "a/b:c", "slug": "a-b", "task": "OPS-3"}
NOWHERE = ["", "nothing", "nothing/at/all", "boards/zzz", "boards/x/y/z/" + "w/" * 40, "boards//"]


def routes(patterns: Sequence[Any], prefix: str = "") -> Iterator[str]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield path
        else:
            yield from routes(entry.url_patterns, path)


def filled(route: str) -> str:
    return re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES.get(m.group(1) or "str", "word"), route)


def found(resolver: URLResolver, path: str) -> Any:
    try:
        match = resolver.resolve(path)
    except Resolver404:
        return None
    return match.func, match.kwargs, match.route, match.view_name, match.namespaces


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: str(index.pattern))
def test_the_same_view_is_found(index: IndexedResolver) -> None:
    plain = URLResolver(
        index.pattern, index.url_patterns, index.default_kwargs, index.app_name, index.namespace
    )
    paths = [filled(route) for route in routes(index.url_patterns)]
    assert len(paths) > 50
    for path in [*paths, *NOWHERE]:
        address = f"{index.pattern}{path}"
        assert found(index, address) == found(plain, address), address
    assert all(found(index, f"{index.pattern}{path}") for path in paths)


def test_invented_paths_do_not_fill_the_memory() -> None:
    index = IndexedResolver(RoutePattern(""), INDEXES[0].url_patterns)
    for number in range(500):
        assert found(index, f"made-up-{number}/" * (number % 30 + 1)) is None
    assert len(index._parts) <= 40


def test_the_installation_uses_it() -> None:
    kinds = {type(entry) for entry in get_resolver().url_patterns if str(entry.pattern) == ""}
    assert kinds == {IndexedResolver}
