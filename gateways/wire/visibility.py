"""A gateway answers before it has reloaded its configuration: wait until a new agent is visible."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateways.wire.errors import RemoteNotFoundError

T = TypeVar("T")

#: A created agent becomes visible when the gateway has reloaded its configuration.
VISIBLE_WITHIN_SECONDS = 15.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0


async def when_visible(
    attempt: Callable[[], Awaitable[T]], *, within_seconds: float = VISIBLE_WITHIN_SECONDS
) -> T:
    """Repeat a call on a fresh agent while the gateway says "not found".

    Raises:
        RemoteNotFoundError: the last one, when the time is over.

    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + within_seconds, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await attempt()
        except RemoteNotFoundError:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
