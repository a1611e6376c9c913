"""Sessions and chat on a gateway: labels, messages, runs, wake-ups, resets.

Every function takes an open client, does one thing and raises a ``GatewayError`` when it could not.

Source: OpenClaw gateway protocol 4, sections sessions, chat, heartbeat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateways.wire.client import GatewayClient
from gateways.wire.errors import GatewayCallError
from gateways.wire.visibility import when_visible


async def ensure_session(client: GatewayClient, key: str, *, label: str) -> str:
    """Create the session if it is missing and label it; returns the label that it got.

    A label that another session of the agent holds gets the session's own suffix, so that two
    agents of one name do not block each other.
    """
    try:
        await client.call("sessions.patch", {"key": key, "label": label})
    except GatewayCallError as error:
        if "label already in use" not in error.message:
            raise
        label = f"{label} ({hashlib.sha256(key.encode()).hexdigest()[:6]})"
        await client.call("sessions.patch", {"key": key, "label": label})
    return label


@dataclass(frozen=True, slots=True)
class SentChat:
    """Outcome of ``send_chat``; ``status`` is ``started``, ``in_flight`` or ``ok``."""

    run_id: str
    status: str


async def send_chat(
    client: GatewayClient,
    key: str,
    message: str,
    *,
    idempotency_key: str,
    deliver: bool = False,
    attachments: Sequence[Mapping[str, Any]] = (),
) -> SentChat:
    """Send a message to an agent's session; repeating the same key and text sends it once.

    Raises:
        GatewayCallError: ``reason`` is ``chat-request-conflict`` for the same key with another
            text.

    """
    params: dict[str, Any] = {
        "sessionKey": key,
        "message": message,
        "idempotencyKey": idempotency_key,
        "deliver": deliver,
    }
    if attachments:
        params["attachments"] = list(attachments)
    answer = await when_visible(lambda: _send_chat(client, params))
    return SentChat(str(answer.get("runId") or idempotency_key), str(answer.get("status") or ""))


async def _send_chat(client: GatewayClient, params: Mapping[str, Any]) -> dict[str, Any]:
    answer = await client.call("chat.send", params)
    return answer if isinstance(answer, dict) else {}


async def abort_chat(client: GatewayClient, key: str, *, run_id: str | None = None) -> bool:
    """Abort the session's run; False when nothing ran."""
    params = {"sessionKey": key, **({"runId": run_id} if run_id else {})}
    answer = await client.call("chat.abort", params)
    return bool(answer.get("aborted"))


async def chat_history(
    client: GatewayClient, key: str, *, limit: int = 100, offset: int = 0
) -> dict[str, Any]:
    """Transcript of a session with ``inFlightRun``; an unknown session has an empty one."""
    params = {"sessionKey": key, "limit": limit, **({"offset": offset} if offset else {})}
    answer = await client.call("chat.history", params)
    return answer if isinstance(answer, dict) else {}


async def usage_log(
    client: GatewayClient, key: str, *, limit: int = 100
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the answers of a session took, silent ones included, which a transcript hides.

    Returns:
        The newest rows of the log with ``timestamp``, ``role``, ``tokens`` and ``cost``, and the
        points of the session's curve, which tell input from output; in a session of more than 200
        answers several of them make one point.
    """
    answer = await client.call("sessions.usage.logs", {"key": key, "limit": limit})
    logs = _rows(answer, "logs")
    if not logs:
        return [], []
    curve = await client.call("sessions.usage.timeseries", {"key": key})
    return logs, _rows(curve, "points")


def _rows(answer: Any, name: str) -> list[dict[str, Any]]:
    found = answer.get(name) if isinstance(answer, dict) else None
    return [row for row in found or () if isinstance(row, dict)]


async def wake(
    client: GatewayClient, *, agent_id: str, text: str, session_key: str | None = None
) -> None:
    """Run a heartbeat turn of an agent now, with a system event."""
    params = {"mode": "now", "text": text, "agentId": agent_id}
    if session_key:
        params["sessionKey"] = session_key
    await client.call("wake", params)


async def list_sessions(
    client: GatewayClient, *, agent_id: str | None = None, most: int = 1000
) -> list[dict[str, Any]]:
    """Sessions of the gateway (or of one agent), newest first, all pages up to ``most``."""
    rows: list[dict[str, Any]] = []
    while len(rows) < most:
        params: dict[str, Any] = {"limit": 100, "offset": len(rows)}
        if agent_id:
            params["agentId"] = agent_id
        page = await client.call("sessions.list", params)
        rows += page.get("sessions") or []
        if not page.get("hasMore") or not page.get("sessions"):
            break
    return rows[:most]


async def describe_session(client: GatewayClient, key: str) -> dict[str, Any] | None:
    """One session, None when there is none."""
    answer = await client.call("sessions.describe", {"key": key})
    session = answer.get("session")
    return session if isinstance(session, dict) else None


async def has_active_run(client: GatewayClient, key: str) -> bool:
    """Whether the session works on something at this moment."""
    info = (await chat_history(client, key, limit=1)).get("sessionInfo") or {}
    return bool(info.get("hasActiveRun"))


async def reset_session(client: GatewayClient, key: str) -> None:
    """Start the session over; a missing one is created."""
    await client.call("sessions.reset", {"key": key})


async def delete_session(client: GatewayClient, key: str) -> bool:
    """Delete a session with its transcript; False when there was none."""
    answer = await client.call("sessions.delete", {"key": key, "deleteTranscript": True})
    return bool(answer.get("deleted"))
