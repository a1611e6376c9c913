"""What is asked of a gateway for an operator to look at: sessions, agents, models, devices, log.

Every function calls the gateway; answers hold no token. Nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from . import agents_lookup, rpc
from .agents_lookup import AgentFacts
from .models import Gateway
from .wire import sessions
from .wire.version import Verdict, judge_version

SESSIONS_SHOWN = 200
#: Who speaks in a transcript, by the gateway's word.
SPEAKERS: dict[str, str | Promise] = {
    "user": gettext_lazy("To the agent"),
    "assistant": gettext_lazy("Agent"),
    "system": gettext_lazy("Gateway"),
    "tool": gettext_lazy("Tool"),
    "toolResult": gettext_lazy("Result of a tool"),
    "toolCall": gettext_lazy("Call of a tool"),
}
LEVEL_NAMES = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}


def rows(answer: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer, empty when it is none."""
    found = answer.get(name) if isinstance(answer, Mapping) else None
    return [row for row in found or () if isinstance(row, dict)]


def sessions_of(session: rpc.Session) -> list[dict[str, Any]]:
    """Sessions of the gateway, newest first."""
    found = session.run(lambda client: sessions.list_sessions(client, most=SESSIONS_SHOWN))
    return session.redacted(found)


def transcript(gateway_id: UUID, key: str, *, limit: int = 100, offset: int = 0) -> dict[str, Any]:
    """What was said in a session, oldest first, as the gateway gives it.

    Raises:
        As :func:`gateways.rpc.call`.
    """
    with rpc.session(gateway_id) as session:
        found = session.run(
            lambda client: sessions.chat_history(client, key, limit=limit, offset=offset)
        )
        return session.redacted(found)


def agents_on(gateway: Gateway) -> list[dict[str, Any]]:
    """Agents that the gateway has, each with ours behind it where there is one.

    Raises:
        As :func:`gateways.rpc.call`.
    """
    answer = rpc.call(gateway.pk, "agents.list", {})
    default = answer.get("defaultId") if isinstance(answer, dict) else None
    known = agents_lookup.roster(gateway.pk)
    return [
        _agent(row, known.get(str(row.get("id"))), is_default=row.get("id") == default)
        for row in rows(answer, "agents")
    ]


def _agent(row: dict[str, Any], ours: AgentFacts | None, *, is_default: bool) -> dict[str, Any]:
    model = row.get("model")
    identity = row.get("identity")
    named = identity.get("name") if isinstance(identity, dict) else None
    return {
        "id": row.get("id"),
        "name": row.get("name") or named or row.get("id"),
        "workspace": row.get("workspace"),
        "model": model.get("primary") if isinstance(model, dict) else model,
        "permission_mode": row.get("defaultPermissionMode"),
        "is_default": is_default,
        "agent_id": ours.id if ours else None,
        "agent_name": ours.name if ours else None,
    }


def models_on(gateway_id: UUID) -> list[dict[str, Any]]:
    """Models that the gateway may use.

    Raises:
        As :func:`gateways.rpc.call`.
    """
    return [
        {
            "id": row.get("id"),
            "name": row.get("name") or row.get("id"),
            "provider": row.get("provider"),
            "context_window": row.get("contextWindow"),
            "has_reasoning": bool(row.get("reasoning")),
            "is_available": row.get("available") is not False,
        }
        for row in rows(rpc.call(gateway_id, "models.list", {}), "models")
    ]


def devices_on(gateway_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Devices that the gateway knows: those that wait for its operator, and those it accepts.

    Raises:
        As :func:`gateways.rpc.call`.
    """
    answer = rpc.call(gateway_id, "device.pair.list", {})
    return {kind: [_device(row) for row in rows(answer, kind)] for kind in ("pending", "paired")}


def _device(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "device_id": row.get("deviceId"),
        "request_id": row.get("requestId"),
        "name": row.get("displayName") or row.get("clientId"),
        "client": row.get("clientId"),
        "platform": row.get("platform"),
        "role": row.get("role"),
        "scopes": row.get("scopes") or [],
    }


def speaker(role: Any) -> str:
    """Who speaks, in the reader's language; an unknown word is shown as it is."""
    word = str(role or "")
    return str(SPEAKERS.get(word, word))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a gateway's log."""

    at: str
    level: str
    text: str


def log_lines(answer: Mapping[str, Any]) -> list[LogLine]:
    """Lines of an answer of ``logs.tail``, oldest first; what is no JSON is shown as it is."""
    return [_line(str(raw)) for raw in answer.get("lines") or ()]


def _line(raw: str) -> LogLine:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return LogLine("", "", raw[:2000])
    meta = found.get("_meta")
    named = meta.get("logLevelName") if isinstance(meta, dict) else None
    raw_level: Any = found.get("level") or found.get("logLevelName") or named or ""
    level = LEVEL_NAMES.get(raw_level, raw_level) if isinstance(raw_level, int) else raw_level
    text = found.get("message") or found.get("msg") or found.get("0") or raw
    at = found.get("time") or found.get("ts") or found.get("timestamp") or ""
    return LogLine(str(at)[:40], str(level).lower()[:12], str(text)[:2000])


def verdict_of(gateway: Gateway) -> Verdict:
    """Whether the version that a gateway last reported is accepted."""
    return judge_version(gateway.runtime_version, settings.GATEWAY_MIN_VERSION)


def minimum_version() -> str:
    """The least version that is accepted."""
    return judge_version("", settings.GATEWAY_MIN_VERSION).minimum
