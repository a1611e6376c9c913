"""Event streams, read as the server sends them: the first frames, then the reader leaves."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit
from uuid import UUID

import orjson
import requests
from schemathesis.core.transport import Response

from missioncontrol import streams
from tests.fuzz.calls import answered

KIND = "text/event-stream"
#: A stream that says nothing for so long has said what happened so far.
SILENCE_SECONDS = 0.15
PATIENCE_SECONDS = 10.0
#: An agent may hold five streams at a time.
AT_ONCE = 4
_FIELD = re.compile(r"^(id|event|data|retry): (.*)$")


def is_stream(operation: Any) -> bool:
    """Whether an operation answers with events."""
    answers = operation.definition.raw["responses"].get("200", {})
    return KIND in answers.get("content", {})


@dataclass
class Reader:
    """A client of one stream; leaves when nothing comes any more."""

    request: requests.PreparedRequest
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    has_asked: bool = False

    async def read(self) -> Response:
        """Open, listen, leave."""
        await asyncio.wait_for(streams.app(self._scope(), self._receive, self._send), 20)
        return answered(self.request, self.status, self.headers, self.content)

    async def _receive(self) -> dict[str, Any]:
        if not self.has_asked:
            self.has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        wait = PATIENCE_SECONDS if not self.content else SILENCE_SECONDS
        while True:
            try:
                await asyncio.wait_for(self.heard.wait(), wait)
            except TimeoutError:
                return {"type": "http.disconnect"}
            self.heard.clear()
            wait = SILENCE_SECONDS

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(n.decode(), v.decode("latin1")) for n, v in message["headers"]]
        else:
            self.content += message.get("body", b"")
        self.heard.set()

    def _scope(self) -> dict[str, Any]:
        address = urlsplit(str(self.request.url))
        headers = [(b"host", b"testserver")]
        for name, value in self.request.headers.items():
            raw = value if isinstance(value, bytes) else str(value).encode("latin1")
            headers.append((name.lower().encode(), raw))
        return {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": unquote_to_bytes(address.path).decode("utf8", "replace"), "root_path": "",
            "raw_path": address.path.encode(), "query_string": address.query.encode(),
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        }  # fmt: skip


async def read_all(requested: list[requests.PreparedRequest]) -> list[Response]:
    """Read some streams at a time, in order."""
    found: list[Response] = []
    for start in range(0, len(requested), AT_ONCE):
        readers = [Reader(one) for one in requested[start : start + AT_ONCE]]
        found += await asyncio.gather(*(reader.read() for reader in readers))
    return found


def faults(response: Response) -> list[str]:
    """What is wrong with the frames of an opened stream."""
    if response.status_code != 200:
        return []
    text = response.content.decode("utf8")
    if not text.endswith("\n\n"):
        return ["the last frame is not complete"]
    frames = text.removesuffix("\n\n").split("\n\n")
    wrong = [] if frames[0].startswith("retry: ") else ["the first frame says no pause"]
    return wrong + [fault for frame in frames for fault in _frame_faults(frame)]


def _frame_faults(frame: str) -> list[str]:
    """A comment; a pause in milliseconds; the place to go on from; or a record."""
    lines = frame.split("\n")
    if all(line.startswith(":") for line in lines):
        return []
    pairs = [_FIELD.match(line) for line in lines]
    if not all(pairs):
        return [f"no field of an event stream: {frame[:200]!r}"]
    said = {match.group(1): match.group(2) for match in pairs if match}
    try:
        UUID(said.get("id", str(UUID(int=0))))
        int(said.get("retry", "0"))
        is_record = isinstance(orjson.loads(said.get("data", "{}")), dict)
    except ValueError as error:
        return [f"{error}: {frame[:200]!r}"]
    if not is_record or ("data" in said) != ("event" in said):
        return [f"a record without name or object: {frame[:200]!r}"]
    return []
