"""The open address of webhooks, as the server knows it before a request is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

_ADDRESS = re.compile(r"/api(?:/v1)?/boards/[^/]+/webhooks/[^/]+/?")


def cap_of(scope: Mapping[str, Any]) -> int | None:
    """Bytes that may be sent to this address, ``None`` for any other address."""
    if scope["method"] != "POST" or not _ADDRESS.fullmatch(scope["path"]):
        return None
    cap: int = settings.WEBHOOK_MAX_PAYLOAD_BYTES
    return cap
