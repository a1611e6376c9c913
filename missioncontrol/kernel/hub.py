"""Frames to many sockets: one channel-layer subscription per process and topic, then a local loop.

A topic (``org.<id>``, ``board.<id>``) has gap-free numbers. The hub delivers in order, drops what
it has seen, and reads from the database what a lost wake-up left out, so a stream never has a gap
even while the channel layer is away (then it is late by at most ``POLL_SECONDS``).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import get_channel_layer
from django.conf import settings
from redis import Redis

log = structlog.get_logger(__name__)
POLL_SECONDS = 2.0
MAX_PENDING_SENDS = 2000
MAX_CATCH_UP = 1000
#: Frames of one round to Valkey; one that hangs costs so many seconds and the frames of its round.
MAX_BATCH = 200
SEND_SECONDS = 2.0
#: A group's channel as channels_redis (pubsub) names it, with the prefix of the installation.
GROUP_CHANNEL = "{}__group__{}"
#: Number of a frame that is no fact of the log (somebody looks at the board); it may be lost.
UNNUMBERED = 0


class Frame(NamedTuple):
    """One numbered frame; ``scope`` is the board it belongs to, for readers of a wider topic."""

    seq: int
    text: str
    scope: str = ""


#: A local reader of a topic: takes (topic, frame) and must not block.
Sink = Callable[[str, "Frame"], None]


class Source(NamedTuple):
    """Where a topic's truth lies: last numbers of some ids, and the frames after a number."""

    heads: Callable[[list[UUID]], Awaitable[dict[UUID, int]]]
    load: Callable[[UUID, int, int], Awaitable[list[Frame]]]


@dataclass(slots=True)
class _Topic:
    sinks: set[Sink] = field(default_factory=set)
    last_seq: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    subscribed: bool = False


_sources: dict[str, Source] = {}


def register_source(prefix: str, source: Source) -> None:
    """Tell where the truth of topics ``<prefix>.<uuid>`` lies."""
    _sources[prefix] = source


def _split(topic: str) -> tuple[str, UUID]:
    prefix, _, raw = topic.partition(".")
    return prefix, UUID(raw)


class Hub:
    """Topics and their local readers in one event loop."""

    def __init__(self) -> None:
        self.topics: dict[str, _Topic] = {}
        self.loop = asyncio.get_running_loop()
        self.channel = ""
        self._naming = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._deliveries: set[asyncio.Task[None]] = set()

    async def join(self, topic: str, sink: Sink) -> int:
        """Add a reader; returns the number after which he will receive everything."""
        entry = self.topics.get(topic)
        if entry is None:
            entry = self.topics[topic] = _Topic()
        self._start()
        async with entry.lock:
            if not entry.sinks:
                prefix, key = _split(topic)
                await self._subscribe(topic, entry)
                entry.last_seq = (await _sources[prefix].heads([key])).get(key, 0)
            entry.sinks.add(sink)
            return entry.last_seq

    async def leave(self, topic: str, sink: Sink) -> None:
        """Remove a reader; the last one ends the subscription."""
        entry = self.topics.get(topic)
        if entry is None:
            return
        entry.sinks.discard(sink)
        if not entry.sinks:
            self.topics.pop(topic, None)
            layer = get_channel_layer()
            try:
                if layer is not None and entry.subscribed:
                    await layer.group_discard(topic, self.channel)
            except _layer_errors() as error:
                log.warning("hub.unsubscribe_failed", topic=topic, error=type(error).__name__)

    async def deliver(self, topic: str, frame: Frame) -> None:
        """Hand one frame to the local readers, in order and once; fill a gap from the database."""
        entry = self.topics.get(topic)
        if entry is None:
            return
        if frame.seq == UNNUMBERED:
            for sink in tuple(entry.sinks):
                sink(topic, frame)
            return
        if frame.seq <= entry.last_seq:
            return
        async with entry.lock:
            if frame.seq > entry.last_seq + 1:
                await self._catch_up(topic, entry, frame.seq - 1)
            if frame.seq == entry.last_seq + 1:
                entry.last_seq = frame.seq
                for sink in tuple(entry.sinks):
                    sink(topic, frame)

    def hand_in(self, topic: str, frame: Frame) -> None:
        """Deliver from a callback of the loop."""
        task = self.loop.create_task(self.deliver(topic, frame))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _catch_up(self, topic: str, entry: _Topic, up_to: int) -> None:
        prefix, key = _split(topic)
        while entry.last_seq < up_to:
            frames = await _sources[prefix].load(key, entry.last_seq, MAX_CATCH_UP)
            if not frames:
                return
            for missed in frames:
                if missed.seq > entry.last_seq:
                    entry.last_seq = missed.seq
                    for sink in tuple(entry.sinks):
                        sink(topic, missed)

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                self.loop.create_task(self._receive(), name="hub-receive"),
                self.loop.create_task(self._poll(), name="hub-poll"),
            ]

    async def _subscribe(self, topic: str, entry: _Topic) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            await layer.group_add(topic, await self._own_channel(layer))
            entry.subscribed = True
        except _layer_errors() as error:
            entry.subscribed = False
            log.warning("hub.subscribe_failed", topic=topic, error=type(error).__name__)

    async def _own_channel(self, layer: Any) -> str:
        """The one channel that this hub joins groups with and receives on."""
        async with self._naming:
            if not self.channel:
                self.channel = await layer.new_channel()
            return self.channel

    async def _receive(self) -> None:
        """Channel layer → local readers, for ever."""
        layer = get_channel_layer()
        if layer is None:
            return
        while True:
            try:
                message = await layer.receive(await self._own_channel(layer))
                await self.deliver(
                    message["topic"], Frame(message["seq"], message["text"], message["scope"])
                )
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the socket loop must outlive any fault
                log.warning("hub.receive_failed", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _poll(self) -> None:
        """Database → local readers every ``POLL_SECONDS``: the net under lost wake-ups."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._poll_once()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the socket loop must outlive any fault
                log.warning("hub.poll_failed", error=type(error).__name__)

    async def _poll_once(self) -> None:
        by_prefix: dict[str, list[UUID]] = {}
        for topic, entry in list(self.topics.items()):
            prefix, key = _split(topic)
            by_prefix.setdefault(prefix, []).append(key)
            if not entry.subscribed:
                await self._subscribe(topic, entry)
        for prefix, keys in by_prefix.items():
            heads = await _sources[prefix].heads(keys)
            for key, head in heads.items():
                topic = f"{prefix}.{key}"
                known = self.topics.get(topic)
                if known is not None and head > known.last_seq:
                    async with known.lock:
                        await self._catch_up(topic, known, head)


def _layer_errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, TimeoutError)


_hub: Hub | None = None


def local_hub() -> Hub:
    """The hub of the running event loop; made at first use."""
    global _hub  # noqa: PLW0603 - one hub per process
    loop = asyncio.get_running_loop()
    if _hub is None or _hub.loop is not loop:
        _hub = Hub()
    return _hub


class _Sender:
    """A thread that publishes frames to the groups of the channel layer, all that wait at once.

    The layer's own way is one message per call and turn of an event loop; that took a quarter of
    the server's time for a comment.
    """

    def __init__(self) -> None:
        self.waiting: SimpleQueue[tuple[str, Frame]] = SimpleQueue()
        self.redis = Redis.from_url(
            settings.REDIS_URL, socket_timeout=SEND_SECONDS, socket_connect_timeout=SEND_SECONDS
        )
        threading.Thread(target=self._run, name="hub-sender", daemon=True).start()

    def send(self, topic: str, frame: Frame) -> None:
        """Queue one frame; beyond the cap it is dropped and readers catch up by number."""
        if self.waiting.qsize() < MAX_PENDING_SENDS:
            self.waiting.put((topic, frame))

    def _run(self) -> None:
        while True:
            batch = [self.waiting.get()]
            while len(batch) < MAX_BATCH and not self.waiting.empty():
                batch.append(self.waiting.get())
            try:
                self._publish(batch)
            except Exception as error:  # noqa: BLE001 - the thread must outlive any fault
                log.warning("hub.send_failed", topic=batch[0][0], error=type(error).__name__)

    def _publish(self, batch: list[tuple[str, Frame]]) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        prefix = settings.CHANNEL_LAYERS[DEFAULT_CHANNEL_LAYER]["CONFIG"]["prefix"]
        pipeline = self.redis.pipeline(transaction=False)
        for topic, frame in batch:
            message = {
                "type": "hub.frame",
                "topic": topic,
                "seq": frame.seq,
                "text": frame.text,
                "scope": frame.scope,
            }
            pipeline.publish(GROUP_CHANNEL.format(prefix, topic), layer.serialize(message))
        pipeline.execute()


_sender: _Sender | None = None
_sender_lock = threading.Lock()


def _reset_after_fork() -> None:
    """A forked child has no sender thread and no loop of its own yet."""
    global _sender, _hub, _sender_lock
    _sender, _hub, _sender_lock = None, None, threading.Lock()


def send(topic: str, seq: int, text: str, *, scope: str = "") -> None:
    """Best effort: hand a numbered frame to the readers of this process and of all others."""
    global _sender  # noqa: PLW0603 - one sender per process
    frame = Frame(seq, text, scope)
    if _hub is not None and topic in _hub.topics and _hub.loop.is_running():
        _hub.loop.call_soon_threadsafe(_hub.hand_in, topic, frame)
    with _sender_lock:
        if _sender is None:
            _sender = _Sender()
    _sender.send(topic, frame)


def whisper(topic: str, text: str) -> None:
    """Best effort: a frame without a number, through the layer alone, so it comes once."""
    global _sender  # noqa: PLW0603 - one sender per process
    with _sender_lock:
        if _sender is None:
            _sender = _Sender()
    _sender.send(topic, Frame(UNNUMBERED, text))


def topics(prefix: str, keys: Iterable[Any]) -> list[str]:
    """Topic names of several ids."""
    return [f"{prefix}.{key}" for key in keys]


os.register_at_fork(after_in_child=_reset_after_fork)
