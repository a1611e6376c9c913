"""Sessions and chat of the simulated gateway.

Source: OpenClaw gateway protocol 4, sections sessions, chat, heartbeat and wake.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from typing import Any

from gateways.simulator.heartbeats import beat
from gateways.simulator.registry import ADMIN, APPROVALS, READ, WRITE, Call, Refusal, method
from gateways.simulator.runs import Run, text_of
from gateways.simulator.world import MODEL_NAME, MODEL_PROVIDER, SimSession, now_ms

_DEFAULT_LIMIT = 100
_RETIRED = {"execAsk", "execSecurity"}


def session_row(call: Call, session: SimSession) -> dict[str, Any]:
    """A session as lists show it."""
    run = call.gateway.runs.active(session.key)
    return {
        "key": session.key,
        "agentId": session.agent_id,
        "label": session.label,
        "displayName": session.label or session.key,
        "kind": "direct",
        "isMain": session.is_main,
        "status": "running" if run else "done",
        "createdAt": session.created_ms,
        "updatedAt": session.updated_ms,
        "sessionId": session.session_id,
        "inputTokens": session.total_tokens // 2,
        "outputTokens": session.total_tokens - session.total_tokens // 2,
        "totalTokens": session.total_tokens,
        "contextTokens": 200_000,
        "model": MODEL_NAME,
        "modelProvider": MODEL_PROVIDER,
        "lastRunId": session.last_run_id,
        "hasActiveRun": run is not None,
    }


@method(
    "sessions.list",
    READ,
    optional={
        "limit": "integer",
        "offset": "integer",
        "agentId": "string",
        "activeOnly": "boolean",
        "includeLastMessage": "boolean",
        "includeDerivedTitles": "boolean",
        "search": "string",
    },
)
def list_sessions(call: Call) -> dict[str, Any]:
    """Sessions, newest first."""
    params, world = call.params, call.gateway.world
    rows = sorted(world.sessions.values(), key=lambda s: (-s.updated_ms, s.key))
    if params.get("agentId"):
        rows = [s for s in rows if s.agent_id == params["agentId"].lower()]
    if params.get("activeOnly"):
        rows = [s for s in rows if call.gateway.runs.active(s.key)]
    limit, offset = params.get("limit") or _DEFAULT_LIMIT, params.get("offset") or 0
    page = rows[offset : offset + limit]
    has_more = offset + limit < len(rows)
    return {
        "ts": now_ms(),
        "count": len(page),
        "totalCount": len(rows),
        "limitApplied": limit,
        "nextOffset": offset + limit if has_more else None,
        "hasMore": has_more,
        "defaults": {"modelProvider": MODEL_PROVIDER, "model": MODEL_NAME},
        "sessions": [session_row(call, s) for s in page],
    }


@method("sessions.describe", READ, required={"key": "string"})
def describe_session(call: Call) -> dict[str, Any]:
    """One session, null when there is none."""
    world = call.gateway.world
    session = world.sessions.get(world.session_key(call.params["key"]))
    if session is None:
        return {"session": None}
    row = session_row(call, session)
    del row["hasActiveRun"], row["lastRunId"]  # the real gateway tells them in lists only
    return {"session": row}


@method("sessions.preview", READ, required={"keys": "array"})
def preview_sessions(call: Call) -> dict[str, Any]:
    """Last messages of some sessions."""
    world, previews = call.gateway.world, []
    for key in call.params["keys"]:
        session = world.sessions.get(world.session_key(str(key)))
        items = [
            {"role": m["role"], "text": text_of(m)}
            for m in (session.shown()[-5:] if session else [])
        ]
        status = "ok" if items else "empty"
        previews.append({"key": key, "status": status, "items": items})
    return {"ts": now_ms(), "previews": previews}


@method(
    "sessions.patch",
    WRITE,
    required={"key": "string"},
    optional={
        "label": "any",
        "model": "any",
        "archived": "boolean",
        "pinned": "boolean",
        "permissionMode": "string",
        "execAsk": "any",
        "execSecurity": "any",
    },
)
def patch_session(call: Call) -> dict[str, Any]:
    """Label a session; creates it when absent."""
    world, params = call.gateway.world, call.params
    for key in _RETIRED & params.keys():
        raise Refusal(f"{key} is retired; use permissionMode")
    key, label = world.session_key(params["key"]), params.get("label")
    agent_id = key.split(":")[1]
    if label and any(
        s.label == label and s.agent_id == agent_id and s.key != key
        for s in world.sessions.values()
    ):
        raise Refusal(f"label already in use: {label}")
    session = world.session(key)
    if "label" in params:
        session.label = label
    session.updated_ms = now_ms()
    call.gateway.broadcast(
        "sessions.changed",
        {"sessionKey": key, "agentId": agent_id, "reason": "patch", "ts": now_ms()},
    )
    return {
        "ok": True,
        "key": key,
        "entry": {"sessionId": session.session_id, "label": session.label},
        "resolved": {"modelProvider": MODEL_PROVIDER, "model": MODEL_NAME},
    }


@method("sessions.reset", ADMIN, required={"key": "string"}, optional={"reason": "string"})
def reset_session(call: Call) -> dict[str, Any]:
    """Empty a session's transcript; an unknown one is created."""
    session = call.gateway.world.session(call.params["key"])
    session.reset()
    entry = {"sessionId": session.session_id, "label": session.label}
    return {"ok": True, "key": session.key, "entry": entry}


@method(
    "sessions.delete", ADMIN, required={"key": "string"}, optional={"deleteTranscript": "boolean"}
)
def delete_session(call: Call) -> dict[str, Any]:
    """Delete a session; main sessions cannot be deleted."""
    world = call.gateway.world
    key = world.session_key(call.params["key"])
    if key.endswith(":main"):
        raise Refusal(f"Cannot delete the main session ({key}).")
    session = world.sessions.pop(key, None)
    return {"ok": True, "key": key, "deleted": session is not None, "archived": []}


@method("sessions.compact", ADMIN, required={"key": "string"})
def compact_session(call: Call) -> dict[str, Any]:
    """Nothing to compact in a simulated transcript."""
    call.gateway.world.session(call.params["key"])
    return {"ok": True, "compacted": False, "reason": "nothing to compact"}


@method("sessions.subscribe", READ, optional={"limit": "integer", "agentId": "string"})
def subscribe_sessions(call: Call) -> dict[str, Any]:
    """Ask for ``sessions.changed`` and, of every session, ``session.message`` events."""
    call.connection.watches_sessions = True
    return {"subscribed": True}


@method("sessions.messages.subscribe", READ, required={"key": "string"})
def subscribe_messages(call: Call) -> dict[str, Any]:
    """Ask for ``session.message`` events of one session."""
    key = call.gateway.world.session_key(call.params["key"])
    call.connection.watched_messages.add(key)
    return {"subscribed": True, "key": key}


@method("sessions.messages.unsubscribe", READ, required={"key": "string"})
def unsubscribe_messages(call: Call) -> dict[str, Any]:
    """Stop ``session.message`` events of one session."""
    key = call.gateway.world.session_key(call.params["key"])
    call.connection.watched_messages.discard(key)
    return {"subscribed": False, "key": key}


@method(
    "chat.send",
    WRITE,
    required={"sessionKey": "string", "message": "text", "idempotencyKey": "string"},
    optional={
        "deliver": "boolean",
        "attachments": "array",
        "thinking": "string",
        "timeoutMs": "integer",
    },
)
def send_chat(call: Call) -> dict[str, Any]:
    """Start a run with a message; the run id is the idempotency key."""
    world, params = call.gateway.world, call.params
    if not params["message"].strip() and not params.get("attachments"):
        raise Refusal("message or attachment required")
    key, run_id = world.session_key(params["sessionKey"]), params["idempotencyKey"]
    fingerprint = _fingerprint(key, params)
    seen = world.seen_requests.get(run_id)
    if seen is not None:
        if seen != fingerprint:
            raise Refusal(
                "This message ID was already used for different input. Check the conversation "
                "history and use a new message ID to send again.",
                details={"reason": "chat-request-conflict"},
            )
        return {"runId": run_id, "status": "ok" if run_id in world.finished_runs else "in_flight"}
    _known_agent(call, key)
    world.seen_requests[run_id] = fingerprint
    call.gateway.runs.start(
        Run(
            run_id,
            world.session(key),
            params["message"],
            may_register_approval=call.connection.holds(APPROVALS),
        )
    )
    return {"runId": run_id, "status": "started"}


def _fingerprint(key: str, params: dict[str, Any]) -> str:
    text = json.dumps([key, params["message"], params.get("attachments") or []])
    return hashlib.sha256(text.encode()).hexdigest()


def _known_agent(call: Call, key: str) -> None:
    agent_id = key.split(":")[1]
    try:
        call.gateway.world.agent(agent_id)
    except Refusal as refusal:
        raise Refusal(f'Agent "{agent_id}" no longer exists in configuration') from refusal


@method("chat.abort", WRITE, required={"sessionKey": "string"}, optional={"runId": "string"})
def abort_chat(call: Call) -> dict[str, Any]:
    """Abort the session's run."""
    key = call.gateway.world.session_key(call.params["sessionKey"])
    aborted = call.gateway.runs.abort(key, call.params.get("runId"))
    return {"ok": True, "aborted": bool(aborted), "runIds": aborted}


@method(
    "chat.history",
    READ,
    required={"sessionKey": "string"},
    optional={"limit": "integer", "offset": "integer", "cursor": "string", "maxChars": "integer"},
)
def chat_history(call: Call) -> dict[str, Any]:
    """The transcript; ``offset`` counts from the newest message."""
    world, params = call.gateway.world, call.params
    key = world.session_key(params["sessionKey"])
    session = world.sessions.get(key)
    messages = session.shown() if session else []
    end = len(messages) - (params.get("offset") or 0)
    start = max(0, end - (params.get("limit") or 200))
    run = call.gateway.runs.active(key)
    answer: dict[str, Any] = {
        "sessionKey": key,
        "messages": messages[start:end],
        "hasMore": start > 0,
        "totalMessages": len(messages),
        "sessionInfo": {"key": key, "hasActiveRun": run is not None},
    }
    if session:
        answer["sessionId"] = session.session_id
    if run:
        answer["inFlightRun"] = {"runId": run.id, "text": run.text, "startedAt": run.started_ms}
        answer["sessionInfo"]["activeRunIds"] = [run.id]
    return answer


@method(
    "agent",
    WRITE,
    required={"message": "string", "idempotencyKey": "string"},
    optional={"sessionKey": "string", "agentId": "string", "deliver": "boolean"},
)
def run_agent(call: Call) -> dict[str, Any]:
    """Start a run without a chat client."""
    world, params = call.gateway.world, call.params
    key = params.get("sessionKey") or f"agent:{params.get('agentId') or 'main'}:main"
    key = world.session_key(key)
    _known_agent(call, key)
    session = world.session(key)
    call.gateway.runs.start(
        Run(
            params["idempotencyKey"],
            session,
            params["message"],
            may_register_approval=call.connection.holds(APPROVALS),
        )
    )
    return {
        "runId": params["idempotencyKey"],
        "sessionKey": key,
        "agentId": session.agent_id,
        "status": "accepted",
        "acceptedAt": now_ms(),
    }


@method("agent.wait", WRITE, required={"runId": "string"}, optional={"timeoutMs": "integer"})
async def wait_agent(call: Call) -> dict[str, Any]:
    """Wait for the end of a run."""
    run_id, world = call.params["runId"], call.gateway.world
    run = call.gateway.runs.find(run_id)
    if run is not None:
        seconds = (call.params.get("timeoutMs") or 30_000) / 1000
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.done.wait(), seconds)
    finished = world.finished_runs.get(run_id)
    if finished is None:
        return {"runId": run_id, "status": "timeout"}
    return {
        "runId": run_id,
        "status": "ok" if finished.state == "final" else "error",
        "startedAt": finished.started_ms,
        "endedAt": finished.ended_ms,
        "terminalReply": {"disposition": "visible", "text": finished.text},
    }


@method(
    "wake",
    WRITE,
    required={"mode": "string", "text": "string"},
    optional={"sessionKey": "string", "agentId": "string"},
)
def wake(call: Call) -> dict[str, Any]:
    """Run a heartbeat turn of an agent, with a system event."""
    world, params = call.gateway.world, call.params
    if params["mode"] not in {"now", "next-heartbeat"}:
        raise Refusal("invalid wake params: at /mode: must be equal to one of the allowed values")
    key = params.get("sessionKey") or ""
    agent_id = params.get("agentId") or (world.session_key(key).split(":")[1] if key else "main")
    if agent_id in world.agents and params["mode"] == "now":
        beat(call.gateway, agent_id, text=params["text"], key=key)
    return {"ok": True}
