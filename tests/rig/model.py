"""Deterministic OpenAI-compatible model for the rig: ``python -m tests.rig.model --port P``.

In this order: a directive in the last user message (``EXEC command``, ``TOOL name {json}``,
``SAY text``, ``SLOW words [ms]``, ``FAIL status``); the scripted worker, when the prompt holds the
connection facts of Mission Control; ``NO_REPLY`` to the default heartbeat prompt; an echo.

``GET /requests`` returns the last request bodies: what the agents really see.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
import uuid
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .model_worker import next_move, read_prompt

MODEL = "echo-1"
_DIRECTIVE = re.compile(r"(?:^|\n|\] ?)[ \t]*(EXEC|TOOL|SAY|SLOW|FAIL)[ \t]+([^\n]*)")
_INTERNAL = re.compile(
    r"<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>.*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>", re.DOTALL
)
_STAMP = re.compile(r"^\[[A-Z][a-z]{2} \d{4}-\d\d-\d\d [^\]]*\] ")
_TRAILER = "\n\nRuntime: agent="
_KEPT_REQUESTS = 100


class Reply:
    """What the model answers: text, a tool call, slow words or an HTTP error."""

    def __init__(
        self,
        text: str = "",
        *,
        tool: tuple[str, dict[str, Any]] | None = None,
        pause_seconds: float = 0.0,
        status: int = 200,
    ) -> None:
        self.text, self.tool, self.pause_seconds, self.status = text, tool, pause_seconds, status


def text_of(content: Any) -> str:
    """Text of a message content, whatever its form."""
    if isinstance(content, str):
        return content
    return "\n".join(p.get("text", "") for p in content or [] if isinstance(p, dict))


def plan(body: dict[str, Any]) -> Reply:
    """The reply to a request; depends on its messages alone."""
    messages = body.get("messages") or []
    index, message = _last_user(messages)
    outputs = [text_of(m.get("content")) for m in messages[index + 1 :] if m.get("role") == "tool"]
    found = _DIRECTIVE.findall(message)
    if found:
        return _directed(found[-1][0], found[-1][1].strip(), outputs)
    system = "\n".join(
        text_of(m.get("content")) for m in messages if m.get("role") in {"system", "developer"}
    )
    prompted = read_prompt(system)
    if prompted is not None:
        said = [_plain(m) for m in messages[:index] if m.get("role") == "user"]
        kind, text = next_move(prompted, _plain(messages[index]), outputs, said=said)
        # A call that waits for Mission Control to come back must not go to the background.
        arguments = {"command": text, "yieldMs": 90_000}
        return Reply(text) if kind == "say" else Reply(tool=("exec", arguments))
    if "reply NO_REPLY" in message:
        return Reply("NO_REPLY")
    clean = _STAMP.sub("", message).split(_TRAILER)[0].strip()
    return Reply("echo: " + clean[-400:])


def _last_user(messages: list[dict[str, Any]]) -> tuple[int, str]:
    """Position and text of the last message that a person or the heartbeat wrote."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user":
            said = _INTERNAL.sub("", text_of(messages[index].get("content"))).strip()
            if said:
                return index, said
    return -1, ""


def _plain(message: dict[str, Any]) -> str:
    """What was said, without the gateway's additions."""
    text = _INTERNAL.sub("", text_of(message.get("content"))).strip()
    return _STAMP.sub("", text).split(_TRAILER)[0].strip()


def _directed(verb: str, rest: str, outputs: list[str]) -> Reply:
    if verb in {"EXEC", "TOOL"} and outputs:
        return Reply("RESULT: " + outputs[-1].strip())
    match verb:
        case "EXEC":
            return Reply(tool=("exec", {"command": rest}))
        case "TOOL":
            name, _, raw = rest.partition(" ")
            return Reply(tool=(name, json.loads(raw or "{}")))
        case "SAY":
            return Reply(rest)
        case "SLOW":
            numbers = [int(n) for n in rest.split()]
            words = " ".join(f"w{n + 1}" for n in range(numbers[0]))
            return Reply(words, pause_seconds=(numbers[1] if numbers[1:] else 200) / 1000)
    return Reply("requested failure", status=int(rest.split(maxsplit=1)[0]))


class Handler(BaseHTTPRequestHandler):
    """One HTTP request of the gateway."""

    protocol_version = "HTTP/1.1"
    seen: deque[dict[str, Any]] = deque(maxlen=_KEPT_REQUESTS)
    lock = threading.Lock()
    log_path: Path | None = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (base class)
        """Stay quiet."""

    def do_GET(self) -> None:
        """Model list, seen requests, health."""
        if self.path.startswith("/v1/models"):
            row = {"id": MODEL, "object": "model", "created": 0, "owned_by": "rig"}
            return self._send({"object": "list", "data": [row]})
        if self.path == "/requests":
            with self.lock:
                return self._send(list(self.seen))
        return self._send({"ok": True})

    def do_POST(self) -> None:
        """Chat completions."""
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        if not self.path.endswith("/chat/completions"):
            return self._send({"error": {"message": f"unknown path {self.path}"}}, 404)
        self._record(body)
        reply = plan(body)
        if reply.status != 200:
            problem = {"error": {"message": reply.text, "type": "rig"}}
            return self._send(problem, reply.status)
        base = {"id": f"chatcmpl-{uuid.uuid4().hex[:12]}", "created": int(time.time())}
        base["model"] = body.get("model") or MODEL
        usage = {"prompt_tokens": size // 4, "completion_tokens": 8, "total_tokens": size // 4 + 8}
        if not body.get("stream"):
            choice = {"index": 0, "message": _message(reply), "finish_reason": _finish(reply)}
            answer = {**base, "object": "chat.completion", "usage": usage, "choices": [choice]}
            return self._send(answer)
        return self._stream(base, reply, usage)

    def _record(self, body: dict[str, Any]) -> None:
        with self.lock:
            self.seen.append(body)
            if self.log_path:
                with self.log_path.open("a") as log:
                    log.write(json.dumps(body) + "\n")

    def _send(self, answer: Any, status: int = 200) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, base: dict[str, Any], reply: Reply, usage: dict[str, int]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self._chunk(base, {"role": "assistant"})
            if reply.tool:
                self._chunk(base, {"tool_calls": _message(reply)["tool_calls"]})
            for word in re.findall(r"\S+\s*|\s+", reply.text):
                self._chunk(base, {"content": word})
                time.sleep(reply.pause_seconds)
            self._chunk(base, {}, finish=_finish(reply))
            self._chunk(base, None, usage=usage)
            self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            return  # the run was aborted

    def _chunk(
        self,
        base: dict[str, Any],
        delta: dict[str, Any] | None,
        *,
        finish: str | None = None,
        **extra: Any,
    ) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        choices = [] if delta is None else [choice]
        frame = {**base, "object": "chat.completion.chunk", "choices": choices, **extra}
        self.wfile.write(b"data: " + json.dumps(frame).encode() + b"\n\n")
        self.wfile.flush()


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool else "stop"


def _message(reply: Reply) -> dict[str, Any]:
    if reply.tool is None:
        return {"role": "assistant", "content": reply.text}
    name, arguments = reply.tool
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {
        "index": 0,
        "id": f"call_{uuid.uuid4().hex[:10]}",
        "type": "function",
        "function": function,
    }
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.rig.model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    Handler.log_path = options.log
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
