"""What a simulated gateway holds: agents, files, sessions, configuration, devices, jobs."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gateways.simulator.registry import Refusal

FILE_NAMES = ("AGENTS.md", "SOUL.md", "USER.md", "IDENTITY.md", "BOOTSTRAP.md", "MEMORY.md")
MODEL_PROVIDER, MODEL_NAME = "sim", "scripted-1"
DOLLARS_PER_TOKEN = 0.000002
REDACTED = "__OPENCLAW_REDACTED__"
_SEEDS = {
    "AGENTS.md": "# AGENTS.md\n\nRules of this workspace.\n",
    "SOUL.md": "# SOUL.md\n\nBe useful and brief.\n",
    "USER.md": "# USER.md\n\nNothing known yet.\n",
    "BOOTSTRAP.md": "# BOOTSTRAP.md\n\nFirst start.\n",
}


def now_ms() -> int:
    """Wall clock in milliseconds, as the wire uses it."""
    return int(time.time() * 1000)


def slug_of(name: str) -> str:
    """Agent id that the gateway derives from a name."""
    lowered = "".join(c for c in name.lower() if c.isascii())
    return re.sub(r"[^a-z0-9_]+", "-", lowered).strip("-")


@dataclass(slots=True)
class SimAgent:
    """An agent with its workspace."""

    id: str
    name: str
    workspace: str
    visible_at: float
    created_ms: int = field(default_factory=now_ms)
    model: str | None = None
    emoji: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    updated_ms: dict[str, int] = field(default_factory=dict)
    is_set_up: bool = False

    def complete_setup(self) -> None:
        """The first turn in a workspace with own files removes the first-run file, once."""
        if not self.is_set_up and self.files.get("AGENTS.md") != _SEEDS["AGENTS.md"]:
            self.is_set_up = True
            self.files.pop("BOOTSTRAP.md", None)

    def write(self, name: str, content: str) -> None:
        """Store a workspace file."""
        self.files[name] = content
        self.updated_ms[name] = now_ms()


@dataclass(slots=True)
class SimSession:
    """A conversation of an agent."""

    key: str
    agent_id: str
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    label: str | None = None
    created_ms: int = field(default_factory=now_ms)
    updated_ms: int = field(default_factory=now_ms)
    messages: list[dict[str, Any]] = field(default_factory=list)
    total_tokens: int = 0
    last_run_id: str | None = None
    #: Ids of messages that no transcript shows: heartbeat prompts and silent replies.
    hidden: set[str] = field(default_factory=set)

    def shown(self) -> list[dict[str, Any]]:
        """The messages that a transcript shows."""
        return [m for m in self.messages if m["__openclaw"].get("id") not in self.hidden]

    @property
    def is_main(self) -> bool:
        """Whether it is the agent's main session."""
        return self.key == f"agent:{self.agent_id}:main"

    def reset(self) -> None:
        """Start over with an empty transcript."""
        self.session_id, self.messages, self.total_tokens = str(uuid.uuid4()), [], 0
        self.updated_ms = now_ms()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What remains of a run; ``state`` is final, error or aborted."""

    state: str
    text: str
    started_ms: int
    ended_ms: int


@dataclass(slots=True)
class PairedDevice:
    """A device that an operator approved."""

    device_id: str
    public_key: str
    platform: str
    scopes: list[str]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    approved_ms: int = field(default_factory=now_ms)


@dataclass(slots=True)
class World:
    """Everything that a restart keeps.

    Attributes:
        devices: paired devices by id.
        pairing_requests: pending pairing requests by request id, in wire form.
        approvals_file: the exec approvals document (allow-lists per agent).
        seen_requests: idempotency key to fingerprint of ``chat.send``.

    """

    state_dir: str = "/var/lib/openclaw-simulated"
    agents: dict[str, SimAgent] = field(default_factory=dict)
    sessions: dict[str, SimSession] = field(default_factory=dict)
    devices: dict[str, PairedDevice] = field(default_factory=dict)
    pairing_requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    cron_jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    cron_runs: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    approvals_file: dict[str, Any] = field(
        default_factory=lambda: {"version": 1, "defaults": {}, "agents": {}}
    )
    seen_requests: dict[str, str] = field(default_factory=dict)
    finished_runs: dict[str, FinishedRun] = field(default_factory=dict)
    usage: dict[str, dict[str, int]] = field(default_factory=dict)
    last_heartbeat: dict[str, Any] | None = None
    logs: deque[str] = field(default_factory=lambda: deque(maxlen=2000))
    log_count: int = 0

    def add_agent(
        self, agent_id: str, name: str, workspace: str, *, lag_seconds: float
    ) -> SimAgent:
        """Create an agent with seeded files; it becomes visible after the lag."""
        agent = SimAgent(agent_id, name, workspace, time.monotonic() + lag_seconds)
        for file_name, content in _SEEDS.items():
            agent.write(file_name, content)
        self.agents[agent_id] = agent
        entry: dict[str, Any] = {"name": name, "workspace": workspace}
        self.config["agents"]["entries"][agent_id] = entry
        return agent

    def visible_agents(self) -> list[SimAgent]:
        """The agents that the running configuration knows."""
        now = time.monotonic()
        return [a for a in self.agents.values() if a.visible_at <= now]

    def agent(self, agent_id: str) -> SimAgent:
        """A visible agent.

        Raises:
            Refusal: unknown, or not visible yet.

        """
        found = self.agents.get(agent_id.lower())
        if found is None or found.visible_at > time.monotonic():
            raise Refusal(f'agent "{agent_id}" not found')
        return found

    def session_key(self, key: str) -> str:
        """Normalised session key; a bare one belongs to the main agent.

        Raises:
            Refusal: empty key.

        """
        key = key.strip().lower()
        if not key:
            raise Refusal(
                "session key required", details={"reason": "SESSION_MUTATION_TARGET_REQUIRED"}
            )
        return key if key.startswith("agent:") and key.count(":") >= 2 else f"agent:main:{key}"

    def session(self, key: str) -> SimSession:
        """The session of a key, created at first use."""
        key = self.session_key(key)
        if key not in self.sessions:
            self.sessions[key] = SimSession(key, key.split(":")[1])
        return self.sessions[key]

    def config_hash(self) -> str:
        """Hash that guards the configuration against blind writes."""
        text = json.dumps(self.config, sort_keys=True)
        return "sha256:v1:" + hashlib.sha256(text.encode()).hexdigest()

    def approvals_hash(self) -> str:
        """Hash of the exec approvals document."""
        return hashlib.sha256(json.dumps(self.approvals_file, sort_keys=True).encode()).hexdigest()

    def heartbeat_of(self, agent_id: str) -> dict[str, Any]:
        """The agent's heartbeat block, empty when it has none."""
        entry = self.config["agents"]["entries"].get(agent_id) or {}
        block = entry.get("heartbeat")
        return block if isinstance(block, dict) else {}

    def exec_mode(self) -> str:
        """Effective ``tools.exec.mode``."""
        tools = (self.config.get("tools") or {}).get("exec") or {}
        return str(tools.get("mode") or "full")

    def log(self, message: str, *, level: str = "INFO") -> None:
        """Append a line to the gateway's log."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        line = {"1": message, "_meta": {"logLevelName": level}, "time": stamp, "message": message}
        self.logs.append(json.dumps(line, ensure_ascii=False))
        self.log_count += 1


def fresh_world(*, version: str, exec_mode: str) -> World:
    """A gateway right after installation, with its ``main`` agent."""
    world = World()
    world.config = {
        "meta": {"lastTouchedVersion": version},
        "gateway": {"mode": "local", "auth": {"mode": "token", "token": REDACTED}},
        "agents": {
            "defaults": {
                "workspace": f"{world.state_dir}/workspace",
                "model": {"primary": f"{MODEL_PROVIDER}/{MODEL_NAME}"},
                "heartbeat": {"every": "0m"},
            },
            "entries": {},
        },
        "tools": {"exec": {"host": "gateway", "mode": exec_mode}},
    }
    world.add_agent("main", "main", f"{world.state_dir}/workspace", lag_seconds=0)
    return world


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration_seconds(text: str) -> float:
    """Seconds of ``10m``, ``30s``, ``1h30m``; 0 when it is none.

    Source: duration strings of the gateway's configuration.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text.strip().lower())
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
