"""A small stand-in for Mission Control's agent API, for tests of gateways without the product.

One board, one agent, its tasks; finishing a task needs an approved approval. What counts is what
arrived: every request is recorded.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Mission:
    """The stand-in; use as a context, ``base_url`` is for the agents.

    Attributes:
        needs_approval: finishing a task is refused with ``approval_required`` until approved.
    """

    token: str = "mca_" + "t" * 43
    agent_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    board_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    needs_approval: bool = True
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    check_ins: int = 0
    refused: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def base_url(self) -> str:
        """Address for the agents."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def contract(self) -> str:
        """An ``AGENTS.md`` whose token stands in the header file."""
        return (
            "# Contract\n\nFollow the tasks of Mission Control.\n\n## Tools\n\n"
            f"BASE_URL={self.base_url}\nAUTH_HEADER_FILE=BOOTSTRAP.md\n"
            f"AGENT_ID={self.agent_id}\nBOARD_ID={self.board_id}\n"
        )

    def add_task(self, title: str, description: str = "") -> dict[str, Any]:
        """A new task of the agent."""
        task = {
            "id": str(uuid.uuid4()),
            "title": title,
            "description": description,
            "status": "todo",
        }
        self.tasks[task["id"]] = task
        return task

    def decide(self, status: str) -> None:
        """Decide the pending approvals."""
        for approval in self.approvals:
            if approval["status"] == "pending":
                approval["status"] = status

    def __enter__(self) -> Self:
        mission = self

        class Handler(_Handler):
            answer = staticmethod(mission._answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, verb: str, url: str, token: str, body: dict[str, Any]) -> Answer:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/api/v1/agent/")
        if token != self.token:
            self.refused.append(path)
            return 401, {"code": "unauthenticated", "detail": "bad token"}
        if path == "heartbeat":
            self.check_ins += 1
            return 200, {"id": self.agent_id}
        board, _, rest = path.removeprefix("boards/").partition("/")
        if board != self.board_id:
            return 404, {"code": "not_found", "detail": "no such board"}
        return self._on_board(verb, rest.split("/"), parse_qs(parts.query), body)

    def _on_board(
        self, verb: str, rest: list[str], query: dict[str, list[str]], body: dict[str, Any]
    ) -> Answer:
        match verb, rest:
            case "GET", ["tasks"]:
                wanted = query["status"][0].split(",")
                assert query["assigned_agent_id"] == [self.agent_id]
                rows = [t for t in self.tasks.values() if t["status"] in wanted]
                return 200, {"items": rows, "total": len(rows), "limit": 200, "offset": 0}
            case "PATCH", ["tasks", task_id]:
                return self._move(self.tasks[task_id], body)
            case "POST", ["tasks", _, "comments"]:
                self.comments.append(body["message"])
                return 201, body
            case "GET", ["approvals"]:
                return 200, {"items": list(reversed(self.approvals))}
            case "POST", ["approvals"]:
                approval = {**body, "id": str(uuid.uuid4()), "status": "pending"}
                self.approvals.append(approval)
                return 201, approval
        return 404, {"code": "not_found", "detail": "no such path"}

    def _move(self, task: dict[str, Any], body: dict[str, Any]) -> Answer:
        if body["status"] == "done" and self.needs_approval:
            mine = [a for a in self.approvals if task["id"] in a["task_ids"]]
            if not any(a["status"] == "approved" for a in mine):
                return 409, {"code": "approval_required", "detail": "Needs an approval."}
        task["status"] = body["status"]
        return 200, task


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Callable[[str, str, str, dict[str, Any]], Answer]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (base class)
        """Stay quiet."""

    def _handle(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        token = self.headers.get("X-Agent-Token") or ""
        status, answer = type(self).answer(self.command, self.path, token, body)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815 (names of the base class)
