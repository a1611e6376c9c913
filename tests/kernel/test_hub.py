"""The hub delivers in order and once, and fills what a lost wake-up left out."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from channels.layers import get_channel_layer

from missioncontrol.kernel import hub
from missioncontrol.kernel.hub import Frame, Hub, Source

KEY = uuid.uuid4()
TOPIC = f"trial.{KEY}"


class Log:
    """A stream with numbered frames, as the database would hold it."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def write(self, count: int = 1) -> Frame:
        for _ in range(count):
            self.frames.append(Frame(len(self.frames) + 1, f"f{len(self.frames) + 1}"))
        return self.frames[-1]

    async def heads(self, ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
        return {KEY: len(self.frames)} if KEY in ids else {}

    async def load(self, _key: uuid.UUID, after: int, limit: int) -> list[Frame]:
        return [f for f in self.frames if f.seq > after][:limit]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    stream = Log()
    monkeypatch.setattr(hub, "get_channel_layer", lambda: None)
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.05)
    hub.register_source("trial", Source(stream.heads, stream.load))
    yield stream
    hub._sources.pop("trial")


class Reader:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, _topic: str, frame: Frame) -> None:
        self.seen.append(frame.seq)


async def _until(reader: Reader, count: int) -> None:
    for _ in range(200):
        if len(reader.seen) >= count:
            return
        await asyncio.sleep(0.02)


def test_a_reader_gets_what_comes_after_he_joined(log: Log) -> None:
    async def scene() -> list[int]:
        log.write(3)
        box, reader = Hub(), Reader()
        assert await box.join(TOPIC, reader) == 3
        await box.deliver(TOPIC, log.write())
        return reader.seen

    assert asyncio.run(scene()) == [4]


def test_a_gap_is_filled_in_order_and_repeats_are_dropped(log: Log) -> None:
    async def scene() -> list[int]:
        box, reader = Hub(), Reader()
        await box.join(TOPIC, reader)
        newest = log.write(5)
        await box.deliver(TOPIC, newest)
        await box.deliver(TOPIC, log.frames[2])
        await box.deliver(TOPIC, newest)
        return reader.seen

    assert asyncio.run(scene()) == [1, 2, 3, 4, 5]


def test_without_any_wake_up_the_poll_delivers(log: Log) -> None:
    async def scene() -> list[int]:
        box, reader = Hub(), Reader()
        await box.join(TOPIC, reader)
        log.write(3)
        await _until(reader, 3)
        return reader.seen

    assert asyncio.run(scene()) == [1, 2, 3]


def test_frames_that_arrive_at_once_keep_their_order(log: Log) -> None:
    async def scene() -> list[int]:
        box, reader = Hub(), Reader()
        await box.join(TOPIC, reader)
        log.write(50)
        shuffled = sorted(log.frames, key=lambda f: (f.seq * 7) % 50)
        await asyncio.gather(*(box.deliver(TOPIC, f) for f in shuffled))
        return reader.seen

    assert asyncio.run(scene()) == list(range(1, 51))


def test_who_left_gets_nothing_more(log: Log) -> None:
    async def scene() -> list[int]:
        box, reader = Hub(), Reader()
        await box.join(TOPIC, reader)
        await box.leave(TOPIC, reader)
        await box.deliver(TOPIC, log.write())
        return reader.seen

    assert asyncio.run(scene()) == []


def test_what_is_sent_reaches_the_groups_of_the_channel_layer() -> None:
    """The sender publishes by itself what the layer's own readers hear."""
    topic = f"trial.{uuid.uuid4()}"

    async def scene() -> list[tuple[str, int, str, str]]:
        layer = get_channel_layer()
        assert layer is not None
        channel = await layer.new_channel()
        await layer.group_add(topic, channel)
        hub.send(topic, 7, "seven", scope="here")
        hub.whisper(topic, "psst")
        heard = [await asyncio.wait_for(layer.receive(channel), 10) for _ in range(2)]
        await layer.group_discard(topic, channel)
        return [(m["topic"], m["seq"], m["text"], m["scope"]) for m in heard]

    assert asyncio.run(scene()) == [
        (topic, 7, "seven", "here"),
        (topic, hub.UNNUMBERED, "psst", ""),
    ]
