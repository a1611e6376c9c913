"""HTTP on the thread pool: bodies, streams, slow and vanished clients."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from missioncontrol import http_pool
from missioncontrol.http_pool import HttpPool, Message

Start = Callable[[str, list[tuple[str, str]]], object]


class Client:
    """One request, sent in parts, and what was answered."""

    def __init__(self, *parts: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/echo/任务",
            "query_string": b"a=1",
            "headers": list(headers),
            "client": ("192.0.2.1", 1234),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
        }
        ends = [*parts] or [b""]
        self._incoming: list[Message] = [
            {"type": "http.request", "body": part, "more_body": number < len(ends)}
            for number, part in enumerate(ends, start=1)
        ]
        self.sent: list[Message] = []

    def vanish_after(self, parts: int) -> None:
        self._incoming[parts:] = [{"type": "http.disconnect"}]

    async def receive(self) -> Message:
        return self._incoming.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def echo(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    length = int(environ["CONTENT_LENGTH"] or 0)
    body = environ["wsgi.input"].read(length)
    start("201 Created", [("X-Path", environ["PATH_INFO"])])
    return [str(length).encode(), b":", body]


class Streamed:
    streaming = True
    closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"one", b"two", b"three")

    def close(self) -> None:
        Streamed.closed = True


def stream(_environ: dict[str, Any], start: Start) -> Streamed:
    start("200 OK", [("Content-Type", "text/csv")])
    return Streamed()


async def ask(app: Any, client: Client) -> Client:
    pool = HttpPool(app, threads=2)
    try:
        await pool(client.scope, client.receive, client.send)
    finally:
        pool.close()
    return client


async def test_body_arrives_whole_with_its_length_even_without_one_announced() -> None:
    client = await ask(echo, Client(b"ab", b"cd", "执行".encode()))
    assert client.status == 201
    assert client.body == b"10:abcd" + "执行".encode()
    path = dict(client.sent[0]["headers"])[b"x-path"]
    assert path.decode("latin1").encode("latin1").decode() == "/echo/任务"


async def test_large_body_is_spooled_and_still_whole() -> None:
    part = b"x" * (http_pool.SPOOL_BYTES // 2 + 1)
    client = await ask(echo, Client(part, part, part))
    assert client.body.startswith(str(len(part) * 3).encode() + b":")


async def test_answer_of_one_piece_is_sent_as_one() -> None:
    client = await ask(echo, Client(b"x"))
    assert [message["type"] for message in client.sent] == [
        "http.response.start",
        "http.response.body",
    ]


async def test_stream_is_sent_in_pieces_and_closed() -> None:
    Streamed.closed = False
    client = await ask(stream, Client())
    assert [m.get("body") for m in client.sent[1:]] == [b"one", b"two", b"three", b""]
    assert Streamed.closed


async def test_vanished_client_reaches_no_view() -> None:
    called = threading.Event()

    def view(_environ: dict[str, Any], _start: Start) -> Iterable[bytes]:
        called.set()
        return []

    client = Client(b"a", b"b")
    client.vanish_after(1)
    await ask(view, client)
    assert client.sent == []
    assert not called.is_set()


async def test_endless_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "BODY_LIMIT_BYTES", 10)
    client = await ask(echo, Client(b"x" * 6, b"x" * 6))
    assert client.status == 413
    assert b"payload_too_large" in client.body


async def test_slow_bodies_hold_no_thread() -> None:
    pool = HttpPool(echo, threads=1)
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    slow = [Client() for _ in range(5)]

    async def wait_for_ever() -> Message:
        return await never

    waiting = [asyncio.create_task(pool(c.scope, wait_for_ever, c.send)) for c in slow]
    await asyncio.sleep(0.05)
    started = time.monotonic()
    quick = Client(b"now")
    await pool(quick.scope, quick.receive, quick.send)
    assert quick.body == b"3:now"
    assert time.monotonic() - started < 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    pool.close()


async def test_a_body_announced_too_large_is_refused_before_it_comes() -> None:
    announced = [(b"content-length", str(http_pool.BODY_LIMIT_BYTES + 1).encode())]
    client = Client(headers=announced)
    client.vanish_after(0)  # nothing of it ever arrives
    await ask(echo, client)
    assert client.status == 413


@pytest.mark.parametrize("is_away", [True, False])
async def test_only_what_hangs_on_a_database_that_is_away_is_given_up(*, is_away: bool) -> None:
    free = threading.Event()
    asked = threading.Event()

    def view(_environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        free.wait(10)
        start("200 OK", [])
        return [b"done"]

    def is_stuck() -> bool:
        asked.set()
        if not is_away:
            free.set()
        return is_away

    pool = HttpPool(view, threads=1, is_stuck=is_stuck, patience=0.05)
    client = Client()
    try:
        await pool(client.scope, client.receive, client.send)
    finally:
        free.set()
        pool.close()
    assert asked.is_set()
    assert client.status == (503 if is_away else 200)
    assert len(client.sent) == 2


async def test_probes_answer_while_every_thread_is_held() -> None:
    free = threading.Event()

    def view(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/health":
            free.wait(10)
        start("200 OK", [])
        return [b"ok"]

    pool = HttpPool(view, threads=1)
    held, health = Client(), Client()
    health.scope["path"] = "/health"
    task = asyncio.create_task(pool(held.scope, held.receive, held.send))
    try:
        await asyncio.sleep(0.05)
        await asyncio.wait_for(pool(health.scope, health.receive, health.send), 5)
        assert health.status == 200
        assert held.sent == []
    finally:
        free.set()
        await task
        pool.close()
