"""Agents, workspace files and configuration of the simulated gateway.

Source: OpenClaw gateway protocol 4, sections agents, workspace files, config.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gateways.simulator.registry import ADMIN, READ, Call, Refusal, method
from gateways.simulator.world import FILE_NAMES, SimAgent, slug_of

_HEARTBEAT_KEYS = frozenset(
    [
        "every",
        "target",
        "prompt",
        "model",
        "session",
        "lightContext",
        "isolatedSession",
        "timeoutSeconds",
        "activeHours",
        "ackMaxChars",
        "to",
        "accountId",
    ]
)
_VISIBILITY_KEYS = frozenset({"showOk", "showAlerts", "useIndicator"})
_EXEC_MODES = frozenset({"deny", "allowlist", "ask", "auto", "full"})
_UNLISTED = "IDENTITY.md"


@method("agents.list", READ)
def list_agents(call: Call) -> dict[str, Any]:
    """Every agent that the running configuration knows."""
    world = call.gateway.world
    agents = world.visible_agents()
    return {
        "defaultId": "main",
        "ownership": "sole" if len(agents) == 1 else "explicit",
        "mainKey": "main",
        "scope": "per-sender",
        "agents": [_agent_row(call, agent) for agent in agents],
    }


def _agent_row(call: Call, agent: SimAgent) -> dict[str, Any]:
    default = call.gateway.world.config["agents"]["defaults"]["model"]["primary"]
    row: dict[str, Any] = {
        "id": agent.id,
        "workspace": agent.workspace,
        "model": {"primary": agent.model or default},
        "defaultPermissionMode": "guarded",
        "createdAt": agent.created_ms,
    }
    if agent.id != "main":
        row |= {"name": agent.name, "identity": {"name": agent.name}}
    return row


@method(
    "agents.create",
    ADMIN,
    required={"name": "string"},
    optional={"workspace": "string", "model": "string", "emoji": "string", "avatar": "string"},
)
def create_agent(call: Call) -> dict[str, Any]:
    """Create an agent; its id is a slug of the name."""
    world, params = call.gateway.world, call.params
    agent_id = slug_of(params["name"])
    if not agent_id:
        raise Refusal(f'invalid agent name "{params["name"]}"')
    if agent_id in world.agents:
        raise Refusal(f'agent "{agent_id}" already exists')
    base = world.config["agents"]["defaults"]["workspace"]
    workspace = params.get("workspace") or f"{base}/{agent_id}"
    agent = world.add_agent(
        agent_id,
        params["name"],
        workspace,
        lag_seconds=call.gateway.faults.visibility_lag_seconds,
    )
    agent.model, agent.emoji = params.get("model"), params.get("emoji")
    world.log(f"agent {agent_id} created")
    return {"ok": True, "agentId": agent_id, "name": params["name"], "workspace": workspace}


@method(
    "agents.update",
    ADMIN,
    required={"agentId": "string"},
    optional={
        "name": "string",
        "workspace": "string",
        "model": "any",
        "emoji": "string",
        "avatar": "string",
    },
)
def update_agent(call: Call) -> dict[str, Any]:
    """Change an agent's display name, workspace or model."""
    world, params = call.gateway.world, call.params
    agent = world.agent(params["agentId"])
    entry = world.config["agents"]["entries"].setdefault(agent.id, {})
    for key in ("name", "workspace", "emoji"):
        if key in params:
            setattr(agent, key, params[key])
            entry[key] = params[key]
    if "model" in params:
        agent.model = params["model"]
    return {"ok": True, "agentId": agent.id}


@method("agents.delete", ADMIN, required={"agentId": "string"}, optional={"deleteFiles": "boolean"})
def delete_agent(call: Call) -> dict[str, Any]:
    """Delete an agent with its sessions."""
    world = call.gateway.world
    agent = world.agent(call.params["agentId"])
    del world.agents[agent.id]
    world.config["agents"]["entries"].pop(agent.id, None)
    for key in [k for k, s in world.sessions.items() if s.agent_id == agent.id]:
        call.gateway.runs.abort(key, None)
        del world.sessions[key]
    world.log(f"agent {agent.id} deleted")
    removed = [{"path": agent.workspace, "method": "trash"}]
    keeps = call.params.get("deleteFiles") is False
    return {
        "ok": True,
        "agentId": agent.id,
        "removedBindings": 0,
        "removed": [] if keeps else removed,
        "failed": [],
    }


@method("agents.files.list", READ, required={"agentId": "string"})
def list_files(call: Call) -> dict[str, Any]:
    """The workspace files that clients may write, but two: see the hidden names."""
    agent = call.gateway.world.agent(call.params["agentId"])
    hidden = {_UNLISTED, "BOOTSTRAP.md"} if agent.is_set_up else {_UNLISTED}
    names = [n for n in FILE_NAMES if n not in hidden]
    return {
        "agentId": agent.id,
        "workspace": agent.workspace,
        "files": [_file_row(agent, name) for name in names],
    }


@method("agents.files.get", READ, required={"agentId": "string", "name": "string"})
def get_file(call: Call) -> dict[str, Any]:
    """One workspace file with content and hash."""
    agent = call.gateway.world.agent(call.params["agentId"])
    name = _file_name(call.params["name"])
    return {
        "agentId": agent.id,
        "workspace": agent.workspace,
        "file": _file_row(agent, name, has_content=True),
    }


@method(
    "agents.files.set",
    ADMIN,
    required={"agentId": "string", "name": "string", "content": "text"},
    optional={"expectedHash": "hash"},
)
def set_file(call: Call) -> dict[str, Any]:
    """Write a workspace file, unless it changed since ``expectedHash``."""
    params = call.params
    agent = call.gateway.world.agent(params["agentId"])
    name = _file_name(params["name"])
    current = _hash_of(agent.files.get(name, ""))
    if "expectedHash" in params and params["expectedHash"].lower() != current:
        raise Refusal(
            f"{name} changed since it was read",
            details={"type": "agent_file_conflict", "name": name, "currentHash": current},
        )
    agent.write(name, params["content"])
    return {
        "ok": True,
        "agentId": agent.id,
        "workspace": agent.workspace,
        "file": _file_row(agent, name, has_content=True),
    }


def _file_name(name: str) -> str:
    if name not in FILE_NAMES:
        raise Refusal(f'unsupported file "{name}"')
    return name


def _hash_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _file_row(agent: SimAgent, name: str, *, has_content: bool = False) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "path": f"{agent.workspace}/{name}"}
    if name not in agent.files:
        return row | {"missing": True}
    content = agent.files[name]
    row |= {
        "missing": False,
        "size": len(content.encode()),
        "updatedAtMs": agent.updated_ms[name],
    }
    return row | {"hash": _hash_of(content), "content": content} if has_content else row


@method("config.get", READ)
def get_config(call: Call) -> dict[str, Any]:
    """The configuration with the hash that guards it."""
    world = call.gateway.world
    config = copy.deepcopy(world.config)
    return {
        "path": f"{world.state_dir}/openclaw.json",
        "exists": True,
        "valid": True,
        "raw": json.dumps(config, indent=2),
        "parsed": config,
        "config": config,
        "hash": world.config_hash(),
        "issues": [],
        "warnings": [],
    }


@method(
    "config.patch",
    ADMIN,
    required={"raw": "string"},
    optional={
        "baseHash": "string",
        "note": "string",
        "sessionKey": "string",
        "replacePaths": "array",
        "restartDelayMs": "integer",
    },
)
def patch_config(call: Call) -> dict[str, Any]:
    """Merge a patch into the configuration."""
    world = call.gateway.world
    try:
        patch = json.loads(call.params["raw"])
    except ValueError as error:
        raise Refusal("invalid config patch: raw is not JSON5") from error
    merged = merge_patch(world.config, patch)
    changed = sorted(_changed(world.config, merged))
    answer: dict[str, Any] = {"ok": True, "path": f"{world.state_dir}/openclaw.json"}
    base = call.params.get("baseHash")
    if base is not None and base != world.config_hash():
        raise Refusal("config changed since last load; re-run config.get and retry")
    if not changed:
        return answer | {"noop": True, "changedPaths": [], "config": merged}
    if base is None:
        raise Refusal("config base hash required for config.patch; re-run config.get")
    issues = list(_issues(merged, call.gateway.faults.rejected_config_keys))
    if issues:
        first = issues[0]
        raise Refusal(
            f"invalid config: {first['path']}: {first['message']}", details={"issues": issues}
        )
    world.config = merged
    digest = world.config_hash()
    call.gateway.broadcast("config.changed", {"path": answer["path"], "hash": digest})
    return answer | {
        "hash": digest,
        "config": copy.deepcopy(merged),
        "changedPaths": changed,
        "sentinel": {"payload": {"stats": {"requiresRestart": False}}},
    }


def merge_patch(base: Any, patch: Any) -> Any:
    """JSON merge patch: objects merge, null removes, everything else replaces.

    Source: RFC 7396.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _changed(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
    elif before != after:
        yield path


def _issues(config: dict[str, Any], rejected: set[str]) -> Iterator[dict[str, str]]:
    agents = config.get("agents") or {}
    if "list" in agents:
        yield _unknown("agents", "list")
    for agent_id, entry in (agents.get("entries") or {}).items():
        block = (entry or {}).get("heartbeat") or {}
        for key in block:
            if key not in _HEARTBEAT_KEYS:
                yield _unknown(f"agents.entries.{agent_id}.heartbeat", key)
    defaults = (config.get("channels") or {}).get("defaults") or {}
    if "heartbeat" in defaults:
        yield _unknown("channels.defaults", "heartbeat")
    for key in defaults.get("heartbeatVisibility") or {}:
        if key not in _VISIBILITY_KEYS:
            yield _unknown("channels.defaults.heartbeatVisibility", key)
    mode = ((config.get("tools") or {}).get("exec") or {}).get("mode")
    if mode is not None and mode not in _EXEC_MODES:
        yield {"path": "tools.exec.mode", "message": "Invalid option"}
    for dotted in sorted(rejected):
        parent, _, key = dotted.rpartition(".")
        if key in (_at(config, parent) or {}):
            yield _unknown(parent, key)


def _at(config: Any, dotted: str) -> Any:
    for key in dotted.split(".") if dotted else []:
        config = config.get(key) if isinstance(config, dict) else None
    return config


def _unknown(path: str, key: str) -> dict[str, str]:
    return {"path": path, "message": f'Unrecognized key: "{key}"'}
