"""The product as a transport: the clients talk to it inside the transaction of a test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

ADDRESS = "http://testserver"


@dataclass
class Server(httpx.BaseTransport):
    """Answers by the product, after answers that a test has prepared.

    Attributes:
        prepared: Answers, or errors to raise, for the next calls.
        asked: Every request, in order.
    """

    prepared: list[httpx.Response | Exception] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    inner: httpx.WSGITransport = field(
        default_factory=lambda: httpx.WSGITransport(app=WSGIHandler())
    )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(request)
        if self.prepared:
            answer = self.prepared.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        with _same_connection():
            answer = self.inner.handle_request(request)
            answer.read()
        return answer


@contextlib.contextmanager
def _same_connection() -> Iterator[None]:
    """The end of a request does not close the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def problem(status: int, code: str = "", **headers: str) -> httpx.Response:
    """A refusal as the server writes it."""
    body = {"status": status, "code": code, "detail": "Not now.", "request_id": "r-1"}
    return httpx.Response(status, json=body, headers=headers)


def stream(text: str) -> httpx.Response:
    """A finite event stream."""
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


@dataclass
class Clock:
    """Notes pauses instead of making them."""

    pauses: list[float] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def __call__(self, seconds: float) -> None:
        """Pause."""
        self.pauses.append(seconds)
        self.then()
