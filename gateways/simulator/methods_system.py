"""Status, models, usage, logs and automations of the simulated gateway.

Source: OpenClaw gateway protocol 4, sections status, heartbeat and cron.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from gateways.simulator.heartbeats import beat
from gateways.simulator.registry import ADMIN, OPEN, READ, Call, Refusal, method
from gateways.simulator.runs import Run, text_of
from gateways.simulator.world import (
    DOLLARS_PER_TOKEN,
    MODEL_NAME,
    MODEL_PROVIDER,
    SimSession,
    duration_seconds,
    now_ms,
)


def _heartbeat_rows(call: Call) -> list[dict[str, Any]]:
    rows = []
    for agent in call.gateway.world.visible_agents():
        every = str(call.gateway.world.heartbeat_of(agent.id).get("every") or "")
        seconds = duration_seconds(every)
        rows.append(
            {
                "agentId": agent.id,
                "enabled": seconds > 0,
                "every": every if seconds else "disabled",
                "everyMs": int(seconds * 1000) if seconds else None,
            }
        )
    return rows


@method("health", OPEN, optional={"probe": "boolean"})
def health(call: Call) -> dict[str, Any]:
    """Health of the gateway; needs no scope."""
    beats = {row["agentId"]: row for row in _heartbeat_rows(call)}
    sessions = call.gateway.world.sessions.values()
    return {
        "ok": True,
        "ts": now_ms(),
        "durationMs": 1,
        "plugins": {"loaded": [], "errors": []},
        "channels": {},
        "heartbeatSeconds": 0,
        "defaultAgentId": "main",
        "agents": [
            {
                "agentId": agent.id,
                "isDefault": agent.id == "main",
                "heartbeat": beats[agent.id],
                "sessions": _sessions_of([s for s in sessions if s.agent_id == agent.id]),
            }
            for agent in call.gateway.world.visible_agents()
        ],
    }


def _sessions_of(sessions: list[SimSession]) -> dict[str, Any]:
    newest = sorted(sessions, key=lambda s: -s.updated_ms)[:5]
    recent = [
        {"key": s.key, "updatedAt": s.updated_ms, "age": now_ms() - s.updated_ms} for s in newest
    ]
    return {"count": len(sessions), "recent": recent}


@method("status", READ)
def status(call: Call) -> dict[str, Any]:
    """Version, heartbeats and sessions."""
    active = sum(1 for key in call.gateway.world.sessions if call.gateway.runs.active(key))
    return {
        "runtimeVersion": call.gateway.reported_version,
        "heartbeat": {"defaultAgentId": "main", "agents": _heartbeat_rows(call)},
        "channelSummary": [],
        "queuedSystemEvents": [],
        "tasks": {"total": active, "active": active},
        "sessions": {"count": len(call.gateway.world.sessions)},
    }


@method("system-presence", READ)
def presence(call: Call) -> list[dict[str, Any]]:
    """Who is connected."""
    own = {
        "host": "simulated",
        "mode": "gateway",
        "reason": "self",
        "version": call.gateway.reported_version,
        "platform": "linux",
        "ts": now_ms(),
    }
    others = [
        {"host": c.display_name, "mode": "backend", "reason": "connect", "ts": now_ms()}
        for c in call.gateway.connections
        if c.is_ready
    ]
    return [own, *others]


@method("system.info", READ)
def system_info(call: Call) -> dict[str, Any]:
    """Machine of the gateway."""
    return {
        "hostname": "simulated",
        "platform": "linux",
        "nodeVersion": "v24.21.0",
        "port": call.gateway.port,
        "pid": 1,
        "uptimeMs": call.gateway.uptime_ms,
        "cpuCount": 2,
        "loadAverage": [0.1, 0.1, 0.1],
        "memoryTotalBytes": 8 * 1024**3,
        "memoryFreeBytes": 6 * 1024**3,
    }


@method("gateway.identity.get", READ)
def identity(call: Call) -> dict[str, Any]:
    """The gateway's own device identity."""
    return {"deviceId": call.gateway.device.device_id, "publicKey": call.gateway.device.public_key}


@method(
    "models.list",
    READ,
    optional={"view": "string", "agentId": "string", "provider": "string"},
)
def models(call: Call) -> dict[str, Any]:
    """The one scripted model."""
    row = {
        "id": MODEL_NAME,
        "name": "Scripted 1",
        "provider": MODEL_PROVIDER,
        "contextWindow": 200_000,
        "reasoning": False,
        "tags": ["default"],
        "available": True,
    }
    return {"models": [row]}


@method("node.list", READ)
def nodes(call: Call) -> dict[str, Any]:
    """There are no nodes."""
    return {"ts": now_ms(), "nodes": []}


@method("skills.status", READ, optional={"agentId": "string"})
def skills(call: Call) -> dict[str, Any]:
    """There are no skills."""
    agent = call.gateway.world.agent(call.params.get("agentId") or "main")
    return {
        "workspaceDir": agent.workspace,
        "managedSkillsDir": f"{call.gateway.world.state_dir}/skills",
        "agentId": agent.id,
        "skills": [],
    }


@method("channels.status", READ)
def channels(call: Call) -> dict[str, Any]:
    """There are no channels."""
    return {"ts": now_ms(), "channelOrder": [], "channels": {}}


@method("logs.tail", READ, optional={"limit": "integer", "cursor": "integer"})
def tail_logs(call: Call) -> dict[str, Any]:
    """Newest log lines; ``cursor`` of an earlier answer continues after it."""
    world = call.gateway.world
    lines, first = list(world.logs), world.log_count - len(world.logs)
    cursor = call.params.get("cursor")
    if cursor is not None:
        lines = lines[max(0, cursor - first) :]
    limit = call.params.get("limit") or 500
    return {
        "file": f"{world.state_dir}/gateway.log",
        "cursor": world.log_count,
        "size": world.log_count,
        "lines": lines[-limit:],
    }


@method("usage.cost", READ, optional={"days": "integer"})
def usage_cost(call: Call) -> dict[str, Any]:
    """Tokens and cost per day."""
    days = call.params.get("days") or 30
    today = datetime.now(UTC).date()
    daily = []
    for back in range(days - 1, -1, -1):
        day = (today - timedelta(days=back)).isoformat()
        row = call.gateway.world.usage.get(day) or {"input": 0, "output": 0}
        total = row["input"] + row["output"]
        cost = round(total * DOLLARS_PER_TOKEN, 6)
        daily.append({"date": day, **row, "totalTokens": total, "totalCost": cost})
    return {"updatedAt": now_ms(), "days": days, "daily": daily}


def _taken(message: dict[str, Any]) -> dict[str, Any]:
    usage = message.get("usage") or {}
    cost = usage.get("cost") or {}
    return {"tokens": usage.get("totalTokens"), "cost": cost.get("total")} if usage else {}


@method("sessions.usage.logs", READ, required={"key": "string"}, optional={"limit": "integer"})
def usage_logs(call: Call) -> dict[str, Any]:
    """What each message of a session took, those included that its transcript hides."""
    world = call.gateway.world
    session = world.sessions.get(world.session_key(call.params["key"]))
    messages = session.messages if session else []
    rows = [
        {"timestamp": m["timestamp"], "role": m["role"], "content": text_of(m), **_taken(m)}
        for m in messages[-(call.params.get("limit") or 200) :]
    ]
    return {"logs": rows}


@method("sessions.usage.timeseries", READ, required={"key": "string"})
def usage_curve(call: Call) -> dict[str, Any]:
    """The answers of a session as points."""
    world = call.gateway.world
    session = world.session(call.params["key"])
    names = ("input", "output", "cacheRead", "cacheWrite", "totalTokens")
    points = [
        {
            "timestamp": m["timestamp"],
            **{name: m["usage"].get(name, 0) for name in names},
            "cost": (m["usage"].get("cost") or {}).get("total", 0),
        }
        for m in session.messages
        if m.get("usage")
    ]
    return {"sessionId": session.session_id, "points": points}


@method("last-heartbeat", READ)
def last_heartbeat(call: Call) -> dict[str, Any] | None:
    """The latest heartbeat of any agent."""
    return call.gateway.world.last_heartbeat


@method("audit.list", READ, optional={"limit": "integer", "cursor": "string"})
def audit_list(call: Call) -> dict[str, Any]:
    """Nothing is audited by the simulation."""
    return {"events": [], "nextCursor": None}


@method(
    "cron.list",
    READ,
    optional={"includeDisabled": "boolean", "agentId": "string", "limit": "integer"},
)
def list_jobs(call: Call) -> dict[str, Any]:
    """Automations, with one mirrored job per heartbeat."""
    world, params = call.gateway.world, call.params
    jobs = [*_heartbeat_jobs(call), *world.cron_jobs.values()]
    if not params.get("includeDisabled"):
        jobs = [j for j in jobs if j["enabled"]]
    if params.get("agentId"):
        jobs = [j for j in jobs if j["agentId"] == params["agentId"]]
    return {"jobs": jobs[: params.get("limit") or 200]}


def _heartbeat_jobs(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": f"heartbeat-{row['agentId']}",
            "declarationKey": f"heartbeat:{row['agentId']}",
            "name": f"heartbeat-{row['agentId']}",
            "agentId": row["agentId"],
            "enabled": True,
            "schedule": {"kind": "every", "everyMs": row["everyMs"]},
            "sessionTarget": "main",
            "wakeMode": "next-heartbeat",
            "payload": {"kind": "heartbeat"},
            "state": {"nextRunAtMs": now_ms() + row["everyMs"]},
        }
        for row in _heartbeat_rows(call)
        if row["enabled"]
    ]


@method(
    "cron.add",
    ADMIN,
    required={"name": "string", "schedule": "object", "payload": "object"},
    optional={
        "agentId": "string",
        "sessionTarget": "string",
        "wakeMode": "string",
        "delivery": "object",
        "enabled": "boolean",
    },
)
def add_job(call: Call) -> dict[str, Any]:
    """Create an automation (it runs when told to)."""
    job = {
        "id": str(uuid.uuid4()),
        "agentId": "main",
        "enabled": True,
        "state": {},
        "createdAtMs": now_ms(),
        **call.params,
    }
    call.gateway.world.cron_jobs[job["id"]] = job
    return job


@method("cron.remove", ADMIN, required={"id": "string"})
def remove_job(call: Call) -> dict[str, Any]:
    """Delete an automation."""
    job = call.gateway.world.cron_jobs.pop(call.params["id"], None)
    return {"ok": True, "removed": job is not None}


@method("cron.run", ADMIN, required={"id": "string"}, optional={"mode": "string"})
def run_job(call: Call) -> dict[str, Any]:
    """Run an automation now; on a heartbeat job it forces a beat."""
    job_id = call.params["id"]
    for job in _heartbeat_jobs(call):
        if job["id"] == job_id:
            run = beat(call.gateway, job["agentId"])
            return {"ok": True, "enqueued": run is not None, "runId": run.id if run else None}
    if job_id not in call.gateway.world.cron_jobs:
        raise Refusal(f"cron job not found: {job_id}")
    job = call.gateway.world.cron_jobs[job_id]
    session = call.gateway.world.session(f"agent:{job['agentId']}:main")
    payload = job["payload"]
    run = Run(str(uuid.uuid4()), session, str(payload.get("message") or payload.get("text") or ""))
    call.gateway.runs.start(run)
    call.gateway.world.cron_runs.append({"id": job_id, "runId": run.id, "runAtMs": now_ms()})
    return {"ok": True, "enqueued": True, "runId": run.id}


@method(
    "cron.runs",
    READ,
    required={"id": "string"},
    optional={"limit": "integer", "runId": "string"},
)
def job_runs(call: Call) -> dict[str, Any]:
    """Runs of an automation."""
    world = call.gateway.world
    rows = [
        {
            "runId": r["runId"],
            "runAtMs": r["runAtMs"],
            "status": "ok" if r["runId"] in world.finished_runs else "running",
        }
        for r in world.cron_runs
        if r["id"] == call.params["id"]
    ]
    return {"entries": rows[: call.params.get("limit") or 50], "total": len(rows), "hasMore": False}


@method("set-heartbeats", ADMIN, required={"enabled": "boolean"})
def set_heartbeats(call: Call) -> dict[str, Any]:
    """Accepted; simulated heartbeats follow the configuration alone."""
    return {"ok": True, "enabled": call.params["enabled"]}


@method("system-event", ADMIN, required={"text": "string"}, optional={"sessionKey": "string"})
def system_event(call: Call) -> dict[str, Any]:
    """Noted in the log."""
    call.gateway.world.log("system event: " + call.params["text"])
    return {"ok": True}


@method(
    "gateway.restart.request",
    ADMIN,
    optional={"reason": "string", "delayMs": "integer", "skipDeferral": "boolean"},
)
def request_restart(call: Call) -> dict[str, Any]:
    """Restart shortly after the answer."""
    call.gateway.restart_soon()
    return {"ok": True, "scheduledAt": int(time.time() * 1000)}
