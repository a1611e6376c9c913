"""Server-sent events for the client: parsing, and going on after a broken connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

#: The server sends a sign of life every 15 seconds; three missed ones mean a dead connection.
SILENCE_SECONDS = 45.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """One record of a stream; ``id`` names the place to resume from."""

    id: str
    name: str
    data: Any


class EventReader:
    """Reads one stream, over as many connections as it takes."""

    def __init__(
        self,
        http: httpx.Client,
        path: str,
        query: dict[str, Any],
        after: str,
        pause: Callable[[float], None],
    ) -> None:
        self._http, self._path, self._query = http, path, query
        self._pause = pause
        self._last = after
        self._retry_seconds = 3.0
        self._failures = 0

    def events(
        self, refusal: Callable[[httpx.Response], Exception], stop: Callable[[], bool]
    ) -> Iterator[Event]:
        """Records in order, none twice; a refusal that will not pass ends with its error."""
        while not stop():
            try:
                yield from self._connection(refusal, stop)
            except httpx.HTTPError:
                self._failures += 1
            if stop():
                return
            self._pause(min(self._retry_seconds * 2**self._failures, LONGEST_PAUSE_SECONDS))

    def _connection(
        self, refusal: Callable[[httpx.Response], Exception], stop: Callable[[], bool]
    ) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream"}
        if self._last:
            headers["Last-Event-ID"] = self._last
        timeout = httpx.Timeout(10.0, read=SILENCE_SECONDS)
        with self._http.stream(
            "GET", self._path, params=self._query, headers=headers, timeout=timeout
        ) as response:
            if response.status_code in (429, 502, 503):
                self._failures += 1
                return
            if response.status_code != 200:
                response.read()
                raise refusal(response)
            self._failures = 0
            yield from self._records(response.iter_lines(), stop)

    def _records(self, lines: Iterator[str], stop: Callable[[], bool]) -> Iterator[Event]:
        name, record_id, data = "", "", []
        for line in lines:
            if stop():
                return
            field, _colon, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "event":
                    name = value
                case "id":
                    record_id = value
                case "data":
                    data.append(value)
                case "retry" if value.isdigit():
                    self._retry_seconds = int(value) / 1000
                case "" if not line:
                    self._last = record_id or self._last
                    if data:
                        yield Event(self._last, name or "message", _decoded("\n".join(data)))
                    name, record_id, data = "", "", []


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
