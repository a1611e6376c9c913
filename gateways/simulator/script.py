"""What a well-behaved worker does, step by step, without doing it.

A script is a generator: it yields the next call of the agent API (or the next command), is sent
the answer and returns what the agent says at the end. The simulator drives it over HTTP; the
scripted model of the test rig turns the same steps into ``curl`` commands.

Source: core specification, agent-facing API, gates, approvals.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateways.simulator.facts import Facts

RESOLVED_MARK = "APPROVAL RESOLVED"
_COMMAND = re.compile(r"^\s*RUN:\s*(.+)$", re.MULTILINE)
_WORKABLE = ("in_progress", "review", "todo")
#: Part of the comment after which nothing is left to do but to close the task.
_COMPLETE = "is complete"
_NOT_APPROVED = frozenset({"rejected", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call of the agent API; ``path`` follows ``/api/v1/agent/``."""

    verb: str
    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A command on the gateway's host, under its exec policy."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to an ``ApiCall`` (status 0: none came) or to a ``Command``."""

    status: int = 200
    body: Any = None
    text: str = ""
    is_denied: bool = False

    @property
    def is_refusal(self) -> bool:
        """Whether the API refused or did not answer."""
        return self.status == 0 or self.status >= 400

    @property
    def code(self) -> str:
        """Machine-readable reason of a refusal."""
        return str(self.body.get("code") or "") if isinstance(self.body, dict) else ""

    @property
    def reason(self) -> str:
        """Readable reason of a refusal."""
        body = self.body if isinstance(self.body, dict) else {}
        return str(body.get("detail") or body.get("message") or f"HTTP {self.status}")

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a list answer, with or without envelope."""
        rows = self.body.get("items") if isinstance(self.body, dict) else self.body
        return [row for row in rows or [] if isinstance(row, dict)]


Step = ApiCall | Command
Script = Generator[Step, Answer, str]


def work(facts: Facts, message: str, *, is_heartbeat: bool) -> Script:  # noqa: PLR0911 (one answer per case)
    """One round: check in, take the most urgent task, bring it as far as it goes."""
    answer = yield ApiCall("POST", "heartbeat", {"status": "online"})
    if answer.is_refusal:
        return f"Mission Control refused the check-in: {answer.reason}"
    if not facts.has_board:
        return "Checked in."
    board = _Board(f"boards/{facts.board_id}")
    answer = yield board.tasks(facts.agent_id)
    if answer.is_refusal:
        return f"Mission Control refused: {answer.reason}"
    tasks = [t for t in answer.rows() if t.get("status") in _WORKABLE]
    if not tasks:
        return "NO_REPLY" if is_heartbeat else "Checked in; no open task is mine."
    task = min(tasks, key=lambda t: _WORKABLE.index(t["status"]))
    match task["status"]:
        case "todo":
            return (yield from _start(board, task))
        case "review":
            yield board.comment(task, "Update: reviewed. Evidence: comments read. Next: close.")
            return (yield from _finish(board, task))
    return (yield from _continue(board, task, message))


@dataclass(frozen=True, slots=True)
class _Board:
    path: str

    def tasks(self, agent_id: str) -> ApiCall:
        params = {"assigned_agent_id": agent_id, "status": ",".join(_WORKABLE)}
        return ApiCall("GET", f"{self.path}/tasks", params=params)

    def move(self, task: Mapping[str, Any], status: str, **fields: str) -> ApiCall:
        return ApiCall("PATCH", f"{self.path}/tasks/{task['id']}", {"status": status, **fields})

    def comment(self, task: Mapping[str, Any], message: str) -> ApiCall:
        return ApiCall("POST", f"{self.path}/tasks/{task['id']}/comments", {"message": message})

    def comments(self, task: Mapping[str, Any]) -> ApiCall:
        return ApiCall("GET", f"{self.path}/tasks/{task['id']}/comments")

    def approvals(self) -> ApiCall:
        return ApiCall("GET", f"{self.path}/approvals")

    def ask(self, task: Mapping[str, Any]) -> ApiCall:
        reason = f"The work on {_name(task)} is complete; closing it needs an approval."
        body = {
            "task_ids": [task["id"]],
            "action_type": "task.complete",
            "confidence": 72,
            "rubric_scores": {"clarity": 25, "evidence": 25, "risk": 22},
            "lead_reasoning": reason,
            "payload": {"reason": reason},
        }
        return ApiCall("POST", f"{self.path}/approvals", body)


def _start(board: _Board, task: dict[str, Any]) -> Script:
    answer = yield board.move(task, "in_progress")
    if answer.is_refusal:
        return (yield from _blocked(board, task, answer))
    yield board.comment(task, f"Update: started. Evidence: read the task. Next: {_name(task)}.")
    for text in _COMMAND.findall(str(task.get("description") or "")):
        outcome = yield Command(text.strip())
        head = "refused" if outcome.is_denied else "ran"
        yield board.comment(
            task, f"Update: command {head}: {text.strip()}. Evidence: {outcome.text[:400]}"
        )
    return (yield from _complete(board, task))


def _complete(board: _Board, task: dict[str, Any]) -> Script:
    """Say that the work is done, then close the task."""
    yield board.comment(
        task,
        f"Update: the work on {_name(task)} {_COMPLETE}. Evidence: checked against the "
        "description. Next: close it.",
    )
    return (yield from _finish(board, task))


def _continue(board: _Board, task: dict[str, Any], message: str) -> Script:
    """A task that was begun before: it waited for a decision, or a turn ended in the middle."""
    answer = yield board.approvals()
    mine = [r for r in answer.rows() if task["id"] in (r.get("task_ids") or [r.get("task_id")])]
    newest = str(mine[0].get("status")) if mine else ""
    if not mine:
        answer = yield board.comments(task)
        if not any(_COMPLETE in str(row.get("message")) for row in answer.rows()):
            return (yield from _complete(board, task))
    if newest == "pending":
        return f"{_name(task)} waits for a decision."
    if newest in _NOT_APPROVED:
        if RESOLVED_MARK in message:
            yield board.comment(task, f"Update: the approval was {newest}; the task stays open.")
        return f"{_name(task)} was not approved."
    return (yield from _finish(board, task))


def _finish(board: _Board, task: dict[str, Any]) -> Script:  # noqa: PLR0911 (one answer per case)
    answer = yield board.move(task, "done")
    if not answer.is_refusal:
        return f"{_name(task)} is done."
    match answer.code:
        case "approval_required":
            asked = yield board.ask(task)
            if asked.is_refusal and asked.status != 409:
                return (yield from _blocked(board, task, asked))
            return f"{_name(task)} waits for an approval."
        case "review_required":
            moved = yield board.move(task, "review", comment="Evidence: ready, please review.")
            if moved.is_refusal:
                return (yield from _blocked(board, task, moved))
            return f"{_name(task)} is in review."
        case "pending_approval_blocks_status":
            return f"{_name(task)} waits for a decision."
    return (yield from _blocked(board, task, answer))


def _blocked(board: _Board, task: dict[str, Any], answer: Answer) -> Script:
    why = f"{answer.code or answer.status}: {answer.reason}"
    yield board.comment(task, f"Update: blocked ({why}).")
    return f"{_name(task)} is blocked ({why})."


def _name(task: Mapping[str, Any]) -> str:
    return str(task.get("key") or task.get("title") or task["id"])
