"""Runs Django's WSGI handler for HTTP inside the ASGI server, on one pool of threads.

A request takes a thread only when its body has arrived, and gives it back before its answer is
sent, so a slow client costs a buffer and not a thread. Answers that stream keep theirs.
"""

import asyncio
import contextvars
import io
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
        self._watches: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cap = self._cap_of(scope)
        limit = BODY_LIMIT_BYTES if cap is None else cap
        is_oversized, body = _declared_length(scope) > limit, _nothing()
        try:
            if not is_oversized:
                body = await _read_body(receive, limit)
        except ClientGoneError:
            return
        except BodyTooLargeError:
            is_oversized = True
        if is_oversized and cap is None:
            await _refuse_large(send)
            return
        with body:
            exchange = _Exchange(self._app, _environ(scope, body, is_oversized=is_oversized), send)
            pool = self._probes if scope["path"] in PROBES else self._threads
            pool.submit(contextvars.copy_context().run, exchange.run)
            if await self._is_finished(exchange):
                await exchange.send_rest()
            else:
                await _refuse_hung(send)

    async def _is_finished(self, exchange: "_Exchange") -> bool:
        """Wait for a request; ``False`` when it hangs on a database that does not answer.

        Its thread stays with it until the database is back, or its connection breaks.
        """
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._patience, self._begin_watch, exchange)
        try:
            return await exchange.is_finished
        finally:
            timer.cancel()

    def _begin_watch(self, exchange: "_Exchange") -> None:
        task = asyncio.ensure_future(self._watch(exchange))
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _watch(self, exchange: "_Exchange") -> None:
        """Give a slow request up once the database turns out to be away."""
        loop = asyncio.get_running_loop()
        while not exchange.is_finished.done():
            is_stuck = await loop.run_in_executor(self._probes, self._is_stuck)
            if is_stuck and exchange.give_up():
                return
            await asyncio.wait({exchange.is_finished}, timeout=self._patience)

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
        self._has_begun = False
        self._is_given_up = False
        #: In the loop: ``True`` when the application is through, ``False`` when it was given up.
        self.is_finished: asyncio.Future[bool] = self._loop.create_future()

    def run(self) -> None:
        """In the thread: run the application, then tell the loop."""
        error: BaseException | None = None
        try:
            self._run()
        except BaseException as raised:  # noqa: BLE001 - it goes on in the loop
            error = raised
        self._loop.call_soon_threadsafe(self._finish, error)

    def give_up(self) -> bool:
        """In the loop: send nothing of it any more; ``False`` when it is too late for that."""
        if self.is_finished.done() or self._has_begun:
            return False
        self._is_given_up = True
        self.is_finished.set_result(False)
        return True

    def _finish(self, error: BaseException | None) -> None:
        if self.is_finished.done():
            return
        if error is None:
            self.is_finished.set_result(True)
        else:
            self.is_finished.set_exception(error)

    def _run(self) -> None:
        """Run the application, collect or stream its answer."""
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
            if not self._is_given_up:
                self._has_begun = True
                await self._send(message)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result()


def _declared_length(scope: Scope) -> int:
    """Length that the request announces; 0 for a chunked one."""
    raw = dict(scope["headers"]).get(b"content-length", b"")
    return int(raw) if raw.isdigit() else 0


def _nothing() -> IO[bytes]:
    return io.BytesIO()


def _environ(scope: Scope, body: IO[bytes], *, is_oversized: bool) -> dict[str, Any]:
    """The request as WSGI has it."""
    environ = cast("dict[str, Any]", build_environ(cast("Any", scope), cast("Body", body)))
    # Also right for a chunked request, which names no length.
    environ["CONTENT_LENGTH"] = str(body.seek(0, io.SEEK_END))
    environ[OVERSIZED] = is_oversized
    body.seek(0)
    return environ


async def _read_body(receive: Receive, limit: int) -> IO[bytes]:
    """The request's body; a large one lies in a file.

    Raises:
        BodyTooLargeError: it is longer than ``limit`` bytes; no more of it is read.
    """
    body, length = _nothing(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise ClientGoneError
        part = message.get("body", b"")
        length += len(part)
        if length > limit:
            body.close()
            raise BodyTooLargeError
        if length > SPOOL_BYTES and isinstance(body, io.BytesIO):
            body = _moved_to_file(body)
        body.write(part)
        if not message.get("more_body", False):
            return body


def _moved_to_file(body: io.BytesIO) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for the body closes it
    file.write(body.getbuffer())
    return file


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
