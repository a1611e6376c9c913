"""Exec approvals of the simulated gateway.

Source: OpenClaw gateway protocol 4, commands and approvals.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateways.simulator.commands import is_compound, program_path
from gateways.simulator.registry import Refusal
from gateways.simulator.world import now_ms

if TYPE_CHECKING:
    from gateways.simulator.server import SimulatedGateway

LIFE_SECONDS = 1800.0
DECISIONS = ("allow-once", "deny")
ALL_DECISIONS = ("allow-once", "allow-always", "deny")


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """A command that wants to run."""

    command: str
    cwd: str
    agent_id: str | None = None
    session_key: str | None = None
    run_id: str | None = None
    tool_call_id: str | None = None


@dataclass(eq=False)
class ExecApproval:
    """A request with its decision, if there is one yet."""

    request: ExecRequest
    life_seconds: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_ms: int = field(default_factory=now_ms)
    decided_ms: int | None = None
    decision: str | None = None
    resolved_by: str | None = None
    terminal_reason: str | None = None
    decided: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def expires_ms(self) -> int:
        """When it is denied by itself."""
        return self.created_ms + int(self.life_seconds * 1000)

    @property
    def status(self) -> str:
        """Status of the durable record."""
        if self.decision is None:
            return "pending"
        if self.resolved_by == "approval-scope-closed":
            return "cancelled"
        return "allowed" if self.decision.startswith("allow") else "denied"

    def request_wire(self) -> dict[str, Any]:
        """``request`` as it stands in events."""
        return {
            "command": self.request.command,
            "cwd": self.request.cwd,
            "host": "gateway",
            "nodeId": None,
            "security": "allowlist",
            "ask": "on-miss",
            "warningText": None,
            "commandAnalysis": {
                "commandCount": 1,
                "nestedCommandCount": 0,
                "riskKinds": [],
                "warningLines": [],
            },
            "unavailableDecisions": ["allow-always"],
            "allowedDecisions": list(DECISIONS),
            "agentId": self.request.agent_id,
            "resolvedPath": program_path(self.request.command),
            "sessionKey": self.request.session_key,
            "runId": self.request.run_id,
            "toolCallId": self.request.tool_call_id,
        }

    def event_wire(self) -> dict[str, Any]:
        """Payload of ``exec.approval.requested`` and row of ``exec.approval.list``."""
        return {
            "approvalKind": "exec",
            "id": self.id,
            "createdAtMs": self.created_ms,
            "expiresAtMs": self.expires_ms,
            "request": self.request_wire(),
        }

    def record_wire(self) -> dict[str, Any]:
        """The durable record of ``approval.get`` and ``approval.history``."""
        record: dict[str, Any] = {
            "id": self.id,
            "status": self.status,
            "presentation": {
                "kind": "exec",
                "commandText": self.request.command,
                "host": "gateway",
                "agentId": self.request.agent_id,
                "allowedDecisions": list(DECISIONS),
            },
            "createdAtMs": self.created_ms,
            "expiresAtMs": self.expires_ms,
            "source": {"agentId": self.request.agent_id, "sessionKey": self.request.session_key},
        }
        if self.decision is not None:
            record |= {
                "resolvedAtMs": self.decided_ms,
                "reason": self.terminal_reason,
                "decision": self.decision,
                "resolver": {"kind": "runtime", "id": self.resolved_by},
            }
        return record


class ApprovalDesk:
    """Pending and decided approvals of a gateway."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway
        self._all: dict[str, ExecApproval] = {}
        self.life_seconds = LIFE_SECONDS

    def pending(self) -> list[ExecApproval]:
        """Undecided approvals, oldest first."""
        return [a for a in self._all.values() if a.decision is None]

    def history(self) -> list[ExecApproval]:
        """Every approval, newest first."""
        return list(reversed(self._all.values()))

    def find(self, prefix: str, *, is_pending: bool = False) -> ExecApproval:
        """The approval of an id or an unambiguous beginning of it.

        Raises:
            Refusal: none or several, or decided although a pending one was asked for.

        """
        found = [a for key, a in self._all.items() if key.startswith(prefix)]
        if len(found) != 1 or (is_pending and found[0].decision is not None):
            raise Refusal(
                "unknown or expired approval id", details={"reason": "APPROVAL_NOT_FOUND"}
            )
        return found[0]

    async def gate(self, request: ExecRequest, *, may_register: bool) -> str | None:  # noqa: PLR0911 (one answer per case)
        """Ask whether a command may run; None when it may, else the text of the denial."""
        mode = self._gateway.world.exec_mode()
        if mode == "full":
            return None
        if mode == "deny":
            return "Exec denied: security=deny"
        if is_compound(request.command):
            return "SYSTEM_RUN_DENIED: approval cannot safely bind this command"
        if self._is_allowed(request):
            return None
        if mode == "allowlist":
            return "Exec denied: allowlist miss"
        if not may_register:
            return "Exec approval registration failed: missing scope: operator.approvals"
        if not self._gateway.has_reviewer():
            return (
                "Exec denied: Headless runs cannot wait for interactive exec approval: "
                + request.command
            )
        approval = await self._ask(request)
        if approval.status == "allowed":
            return None
        why = "user-denied" if approval.terminal_reason == "user" else "approval-timeout"
        return f"Exec denied (gateway id={approval.id}, {why}): {request.command}"

    def open(self, request: ExecRequest, *, life_seconds: float | None = None) -> ExecApproval:
        """Record a request and show it to the reviewers."""
        approval = ExecApproval(request, life_seconds or self.life_seconds)
        self._all[approval.id] = approval
        self._gateway.broadcast("exec.approval.requested", approval.event_wire())
        return approval

    async def _ask(self, request: ExecRequest) -> ExecApproval:
        approval = self.open(request)
        await self.wait(approval)
        return approval

    async def wait(self, approval: ExecApproval) -> None:
        """Wait for the decision; at the end of its life it is a denial."""
        rest = approval.expires_ms / 1000 - now_ms() / 1000
        try:
            await asyncio.wait_for(approval.decided.wait(), max(0.0, rest))
        except TimeoutError:
            self._decide(approval, "deny", by=None, reason="timeout")

    def resolve(self, approval: ExecApproval, decision: str, *, by: str) -> bool:
        """Decide; returns False when the same decision was made before.

        Raises:
            Refusal: invalid decision, or decided otherwise before.

        """
        if decision not in ALL_DECISIONS:
            raise Refusal("invalid decision")
        if approval.decision is not None:
            if approval.decision == decision:
                return False
            raise Refusal(
                "approval already resolved", details={"reason": "APPROVAL_ALREADY_RESOLVED"}
            )
        if decision == "allow-always":
            raise Refusal(
                "allow-always is unavailable for this approval",
                details={"reason": "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE"},
            )
        self._decide(approval, decision, by=by, reason="user")
        return True

    def cancel_run(self, run_id: str) -> None:
        """Close what an aborted run was waiting for."""
        for approval in self.pending():
            if approval.request.run_id == run_id:
                self._decide(approval, "deny", by="approval-scope-closed", reason="cancelled")

    def forget_pending(self) -> None:
        """A restart clears what was pending."""
        for approval in self.pending():
            del self._all[approval.id]

    def _decide(
        self, approval: ExecApproval, decision: str, *, by: str | None, reason: str
    ) -> None:
        if approval.decision is not None:
            return
        approval.decision, approval.resolved_by = decision, by
        approval.terminal_reason, approval.decided_ms = reason, now_ms()
        approval.decided.set()
        self._gateway.broadcast(
            "exec.approval.resolved",
            {
                "id": approval.id,
                "decision": decision,
                "resolvedBy": by,
                "ts": approval.decided_ms,
                "request": approval.request_wire(),
            },
        )

    def _is_allowed(self, request: ExecRequest) -> bool:
        agents = self._gateway.world.approvals_file.get("agents") or {}
        path = program_path(request.command)
        for name in (request.agent_id or "", "*"):
            rows = (agents.get(name) or {}).get("allowlist") or []
            if any(isinstance(row, dict) and row.get("pattern") == path for row in rows):
                return True
        return False
