"""Worker threads with database connections for an asyncio process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")
_PATIENCE_SECONDS = 5.0


class DatabaseThreads:
    """A bounded pool; each thread keeps one connection and drops it when it went bad."""

    def __init__(self, name: str, size: int) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a synchronous function in a thread."""

        def work() -> R:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the threads and their connections; what runs is waited for."""
        meeting = threading.Barrier(self._size)

        def leave() -> None:
            with contextlib.suppress(threading.BrokenBarrierError):
                meeting.wait(_PATIENCE_SECONDS)
            connections.close_all()

        for _ in range(self._size):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)


def connection_facts() -> dict[str, Any]:
    """What psycopg needs to open a connection of its own to Django's database."""
    described = connections["default"].settings_dict
    named = {
        "dbname": described["NAME"],
        "user": described["USER"],
        "password": described["PASSWORD"],
        "host": described["HOST"],
        "port": described["PORT"],
    }
    options = {k: v for k, v in described.get("OPTIONS", {}).items() if isinstance(v, str)}
    return {**options, **{k: str(v) for k, v in named.items() if v}}
