"""Addresses found by index: of several hundred patterns only those that can fit a path are tried.

Django tries one pattern after the other, and notes each that failed; with the patterns of all
apps in one list that costs more than the permission check of the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern
from django.utils.functional import cached_property

Pattern = URLPattern | URLResolver
#: First literal segment and number of segments of a path; ``None`` fits any.
Key = tuple[str | None, int | None]


def indexed(
    route: str,
    patterns: Sequence[Any],
    *,
    app_name: str | None = None,
    namespace: str | None = None,
) -> URLResolver:
    """What ``path(route, include((patterns, app_name), namespace))`` is, found by index."""
    where = RoutePattern(route, is_endpoint=False)
    return IndexedResolver(where, list(patterns), app_name=app_name, namespace=namespace)


class IndexedResolver(URLResolver):
    """Passes a path to a resolver of those patterns that begin alike and are as long."""

    def resolve(self, path: Any) -> Any:
        """The view of ``path``.

        Raises:
            Resolver404: no pattern fits.
        """
        matched = self.pattern.match(str(path))
        rest = matched[0] if matched else ""
        first = rest.partition("/")[0]
        key = (first if first in self._firsts else None, min(rest.count("/"), self._longest))
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = self._part(key)
        return found.resolve(path)

    def _part(self, key: Key) -> URLResolver:
        return _narrowed(self, list(_fitting(self.url_patterns, key)))

    @cached_property
    def _parts(self) -> dict[Key, URLResolver]:
        return {}

    @cached_property
    def _keys(self) -> list[Key]:
        return list(_keys_of(self.url_patterns))

    @cached_property
    def _firsts(self) -> frozenset[str | None]:
        return frozenset(first for first, _count in self._keys)

    @cached_property
    def _longest(self) -> int:
        """One more than the most slashes of a pattern: all longer paths are alike."""
        return 1 + max((count or 0 for _first, count in self._keys), default=0)


def _narrowed(resolver: URLResolver, patterns: list[Pattern]) -> URLResolver:
    """The same resolver with fewer patterns."""
    names = (resolver.app_name, resolver.namespace)
    return URLResolver(resolver.pattern, patterns, resolver.default_kwargs, *names)


def _is_transparent(entry: Pattern) -> bool:
    """Whether it is an include without a prefix."""
    return isinstance(entry, URLResolver) and str(entry.pattern) == ""


def _keys_of(patterns: Sequence[Any]) -> Iterator[Key]:
    for entry in patterns:
        if _is_transparent(entry):
            yield from _keys_of(entry.url_patterns)
        else:
            yield _key_of(entry)


def _fitting(patterns: Sequence[Any], key: Key) -> Iterator[Pattern]:
    """The patterns that can fit, in their order."""
    for entry in patterns:
        if not _is_transparent(entry):
            if _fits(_key_of(entry), key):
                yield entry
        elif not (entry.namespace or entry.default_kwargs):
            yield from _fitting(entry.url_patterns, key)
        elif inner := list(_fitting(entry.url_patterns, key)):
            yield _narrowed(entry, inner)


def _key_of(entry: Pattern) -> Key:
    if not isinstance(entry.pattern, RoutePattern):
        return None, None
    route = str(entry.pattern)
    first = route.partition("/")[0]
    is_whole = isinstance(entry, URLPattern) or "/" in route
    literal = first if is_whole and "<" not in first else None
    is_fixed = isinstance(entry, URLPattern) and "<path:" not in route
    return literal, route.count("/") if is_fixed else None


def _fits(wanted: Key, key: Key) -> bool:
    return all(w is None or w == k for w, k in zip(wanted, key, strict=True))
