"""Server-sent events, answered natively by the event loop: an open stream holds no thread.

The hub only wakes a stream; what it shows is read from the event log by number. A lost wake-up
delays by at most the hub's poll, a slow reader only himself.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from missioncontrol.feed_records import Record
from missioncontrol.feeds import Batch, Feed, open_feed
from missioncontrol.kernel import headers as shared
from missioncontrol.kernel import hub, rights
from missioncontrol.kernel.context import set_request_id
from missioncontrol.kernel.errors import DomainError, RateLimited
from missioncontrol.kernel.middleware import check_query
from missioncontrol.kernel.problems import as_domain_error, problem_response
from missioncontrol.kernel.renderers import dumps

log = structlog.get_logger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PING_SECONDS = 15.0
RECHECK_SECONDS = 25.0
#: A credential that ends is asked for this long after its end.
END_SECONDS = 0.2
LIFE_SECONDS = 6 * 3600.0
SEND_SECONDS = 30.0
RETRY_MILLISECONDS = 3000
STREAMS_PER_USER = 20
STREAMS_PER_AGENT = 5
#: Events of one change arrive together: wait this long for the rest before reading.
GATHER_SECONDS = 0.03

_VALID_ID = re.compile(r"^[A-Za-z0-9._-]{1,128}$")
_open: Counter[str] = Counter()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for a stream; a refusal is a problem document."""
    request_id = _request_id(scope)
    set_request_id(request_id)
    try:
        feed, after = await _opened(scope)
        with _Place(feed):
            await _Stream(scope, feed, receive, send, request_id).run(after)
    except Exception as error:
        known = as_domain_error(error)
        if known is None:
            log.exception("stream.failed", path=scope["path"])
            known = DomainError("Internal Server Error", code="internal_error")
        await _refuse(known, _request(scope), send, request_id)


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
def _opened(scope: Scope) -> tuple[Feed, int | None]:
    request = _request(scope)
    check_query(request)
    feed = open_feed(request)
    return feed, feed.start(request)


def _request(scope: Scope) -> HttpRequest:
    """The request as the REST door would see it: headers, query, session."""
    request = ASGIRequest(dict(scope), io.BytesIO())
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request


def _request_id(scope: Scope) -> str:
    given = dict(scope.get("headers", ())).get(b"x-request-id", b"").decode("latin1")
    return given if _VALID_ID.match(given) else uuid.uuid4().hex


async def _refuse(error: DomainError, request: HttpRequest, send: Send, request_id: str) -> None:
    response: HttpResponse = problem_response(error, request)
    headers = [(n.lower().encode(), v.encode("latin1")) for n, v in response.items()]
    headers += [(b"x-request-id", request_id.encode()), (b"cache-control", b"no-store")]
    headers += _shared_headers(request)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _shared_headers(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Headers that every answer of the API has."""
    origin = request.META.get("HTTP_ORIGIN", "")
    found = {**settings.SECURITY_HEADERS, **shared.cors(origin)}
    return [(name.lower().encode(), value.encode("latin1")) for name, value in found.items()]


class _Place:
    """One of the reader's places; there are 20 for a person and 5 for an agent."""

    def __init__(self, feed: Feed) -> None:
        self._owner = feed.owner
        self._most = STREAMS_PER_AGENT if feed.is_agents else STREAMS_PER_USER

    def __enter__(self) -> None:
        if _open[self._owner] >= self._most:
            raise RateLimited(
                _("Too many open streams. Close one first."),
                code="too_many_streams",
                retry_after=30,
            )
        _open[self._owner] += 1

    def __exit__(self, *_error: object) -> None:
        _open[self._owner] -= 1
        if not _open[self._owner]:
            del _open[self._owner]


class _Gone(Exception):
    """The client left, or does not read any more."""


class _Stream:
    """One open stream."""

    def __init__(
        self, scope: Scope, feed: Feed, receive: Receive, send: Send, request_id: str
    ) -> None:
        self._scope, self._feed = scope, feed
        self._receive, self._send = receive, send
        self._request_id = request_id
        self._wake = asyncio.Event()
        self._gone = False
        self._is_rung = False
        self._has_begun = False

    async def run(self, after: int | None) -> None:
        """Send what is missing, then what happens, until the client or its right is gone."""
        topic, rung_by = self._feed.stream.topic, rights.key_of(self._feed.actor)
        local = hub.local_hub()
        sink = _Waker(self._wake)
        head = await local.join(topic, sink)
        await rights.attend(rung_by, self._ring)
        listener = asyncio.create_task(self._listen())
        try:
            await self._begin()
            await self._follow(head if after is None else after)
        except _Gone:
            pass
        except Exception as error:
            refusal = as_domain_error(error)
            if refusal is None or not self._has_begun:
                raise
            log.info("stream.ended", path=self._scope["path"], code=refusal.machine_code)
            await self._finish()
        finally:
            listener.cancel()
            rights.leave(rung_by, self._ring)
            await local.leave(topic, sink)

    def _ring(self) -> None:
        """The reader's rights have just changed."""
        self._is_rung = True
        self._wake.set()

    async def _begin(self) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", self._request_id.encode()),
            *_shared_headers(_request(self._scope)),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self._has_begun = True
        await self._write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())

    async def _follow(self, after: int) -> None:
        started = checked = pinged = time.monotonic()
        await self._look()
        while not self._gone and time.monotonic() - started < LIFE_SECONDS:
            self._wake.clear()
            batch = await self._read(after)
            after = batch.last
            if batch.records:
                await self._write_all(batch.records)
                pinged = time.monotonic()
            if batch.is_full:
                continue
            await self._sleep(min(pinged + PING_SECONDS, self._next_check(checked)))
            now = time.monotonic()
            if now >= self._next_check(checked):
                self._is_rung = False
                await self._renew()
                await self._write_all(await self._look())
                checked = now
            if now - pinged >= PING_SECONDS:
                await self._write(b": ping\n\n")
                pinged = now
        if not self._gone:
            await self._finish()

    def _next_check(self, checked: float) -> float:
        """When the rights are asked again: now and then, rung, and when the credential ends."""
        if self._is_rung:
            return 0.0
        left, regular = self._feed.seconds_left, checked + RECHECK_SECONDS
        if left is None:
            return regular
        return min(regular, max(time.monotonic() + left + END_SECONDS, checked + END_SECONDS))

    async def _sleep(self, until: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _read(self, after: int) -> Batch:
        return self._feed.read(after, self._again)

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _renew(self) -> None:
        self._feed.renew(self._again)

    @database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
    def _look(self) -> list[Record]:
        return self._feed.look()

    def _again(self) -> Feed:
        return open_feed(_request(self._scope), self._feed.stream.organization_id)

    async def _listen(self) -> None:
        while not self._gone:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                self._wake.set()

    async def _write_all(self, records: list[Record]) -> None:
        if records:
            await self._write(b"".join(encoded(record) for record in records))

    async def _write(self, body: bytes) -> None:
        """Send; a client that takes nothing for half a minute is left."""
        try:
            message = {"type": "http.response.body", "body": body, "more_body": True}
            await asyncio.wait_for(self._send(message), SEND_SECONDS)
        except (TimeoutError, OSError) as error:
            raise _Gone from error

    async def _finish(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


class _Waker:
    """The hub's local reader: any frame of the topic wakes the stream."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake

    def __call__(self, topic: str, frame: hub.Frame) -> None:
        self._wake.set()


def encoded(record: Record) -> bytes:
    """A record: id, name and one line of JSON."""
    number = b"id: %b\n" % str(record.id).encode() if record.id else b""
    return b"%bevent: %b\ndata: %b\n\n" % (number, record.name.encode(), dumps(record.payload))
