"""Runs Django's WSGI handler for HTTP inside the ASGI server, on one pool of threads.

A request takes a thread only when its body has arrived, and gives it back before its answer is
sent, so a slow client costs a buffer and not a thread. Answers that stream keep theirs.
"""

import asyncio
import contextvars
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import IO, Any, cast

import orjson
from a2wsgi.wsgi import Body, build_environ

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApp = Callable[..., Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

SPOOL_BYTES = 512 * 1024
WHOLE_ANSWER_BYTES = 1024 * 1024
#: Answered on threads of their own, which requests that wait for a hung database cannot use up.
PROBES = frozenset({"/health", "/healthz", "/readyz"})
PROBE_THREADS = 4
#: After so long a request is asked about; a gateway may take its time, a hung database may not.
PATIENCE_SECONDS = 5.0
BODY_LIMIT_BYTES = 64 * 1024 * 1024
#: Set in the environment of a request whose body passes the cap of its address: it comes without
#: its body, so that its view refuses it in its own order, and the connection ends with the answer.
OVERSIZED = "missioncontrol.body_oversized"


class ClientGoneError(Exception):
    """The client left before its request was complete."""


class BodyTooLargeError(Exception):
    """The request is larger than anything that the product takes."""


class HttpPool:
    """An ASGI application for HTTP over a WSGI application."""

    def __init__(
        self,
        app: WsgiApp,
        *,
        threads: int,
        is_stuck: Callable[[], bool] = lambda: False,
        patience: float = PATIENCE_SECONDS,
        cap_of: Callable[[Scope], int | None] = lambda _scope: None,
    ) -> None:
        """Serve ``app`` with at most ``threads`` requests at work at a time.

        Args:
            is_stuck: Asked about a request that takes longer than ``patience`` seconds: whether
                what it waits for is away.
            cap_of: Bytes that an address takes, where that is less than anybody else's; no more
                of a longer body is read, and :data:`OVERSIZED` is set.
        """
        self._app, self._cap_of = app, cap_of
        self._is_stuck, self._patience = is_stuck, patience
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="http")
        self._probes = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="http-probe")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cap = self._cap_of(scope)
        limit = BODY_LIMIT_BYTES if cap is None else cap
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as body:
            is_oversized, length = _declared_length(scope) > limit, 0
            try:
                if not is_oversized:
                    length = await _read_body(receive, cast("IO[bytes]", body), limit)
            except ClientGoneError:
                return
            except BodyTooLargeError:
                is_oversized = True
                body.seek(0)
                body.truncate()
            if is_oversized and cap is None:
                await _refuse_large(send)
                return
            environ = cast("dict[str, Any]", build_environ(cast("Any", scope), cast("Body", body)))
            # Also right for a chunked request, which names no length.
            environ["CONTENT_LENGTH"] = str(length)
            environ[OVERSIZED] = is_oversized
            exchange = _Exchange(self._app, environ, send)
            context = contextvars.copy_context()
            pool = self._probes if scope["path"] in PROBES else self._threads
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(pool, context.run, exchange.run)
            if await self._is_finished(work, exchange):
                await exchange.send_rest()
            else:
                await _refuse_hung(send)

    async def _is_finished(self, work: asyncio.Future[None], exchange: "_Exchange") -> bool:
        """Wait for a request; ``False`` when it hangs on a database that does not answer.

        Its thread stays with it until the database is back, or its connection breaks.
        """
        while True:
            await asyncio.wait({work}, timeout=self._patience)
            if work.done():
                work.result()
                return True
            is_stuck = await asyncio.get_running_loop().run_in_executor(
                self._probes, self._is_stuck
            )
            if is_stuck and not work.done() and not exchange.has_begun:
                exchange.is_given_up = True
                return False

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._probes.shutdown(wait=False, cancel_futures=True)


class _Exchange:
    """One request in its thread, and what is left to send afterwards."""

    def __init__(self, app: WsgiApp, environ: dict[str, Any], send: Send) -> None:
        self._app, self._environ, self._send = app, environ, send
        self._loop = asyncio.get_running_loop()
        self._status = 500
        self._headers: Headers = []
        self._body: bytes | None = None
        self.has_begun = False
        self.is_given_up = False

    def run(self) -> None:
        """In the thread: run the application, collect or stream its answer."""
        answer = self._app(self._environ, self._start)
        try:
            if getattr(answer, "streaming", False) and not self._is_small():
                self._stream(answer)
            else:
                self._body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    async def send_rest(self) -> None:
        """In the loop: send an answer that was collected."""
        if self._body is not None:
            await self._send(self._head())
            await self._send({"type": "http.response.body", "body": self._body})

    def _start(
        self, status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        self._status = int(status.split(" ", 1)[0])
        self._headers = [(n.encode("latin1").lower(), v.encode("latin1")) for n, v in headers]
        return lambda _chunk: None

    def _head(self) -> Message:
        # What was not read of a body must not be taken for the next request.
        rest: Headers = [(b"connection", b"close")] if self._environ.get(OVERSIZED) else []
        return {
            "type": "http.response.start",
            "status": self._status,
            "headers": [*self._headers, *rest],
        }

    def _is_small(self) -> bool:
        length = next((v for n, v in self._headers if n == b"content-length"), b"")
        return length.isdigit() and int(length) <= WHOLE_ANSWER_BYTES

    def _stream(self, chunks: Iterable[bytes]) -> None:
        self._wait_for(self._head())
        for chunk in chunks:
            self._wait_for({"type": "http.response.body", "body": chunk, "more_body": True})
        self._wait_for({"type": "http.response.body", "body": b""})

    def _wait_for(self, message: Message) -> None:
        async def send() -> None:
            if not self.is_given_up:
                self.has_begun = True
                await self._send(message)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result()


def _declared_length(scope: Scope) -> int:
    """Length that the request announces; 0 for a chunked one."""
    raw = dict(scope["headers"]).get(b"content-length", b"")
    return int(raw) if raw.isdigit() else 0


async def _read_body(receive: Receive, body: IO[bytes], limit: int) -> int:
    """Write the request's body to ``body`` and return its length, rewound.

    Raises:
        BodyTooLargeError: it is longer than ``limit`` bytes; no more of it is read.
    """
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        length += len(part)
        if length > limit:
            raise BodyTooLargeError
        body.write(part)
        if not message.get("more_body", False):
            body.seek(0)
            return length


async def _refuse_large(send: Send) -> None:
    await _refuse(send, 413, "payload_too_large", "The request is larger than this server takes.")


async def _refuse_hung(send: Send) -> None:
    detail = "The database does not answer. Look whether the change was made before you repeat it."
    await _refuse(send, 503, "database_unavailable", detail)


async def _refuse(send: Send, status: int, code: str, detail: str) -> None:
    """A problem document for a request that Django does not answer."""
    reference = uuid.uuid4().hex
    problem = {
        "type": f"/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "message": detail,
        "code": code,
        "request_id": reference,
    }
    text = orjson.dumps(problem)
    headers: Headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(text)).encode()),
        (b"x-request-id", reference.encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
