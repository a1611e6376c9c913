"""Who looks at a board: entries in Redis that live for 45 seconds unless a heartbeat renews them.

Presence is decoration. While Redis is away nobody is shown, and nothing else suffers.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from missioncontrol.kernel import hub
from missioncontrol.kernel.actors import UserActor

log = structlog.get_logger(__name__)
ALIVE_SECONDS = 45
BOARDS = "bs:presence"
COLORS = 8
#: Beyond so many viewers of a board, coming and going is no longer told: it would be n² frames.
CROWD = 50

_clients: dict[int, AsyncRedis] = {}


def key_of(board_id: UUID | str) -> str:
    """Key of a board's hash: connection to entry."""
    return f"bs:presence:{board_id}"


def entry_of(actor: UserActor, connection: str) -> dict[str, Any]:
    """A new entry: who, and which of the palette's colours."""
    initials = "".join(word[0] for word in actor.name.split()[:2]).upper()
    return {
        "connection": connection,
        "user_id": str(actor.id),
        "name": actor.name,
        "avatar": initials,
        "color": actor.id.int % COLORS,
        "viewing_task_id": None,
        "editing_field": None,
        "since": time.time(),
    }


def _client() -> AsyncRedis:
    """One client per event loop."""
    loop = id(asyncio.get_running_loop())
    if loop not in _clients:
        _clients.clear()
        _clients[loop] = AsyncRedis.from_url(settings.REDIS_URL)
    return _clients[loop]


async def keep(board_id: UUID, entry: dict[str, Any]) -> int:
    """Store or renew an entry; returns how many the board has (0 while Redis is away)."""
    try:
        async with _client().pipeline(transaction=False) as pipe:
            pipe.hset(key_of(board_id), entry["connection"], _packed(entry))
            pipe.expire(key_of(board_id), ALIVE_SECONDS * 2)
            pipe.sadd(BOARDS, str(board_id))
            pipe.hlen(key_of(board_id))
            return int((await pipe.execute())[-1])
    except (RedisError, OSError) as error:
        log.warning("presence.unavailable", error=type(error).__name__)
        return 0


def _packed(entry: dict[str, Any]) -> bytes:
    return orjson.dumps({**entry, "at": time.time()})


async def drop(board_id: UUID, connection: str) -> None:
    """Remove an entry."""
    try:
        await _client().hdel(key_of(board_id), connection)
    except (RedisError, OSError) as error:
        log.warning("presence.unavailable", error=type(error).__name__)


async def present(board_id: UUID) -> list[dict[str, Any]]:
    """Living entries of a board, longest first."""
    try:
        stored: Any = await _client().hgetall(key_of(board_id))
    except (RedisError, OSError) as error:
        log.warning("presence.unavailable", error=type(error).__name__)
        return []
    living, _dead = _sorted(stored)
    return living


def _sorted(stored: dict[bytes, bytes]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Living and dead entries."""
    living: list[dict[str, Any]] = []
    dead: list[dict[str, Any]] = []
    oldest = time.time() - ALIVE_SECONDS
    for raw in stored.values():
        entry = orjson.loads(raw)
        (living if entry.pop("at") >= oldest else dead).append(entry)
    return sorted(living, key=lambda entry: float(entry["since"])), dead


def announce(board_id: UUID | str, change: str, entry: dict[str, Any]) -> None:
    """Tell the board's readers of ``join``, ``update`` or ``leave``."""
    frame = {"type": f"presence.{change}", **entry}
    hub.whisper(f"board.{board_id}", orjson.dumps(frame).decode())


def sweep() -> int:
    """Remove the entries of killed processes and tell the readers; returns how many."""
    gone = 0
    with Redis.from_url(settings.REDIS_URL) as client:
        known: Any = client.smembers(BOARDS)
        for raw in known:
            board_id = raw.decode()
            stored: Any = client.hgetall(key_of(board_id))
            if not stored:
                client.srem(BOARDS, board_id)
                continue
            for entry in _sorted(stored)[1]:
                client.hdel(key_of(board_id), entry["connection"])
                announce(board_id, "leave", entry)
                gone += 1
    return gone
