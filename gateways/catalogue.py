"""The published list of methods that Mission Control calls and events that it knows.

Source: OpenClaw gateway protocol 4, sections methods and advertised events.
"""

from __future__ import annotations

METHODS: tuple[str, ...] = (
    "agents.create", "agents.delete", "agents.files.get", "agents.files.list", "agents.files.set",
    "agents.list", "agents.update", "approval.get", "approval.history", "approval.resolve",
    "chat.abort", "chat.history", "chat.send", "config.get", "config.patch", "connect",
    "cron.list", "cron.run", "device.pair.approve", "device.pair.list", "device.pair.reject",
    "device.pair.remove", "exec.approval.get", "exec.approval.list", "exec.approval.resolve",
    "exec.approvals.get", "exec.approvals.set", "gateway.identity.get", "health",
    "last-heartbeat", "logs.tail", "models.list", "sessions.compact", "sessions.delete",
    "sessions.describe", "sessions.list", "sessions.patch", "sessions.reset", "skills.status",
    "status", "system-presence", "usage.cost", "wake",
)  # fmt: skip
EVENTS: tuple[str, ...] = (
    "agent", "chat", "config.changed", "connect.challenge", "cron", "device.pair.requested",
    "device.pair.resolved", "exec.approval.requested", "exec.approval.resolved", "health",
    "heartbeat", "presence", "session.message", "sessions.changed", "shutdown", "tick",
    "update.available",
)  # fmt: skip
