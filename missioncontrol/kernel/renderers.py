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


def dumps(data: Any) -> bytes:
    """JSON bytes; times in UTC ending in ``Z``."""
    return orjson.dumps(data, default=_default, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class JsonRenderer(JSONRenderer):
    """JSON by orjson."""

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Bytes of the answer."""
        return b"" if data is None else dumps(data)
