"""JSON by orjson."""

from __future__ import annotations

from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer


def _default(value: Any) -> Any:
    """What orjson does not know: decimals, lazy texts, sets."""
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _narrowed(value: Any) -> Any:
    """The same with every whole number of more than 64 bits (a remote's, an import's) as text."""
    match value:
        case dict():
            return {key: _narrowed(child) for key, child in value.items()}
        case list() | tuple():
            return [_narrowed(child) for child in value]
        case int() if not -(2**63) <= value < 2**64:
            return str(value)
    return value


def dumps(data: Any) -> bytes:
    """JSON bytes; times in UTC ending in ``Z``."""
    options = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(data, default=_default, option=options)
    except orjson.JSONEncodeError:
        return orjson.dumps(_narrowed(data), default=_default, option=options)


class JsonRenderer(JSONRenderer):
    """JSON by orjson."""

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Bytes of the answer."""
        return b"" if data is None else dumps(data)
