"""How agents and executions look in answers."""

from __future__ import annotations

from typing import Any

from agents import rules
from agents.models import Agent, Execution
from missioncontrol.kernel import clock
from missioncontrol.kernel.clock import iso


def agent(row: Agent) -> dict[str, Any]:
    """An agent as its readers see it; ``status`` is the displayed one."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "board_id": row.board_id,
        "gateway_id": row.gateway_id,
        "name": row.name,
        "agent_type": row.agent_type,
        "is_board_lead": row.agent_type == Agent.Type.LEAD,
        "is_gateway_main": row.agent_type == Agent.Type.MAIN,
        "description": row.description,
        "capabilities": row.capabilities or [],
        "config": row.config or {},
        "model": (row.config or {}).get("model") or None,
        "heartbeat_config": rules.heartbeat_of(row.heartbeat_config),
        "identity_profile": row.identity_profile,
        "identity_template": row.identity_template,
        "soul_template": row.soul_template,
        "status": rules.displayed(row, now=clock.now()),
        "openclaw_session_id": row.session_key if row.gateway_id else None,
        "last_seen_at": iso(rules.last_sign(row)),
        "wake_attempts": row.wake_attempts,
        "last_wake_sent_at": iso(row.last_wake_sent_at),
        "checkin_deadline_at": iso(row.checkin_deadline_at),
        "lifecycle_generation": row.lifecycle_generation,
        "provision_state": rules.provision_state(row.status, row.work, row.last_provision_error),
        "provision_action": row.provision_action or None,
        "provision_requested_at": iso(row.provision_requested_at),
        "last_provision_error": row.last_provision_error or None,
        "last_provision_code": row.last_provision_code or None,
        "version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def execution(row: Execution) -> dict[str, Any]:
    """An execution with what was asked and what came of it."""
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "task_id": row.task_id,
        "gateway_id": row.gateway_id,
        "agent_id": row.agent_id,
        "approval_id": row.approval_id,
        "requested_by": {
            "kind": row.requested_by_kind,
            "id": row.requested_by_id,
            "name": row.requested_by_name,
        },
        "parameters": row.parameters or {},
        "status": row.status,
        "output": row.output,
        "error": row.error,
        "created_at": iso(row.created_at),
        "started_at": iso(row.started_at),
        "finished_at": iso(row.finished_at),
        "version": row.version,
    }


def file(row: dict[str, Any]) -> dict[str, Any]:
    """A workspace file in the list."""
    return {**row, "updated_at": iso(row["updated_at"])}
