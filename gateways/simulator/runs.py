"""Runs of the simulated agents: one at a time per session, with the events of a real run.

Source: OpenClaw gateway protocol 4, events of a run, and runs seen on a live gateway.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateways.simulator.approvals import ExecRequest
from gateways.simulator.commands import run_command
from gateways.simulator.world import (
    DOLLARS_PER_TOKEN,
    MODEL_NAME,
    MODEL_PROVIDER,
    FinishedRun,
    SimAgent,
    SimSession,
    now_ms,
)

if TYPE_CHECKING:
    from gateways.simulator.server import SimulatedGateway

logger = logging.getLogger(__name__)

#: Answered without a model; other words behind a slash are what they are for the model.
COMMANDS = frozenset({"/status", "/new", "/reset", "/help", "/model", "/stop"})
SILENT_REPLIES = frozenset({"NO_REPLY", "HEARTBEAT_OK"})
#: What a transcript keeps of a heartbeat's prompt.
HEARTBEAT_POLL = "[OpenClaw heartbeat poll]"


class ModelFailure(Exception):
    """The simulated model answers with an HTTP error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} requested failure")
        self.status = status


@dataclass(frozen=True, slots=True)
class ExecOutcome:
    """What a command of an agent came to."""

    text: str
    is_error: bool
    is_denied: bool


@dataclass(eq=False)
class Run:
    """One turn of an agent in a session.

    Attributes:
        may_register_approval: the sender held ``operator.approvals``.
        text: the reply so far.

    """

    id: str
    session: SimSession
    message: str
    is_heartbeat: bool = False
    may_register_approval: bool = True
    text: str = ""
    seq: int = 0
    started_ms: int = field(default_factory=now_ms)
    task: asyncio.Task[None] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    end_state: str = ""


class Turn:
    """What a scripted agent sees and can do while it handles one message."""

    def __init__(self, gateway: SimulatedGateway, run: Run) -> None:
        self._gateway = gateway
        self._run = run

    @property
    def agent(self) -> SimAgent:
        """The agent whose turn it is, with its workspace files."""
        return self._gateway.world.agent(self._run.session.agent_id)

    @property
    def message(self) -> str:
        """The message or the heartbeat prompt."""
        return self._run.message

    @property
    def is_heartbeat(self) -> bool:
        """Whether the gateway itself woke the agent."""
        return self._run.is_heartbeat

    @property
    def session_key(self) -> str:
        """The session in which the agent speaks."""
        return self._run.session.key

    @property
    def transcript(self) -> list[str]:
        """What was said to the agent in this session so far."""
        messages = self._run.session.messages
        return [str(m.get("content") or "") for m in messages if m.get("role") == "user"]

    async def say(self, text: str) -> None:
        """Add text to the reply; it is streamed as a delta."""
        run = self._run
        run.text += text
        emit_agent(self._gateway, run, "assistant", {"text": run.text, "delta": text})
        emit_chat(self._gateway, run, "delta", deltaText=text, message=_assistant(run.text))
        await asyncio.sleep(0)

    async def exec(self, command: str) -> ExecOutcome:
        """Run a (simulated) command under the gateway's exec policy; may wait for a reviewer."""
        gateway, run = self._gateway, self._run
        call_id = "call_" + uuid.uuid4().hex[:10]
        start = {"phase": "start", "name": "exec", "toolCallId": call_id}
        emit_agent(gateway, run, "tool", {**start, "args": {"command": command}})
        outcome = await self._exec(command, call_id)
        result = {
            "content": [{"type": "text", "text": outcome.text}],
            "details": {
                "status": "failed" if outcome.is_error else "completed",
                "exitCode": None if outcome.is_denied else int(outcome.is_error),
                "aggregated": outcome.text,
            },
        }
        emit_agent(
            gateway,
            run,
            "tool",
            {**start, "phase": "result", "isError": outcome.is_error, "result": result},
        )
        return outcome

    async def _exec(self, command: str, call_id: str) -> ExecOutcome:
        desk, run = self._gateway.approvals, self._run
        request = ExecRequest(
            command=command,
            agent_id=run.session.agent_id,
            session_key=run.session.key,
            run_id=run.id,
            tool_call_id=call_id,
            cwd=self.agent.workspace,
        )
        denial = await desk.gate(request, may_register=run.may_register_approval)
        if denial is not None:
            return ExecOutcome(denial, is_error=True, is_denied=True)
        text, exit_code = run_command(command, self.agent.files)
        return ExecOutcome(text, is_error=exit_code != 0, is_denied=False)


Brain = Callable[[Turn], Awaitable[None]]


class RunEngine:
    """Starts, queues, ends and aborts runs."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway
        self._waiting: dict[str, deque[Run]] = {}
        self._active: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, run: Run) -> None:
        """Begin a run, or queue it behind the session's active one."""
        key = run.session.key
        self._waiting.setdefault(key, deque()).append(run)
        if key not in self._active:
            self._next(key)

    def active(self, key: str) -> Run | None:
        """The session's running turn."""
        return self._active.get(key)

    def find(self, run_id: str) -> Run | None:
        """A run that is active or waits."""
        waiting = (r for queue in self._waiting.values() for r in queue)
        return next((r for r in (*self._active.values(), *waiting) if r.id == run_id), None)

    def abort(self, key: str, run_id: str | None) -> list[str]:
        """Abort the session's active run (or the named one); returns the aborted ids."""
        run = self._active.get(key)
        if run is None or run.task is None or (run_id and run.id != run_id):
            return []
        run.task.cancel()
        return [run.id]

    async def stop(self) -> None:
        """Abort everything."""
        self._waiting.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _next(self, key: str) -> None:
        queue = self._waiting.get(key)
        if not queue:
            self._waiting.pop(key, None)
            return
        run = queue.popleft()
        self._active[key] = run
        run.task = asyncio.create_task(self._perform(run))
        self._tasks.add(run.task)
        run.task.add_done_callback(lambda task: self._ended(run, task))

    def _ended(self, run: Run, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._active.pop(run.session.key, None)
        finished = FinishedRun(run.end_state, run.text, run.started_ms, now_ms())
        self._gateway.world.finished_runs[run.id] = finished
        run.done.set()
        if not task.cancelled() and task.exception() is not None:
            logger.error("simulated run failed", exc_info=task.exception())
        self._next(run.session.key)

    async def _perform(self, run: Run) -> None:
        gateway = self._gateway
        record(gateway, run.session, _user(run))
        run.session.last_run_id = run.id
        for phase in ("preparing_workspace", "preparing_context"):
            _status(gateway, run, phase)
        emit_agent(gateway, run, "lifecycle", {"phase": "start", "startedAt": run.started_ms})
        _status(gateway, run, "starting_model")
        _session_changed(gateway, run.session, "start", runId=run.id)
        model = {"phase": "model", "provider": MODEL_PROVIDER, "model": MODEL_NAME}
        emit_agent(gateway, run, "lifecycle", model)
        turn = Turn(gateway, run)
        try:
            turn.agent.complete_setup()
            if run.message.split(maxsplit=1)[0] in COMMANDS:
                await turn.say(f"Status: {MODEL_PROVIDER}/{MODEL_NAME}")
            else:
                await gateway.brain(turn)
        except asyncio.CancelledError:
            gateway.approvals.cancel_run(run.id)
            self._finish(run, "aborted", stopReason="rpc")
            raise
        except ModelFailure as failure:
            self._finish(
                run,
                "error",
                errorMessage=str(failure),
                errorKind="provider",
                errorDetail={"provider": MODEL_PROVIDER, "httpStatus": failure.status},
            )
        else:
            self._finish(run, "final", stopReason="stop")

    def _finish(self, run: Run, state: str, **fields: Any) -> None:
        gateway = self._gateway
        run.end_state = state
        tokens = max(1, len(run.text) // 4)
        emit_agent(gateway, run, "usage", {"outputTokens": tokens})
        gateway.count_usage(run, tokens)
        is_silent = run.text.strip() in SILENT_REPLIES or not run.text
        if state != "error" and run.text:
            record(gateway, run.session, _reply(run))
        phase = "error" if state == "error" else "end"
        emit_agent(gateway, run, "lifecycle", {"phase": phase, "endedAt": now_ms()})
        if not is_silent:
            fields["message"] = _assistant(run.text)
        emit_chat(gateway, run, state, **fields)
        _session_changed(gateway, run.session, "end", runId=run.id)
        if run.is_heartbeat:
            gateway.report_heartbeat(run)


def emit_chat(gateway: SimulatedGateway, run: Run, state: str, **fields: Any) -> None:
    """Broadcast a ``chat`` event of a run."""
    run.seq += 1
    gateway.broadcast(
        "chat",
        {
            "runId": run.id,
            "sessionKey": run.session.key,
            "agentId": run.session.agent_id,
            "seq": run.seq,
            "state": state,
            **fields,
        },
        watchers_of=_audience(run),
    )


def emit_agent(gateway: SimulatedGateway, run: Run, stream: str, data: dict[str, Any]) -> None:
    """Broadcast an ``agent`` event of a run."""
    run.seq += 1
    gateway.broadcast(
        "agent",
        {
            "runId": run.id,
            "sessionKey": run.session.key,
            "sessionId": run.session.session_id,
            "agentId": run.session.agent_id,
            "seq": run.seq,
            "ts": now_ms(),
            "isHeartbeat": run.is_heartbeat,
            "stream": stream,
            "data": data,
        },
        watchers_of=_audience(run),
    )


def _audience(run: Run) -> str | None:
    """Heartbeat turns are shown to those who watch the session, other runs to everybody."""
    return run.session.key if run.is_heartbeat else None


def text_of(message: dict[str, Any]) -> str:
    """Text of a message."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)


def record(gateway: SimulatedGateway, session: SimSession, message: dict[str, Any]) -> None:
    """Append a message to the transcript and tell those who watch it."""
    session.messages.append(message)
    session.updated_ms = now_ms()
    message["__openclaw"]["seq"] = len(session.messages)
    if text_of(message).strip() in {HEARTBEAT_POLL, *SILENT_REPLIES}:
        session.hidden.add(message["__openclaw"]["id"])
        _session_changed(gateway, session, "message")
        return
    gateway.broadcast(
        "session.message",
        {"sessionKey": session.key, "agentId": session.agent_id, "message": message},
    )


def _status(gateway: SimulatedGateway, run: Run, phase: str) -> None:
    emit_chat(gateway, run, "status", phase=phase)
    emit_agent(gateway, run, "run_status", {"phase": phase})


def _session_changed(
    gateway: SimulatedGateway, session: SimSession, phase: str, **fields: Any
) -> None:
    gateway.broadcast(
        "sessions.changed",
        {
            "sessionKey": session.key,
            "agentId": session.agent_id,
            "phase": phase,
            "ts": now_ms(),
            "updatedAt": session.updated_ms,
            "sessionId": session.session_id,
            "hasActiveRun": phase != "end",
            **fields,
        },
    )


def _assistant(text: str) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    return {"role": "assistant", "content": content, "timestamp": now_ms()}


def _user(run: Run) -> dict[str, Any]:
    text = HEARTBEAT_POLL if run.is_heartbeat else run.message
    message: dict[str, Any] = {"role": "user", "content": text, "timestamp": now_ms()}
    if not run.is_heartbeat:
        message["idempotencyKey"] = f"{run.id}:user"
    message["__openclaw"] = {"id": str(uuid.uuid4()), "runId": run.id}
    return message


def _reply(run: Run) -> dict[str, Any]:
    tokens = max(1, len(run.text) // 4)
    given = len(run.message) // 4
    cost = {"input": given * DOLLARS_PER_TOKEN, "output": tokens * DOLLARS_PER_TOKEN}
    usage: dict[str, Any] = {
        "input": given,
        "output": tokens,
        "cacheRead": 0,
        "cacheWrite": 0,
        "totalTokens": given + tokens,
        "cost": {**cost, "total": round(cost["input"] + cost["output"], 9)},
    }
    run.session.total_tokens += given + tokens
    return {
        **_assistant(run.text),
        "provider": MODEL_PROVIDER,
        "model": MODEL_NAME,
        "usage": usage,
        "stopReason": "stop",
        "__openclaw": {"id": str(uuid.uuid4()), "runId": run.id},
    }
