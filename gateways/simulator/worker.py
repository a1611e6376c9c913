"""Scripted worker: does with Mission Control's agent API what a well-behaved agent does.

Check in, take the assigned task, move it, comment, try to finish it, ask for approval when told
so, finish it once the approval is there. Everything it knows stands in its workspace and in the
answers of the API.

Source: core specification, agent-facing API, gates, approvals.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateways.simulator.brains import answer_directives, has_directive
from gateways.simulator.facts import Facts, read_facts
from gateways.simulator.runs import Turn

_STEP_SECONDS = 2.0
_API_TIMEOUT_SECONDS = 20.0
_ATTEMPTS = 8
_LONGEST_WAIT_SECONDS = 4.0
_COMMAND = re.compile(r"^\s*RUN:\s*(.+)$", re.MULTILINE)
_REJECTED = re.compile(r"\b(reject(ed)?|denied|expired|cancelled)\b", re.IGNORECASE)
RESOLVED_MARK = "APPROVAL RESOLVED"
_WORKABLE = ("in_progress", "review", "todo")


class ApiRefusal(Exception):  # noqa: N818
    """The agent API answered with an error."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(body.get("code") or "")
        self.text = str(body.get("message") or body.get("detail") or f"HTTP {status}")
        super().__init__(f"{status} {self.code}: {self.text}")


@dataclass(slots=True)
class AgentApi:
    """The agent-facing API with one agent's token."""

    http: httpx.AsyncClient
    facts: Facts

    async def call(self, verb: str, path: str, **options: Any) -> Any:
        """One call, repeated with the same key while Mission Control does not answer.

        Raises:
            ApiRefusal: status 400 and above, or no answer (status 0).
        """
        last = ApiRefusal(0, {})
        key = str(uuid.uuid4())
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(verb, path, key, **options)
            except ApiRefusal as refusal:
                if 0 < refusal.status < 500:
                    raise
                last = refusal
            await asyncio.sleep(min(0.2 * 2**attempt, _LONGEST_WAIT_SECONDS))
        raise last

    async def _once(self, verb: str, path: str, key: str, **options: Any) -> Any:
        url = f"{self.facts.base_url}/api/v1/agent/{path}"
        headers = {"X-Agent-Token": self.facts.auth_token}
        if verb == "POST":
            headers["Idempotency-Key"] = key
        try:
            response = await self.http.request(verb, url, headers=headers, **options)
        except httpx.HTTPError as error:
            raise ApiRefusal(0, {"message": f"no answer ({type(error).__name__})"}) from error
        body = _json_of(response)
        if response.status_code >= 400:
            raise ApiRefusal(response.status_code, body if isinstance(body, dict) else {})
        return body

    async def check_in(self) -> None:
        """Tell Mission Control that the agent is there."""
        await self.call("POST", "heartbeat", json={"status": "online"})

    async def tasks(self) -> list[dict[str, Any]]:
        """The agent's open tasks, what is in progress first."""
        rows = await self.call(
            "GET",
            f"boards/{self.facts.board_id}/tasks",
            params={
                "assigned_agent_id": self.facts.agent_id,
                "status": ",".join(_WORKABLE),
            },
        )
        found = _rows(rows)
        return sorted(
            (t for t in found if t.get("status") in _WORKABLE),
            key=lambda t: _WORKABLE.index(t["status"]),
        )

    async def move(self, task_id: str, status: str, **fields: Any) -> None:
        """Set a task's status."""
        path = f"boards/{self.facts.board_id}/tasks/{task_id}"
        await self.call("PATCH", path, json={"status": status, **fields})

    async def comment(self, task_id: str, message: str) -> None:
        """Comment on a task."""
        path = f"boards/{self.facts.board_id}/tasks/{task_id}/comments"
        await self.call("POST", path, json={"message": message})

    async def approvals(self, task_id: str) -> list[dict[str, Any]]:
        """The task's approvals, newest first."""
        rows = _rows(await self.call("GET", f"boards/{self.facts.board_id}/approvals"))
        return [r for r in rows if task_id in (r.get("task_ids") or [r.get("task_id")])]

    async def ask_approval(self, task: Mapping[str, Any], reason: str) -> None:
        """Ask for the approval that finishing a task needs."""
        await self.call(
            "POST",
            f"boards/{self.facts.board_id}/approvals",
            json={
                "task_ids": [task["id"]],
                "action_type": "task.complete",
                "confidence": 72,
                "rubric_scores": {"clarity": 25, "evidence": 25, "risk": 22},
                "lead_reasoning": reason,
                "payload": {"reason": reason},
            },
        )


def _rows(answer: Any) -> list[dict[str, Any]]:
    rows = answer.get("items") if isinstance(answer, dict) else answer
    return [row for row in rows or [] if isinstance(row, dict)]


def _json_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return {}


@dataclass
class Worker:
    """The brain of scripted agents; one per gateway, it keeps no state between turns.

    Attributes:
        speed: how much faster than a person could follow; 1 pauses two seconds per step.
        busy: agents that work at this moment.
    """

    speed: float = 1.0
    transport: httpx.AsyncBaseTransport | None = None
    busy: set[str] = field(default_factory=set)
    _http: httpx.AsyncClient | None = None

    async def __call__(self, turn: Turn) -> None:
        """Handle one message or heartbeat of an agent."""
        facts = read_facts(turn.agent.files)
        if facts is None or has_directive(turn.message):
            await answer_directives(turn)
            return
        job = _Job(turn, AgentApi(self._client(), facts), _STEP_SECONDS / self.speed)
        self.busy.add(turn.agent.id)
        try:
            await turn.say(await job.run())
        except ApiRefusal as refusal:
            await turn.say(f"Mission Control refused: {refusal}")
        finally:
            self.busy.discard(turn.agent.id)

    async def close(self) -> None:
        """Close the HTTP connections."""
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                timeout=_API_TIMEOUT_SECONDS, transport=self.transport, trust_env=False
            )
        return self._http


@dataclass(slots=True)
class _Job:
    turn: Turn
    api: AgentApi
    pause_seconds: float

    async def run(self) -> str:
        """Do one round; returns what the agent says at its end."""
        await self.api.check_in()
        if not self.api.facts.has_board:
            return "Checked in."
        tasks = await self.api.tasks()
        if not tasks:
            return "NO_REPLY" if self.turn.is_heartbeat else "Checked in; no open task is mine."
        task = tasks[0]
        match task["status"]:
            case "todo":
                return await self._start(task)
            case "review":
                return await self._review(task)
        return await self._continue(task)

    async def _start(self, task: dict[str, Any]) -> str:
        if not await self._try_move(task, "in_progress"):
            return f"Could not start {_name(task)}."
        await self._pace()
        await self.api.comment(
            task["id"], f"Update: started. Evidence: read the task. Next: {_name(task)}."
        )
        await self._run_commands(task)
        await self._pace()
        await self.api.comment(
            task["id"],
            f"Update: the work on {_name(task)} is complete. Evidence: checked against the "
            "description. Next: close it.",
        )
        return await self._finish(task)

    async def _continue(self, task: dict[str, Any]) -> str:
        """A task that was begun before: usually one that waited for a decision."""
        known = await self.api.approvals(task["id"])
        newest = str(known[0].get("status")) if known else ""
        if newest == "pending":
            return f"{_name(task)} waits for a decision."
        if newest in {"rejected", "expired", "cancelled"}:
            if self._is_told():
                await self.api.comment(
                    task["id"], f"Update: the approval was {newest}; the task stays open."
                )
            return f"{_name(task)} was not approved."
        return await self._finish(task)

    async def _review(self, task: dict[str, Any]) -> str:
        await self._pace()
        await self.api.comment(
            task["id"], "Update: reviewed. Evidence: comments read. Next: close."
        )
        return await self._finish(task)

    async def _finish(self, task: dict[str, Any]) -> str:
        await self._pace()
        try:
            await self.api.move(task["id"], "done")
        except ApiRefusal as refusal:
            return await self._refused(task, refusal)
        return f"{_name(task)} is done."

    async def _refused(self, task: dict[str, Any], refusal: ApiRefusal) -> str:
        match refusal.code:
            case "approval_required":
                return await self._ask(task)
            case "review_required":
                await self.api.move(task["id"], "review", comment="Evidence: ready, please review.")
                return f"{_name(task)} is in review."
            case "pending_approval_blocks_status":
                return f"{_name(task)} waits for a decision."
        await self.api.comment(
            task["id"], f"Update: blocked ({refusal.code or refusal.status}): {refusal.text}"
        )
        return f"{_name(task)} is blocked: {refusal.text}"

    async def _ask(self, task: dict[str, Any]) -> str:
        reason = f"The work on {_name(task)} is complete; closing it needs an approval."
        try:
            await self.api.ask_approval(task, reason)
        except ApiRefusal as refusal:
            if refusal.status != 409:
                raise
        return f"{_name(task)} waits for an approval."

    async def _try_move(self, task: dict[str, Any], status: str) -> bool:
        try:
            await self.api.move(task["id"], status)
        except ApiRefusal as refusal:
            if refusal.status != 409:
                raise
            await self.api.comment(task["id"], f"Update: blocked ({refusal.code}): {refusal.text}")
            return False
        return True

    async def _run_commands(self, task: dict[str, Any]) -> None:
        """Commands that the description asks for, one ``RUN: command`` per line."""
        for command in _COMMAND.findall(str(task.get("description") or "")):
            outcome = await self.turn.exec(command.strip())
            head = "refused" if outcome.is_denied else "failed" if outcome.is_error else "ran"
            await self.api.comment(
                task["id"], f"Update: command {head}: {command.strip()}. Evidence: {outcome.text}"
            )

    def _is_told(self) -> bool:
        message = self.turn.message
        return RESOLVED_MARK in message and _REJECTED.search(message) is not None

    async def _pace(self) -> None:
        if self.pause_seconds > 0.005:
            await asyncio.sleep(self.pause_seconds)


def _name(task: Mapping[str, Any]) -> str:
    return str(task.get("key") or task.get("title") or task["id"])
