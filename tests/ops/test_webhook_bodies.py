"""What is sent to webhooks over a real server socket: caps, order of checks, flat memory."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import psutil
import pytest
import uvicorn
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from boards.models import BoardWebhook, WebhookPayload
from boards.webhook_address import cap_of
from missioncontrol.http_pool import HttpPool
from tests.world import World, build_world

CAP = 200_000
TEN_GB = 10 * 1024**3


class Server:
    """The product's HTTP door on a port of its own."""

    def __init__(self) -> None:
        self._pool = HttpPool(WSGIHandler(), threads=1, cap_of=cap_of)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(
            self._pool, interface="asgi3", lifespan="off", log_level="error", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        self._pool._threads.submit(connections.close_all).result(10)
        self._server.should_exit = True
        self._thread.join(10)
        self._pool.close()
        self._listener.close()


@pytest.fixture
def server(transactional_db: None, settings: Any) -> Iterator[Server]:
    settings.WEBHOOK_MAX_PAYLOAD_BYTES = CAP
    running = Server()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def world(server: Server) -> World:
    return build_world()


def webhook(world: World, **fields: Any) -> BoardWebhook:
    fields.setdefault("description", "d")
    return BoardWebhook.objects.create(organization=world.org, board=world.board, **fields)


def head(path: str, *lines: str) -> bytes:
    request = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: text/plain", *lines]
    return "\r\n".join([*request, "", ""]).encode()


class Answered:
    """What came back, and how much had been sent by then."""

    def __init__(self, raw: bytes, sent: int) -> None:
        self.status = int(raw.split(b" ", 2)[1])
        self.head = raw.partition(b"\r\n\r\n")[0].lower()
        self.sent = sent


def ask(server: Server, request: bytes, body: Iterable[bytes] = ()) -> Answered:
    """Send a request, then pieces of its body until something comes back."""
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(request)
        with contextlib.suppress(ConnectionError):
            for piece in body:
                line.settimeout(0.001)
                with contextlib.suppress(TimeoutError):
                    if line.recv(1, socket.MSG_PEEK):
                        break
                line.settimeout(20)
                line.sendall(piece)
                sent += len(piece)
        line.settimeout(20)
        raw = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in raw:
                piece = line.recv(65_536)
                if not piece:
                    break
                raw += piece
    return Answered(raw, sent)


def chunks(size: int, most: int) -> Iterator[bytes]:
    """A chunked body without an end, up to ``most`` bytes."""
    piece = f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"
    for _number in range(most // size):
        yield piece


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.scenario("CORE-81")
def test_an_announced_length_beyond_the_cap_is_refused_unread(server: Server, world: World) -> None:
    path = webhook(world).endpoint_path
    answer = ask(server, head(path, f"Content-Length: {TEN_GB}", "Expect: 100-continue"))
    assert (answer.status, answer.sent) == (413, 0)
    assert b"connection: close" in answer.head
    assert not WebhookPayload.objects.exists()


@pytest.mark.scenario("CORE-81")
def test_an_endless_body_is_refused_at_the_cap(server: Server, world: World) -> None:
    path = webhook(world).endpoint_path
    before = psutil.Process().memory_info().rss
    answer = ask(server, head(path, CHUNKED), chunks(20_000, TEN_GB))
    assert answer.status == 413
    # What the sockets between hold is sent too; far less than would be without a cap.
    assert answer.sent < CAP + 20_000_000
    assert psutil.Process().memory_info().rss - before < 30_000_000
    assert not WebhookPayload.objects.exists()


def test_the_order_of_checks_does_not_depend_on_the_size(server: Server, world: World) -> None:
    unknown = f"/api/v1/boards/{world.board.id}/webhooks/{world.board.id}"
    disabled = webhook(world, enabled=False).endpoint_path
    signed = webhook(world, secret_sealed="x").endpoint_path
    for path, status in ((unknown, 404), (disabled, 410), (signed, 413)):
        for request, body in (
            (head(path, f"Content-Length: {TEN_GB}"), ()),
            (head(path, CHUNKED), chunks(20_000, 2 * CAP)),
        ):
            assert ask(server, request, body).status == status


def test_a_chunked_body_within_the_cap_is_kept_whole(server: Server, world: World) -> None:
    row = webhook(world)
    body = iter([*chunks(50_000, CAP), b"0\r\n\r\n"])
    assert ask(server, head(row.endpoint_path.replace("/v1", ""), CHUNKED), body).status == 202
    payload = WebhookPayload.objects.get()
    assert (payload.size_bytes, len(payload.body)) == (CAP, CAP)


def test_other_addresses_keep_their_own_cap(server: Server, world: World) -> None:
    path = f"/api/v1/boards/{world.board.id}/webhooks"
    body = b"x" * (CAP + 1)
    answer = ask(server, head(path, f"Content-Length: {len(body)}"), iter([body]))
    assert answer.status == 401
