"""A bell for open sockets and streams: somebody's rights have just changed, ask again.

One channel-layer subscription per process serves everybody. A ring may be lost; the readers ask
by themselves every few seconds anyway, and the ring only makes it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import transaction

from . import hub
from .actors import Actor, AgentActor, UserActor

TOPIC = f"rights.{UUID(int=0)}"
#: Called in the event loop when a right of the reader may have changed; must not block.
Reader = Callable[[], None]


class _Desk:
    """The readers of one event loop by whose rights they live on."""

    def __init__(self, local: hub.Hub) -> None:
        self.local = local
        self.readers: dict[str, set[Reader]] = {}

    def __call__(self, _topic: str, frame: hub.Frame) -> None:
        """The hub's local reader."""
        for reader in tuple(self.readers.get(frame.text, ())):
            reader()


_desk: _Desk | None = None


def key_of(actor: Actor | None) -> str:
    """Name under which changes of an actor's rights are rung; empty where nothing is."""
    return f"{actor.kind}:{actor.id}" if isinstance(actor, UserActor | AgentActor) else ""


def changed(kind: str, ids: Iterable[UUID]) -> None:
    """Rights of these people or agents change with the running transaction: ring afterwards.

    Args:
        kind: ``user`` or ``agent``.
    """
    keys = [f"{kind}:{pk}" for pk in ids]
    if keys:
        transaction.on_commit(lambda: _ring(keys), robust=True)


def _ring(keys: list[str]) -> None:
    for key in keys:
        hub.send(TOPIC, hub.UNNUMBERED, key)


async def attend(key: str, reader: Reader) -> None:
    """Call ``reader`` whenever these rights change."""
    global _desk  # noqa: PLW0603 - one desk per event loop
    local = hub.local_hub()
    if _desk is None or _desk.local is not local:
        _desk = _Desk(local)
    desk = _desk
    desk.readers.setdefault(key, set()).add(reader)
    await local.join(TOPIC, desk)


def leave(key: str, reader: Reader) -> None:
    """Stop calling; the subscription of the process stays."""
    readers = _desk.readers.get(key) if _desk is not None else None
    if readers is not None and _desk is not None:
        readers.discard(reader)
        if not readers:
            del _desk.readers[key]


async def _no_heads(_keys: list[UUID]) -> dict[UUID, int]:
    return {}


async def _no_frames(_key: UUID, _after: int, _most: int) -> list[hub.Frame]:
    return []


hub.register_source("rights", hub.Source(_no_heads, _no_frames))
