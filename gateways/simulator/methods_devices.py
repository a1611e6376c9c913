"""Device pairing and exec approvals of the simulated gateway.

Source: OpenClaw gateway protocol 4, device identity, commands and approvals.
"""

from __future__ import annotations

from typing import Any

from gateways.simulator.approvals import ExecApproval, ExecRequest
from gateways.simulator.registry import ADMIN, APPROVALS, PAIRING, Call, Refusal, method
from gateways.simulator.world import PairedDevice, now_ms


@method("device.pair.list", PAIRING)
def list_pairings(call: Call) -> dict[str, Any]:
    """Pending requests and paired devices."""
    world = call.gateway.world
    return {
        "pending": list(world.pairing_requests.values()),
        "paired": [_device_row(d) for d in world.devices.values()],
    }


def _device_row(device: PairedDevice) -> dict[str, Any]:
    return {
        "deviceId": device.device_id,
        "publicKey": device.public_key,
        "platform": device.platform,
        "role": "operator",
        "scopes": device.scopes,
        "approvedAtMs": device.approved_ms,
    }


@method("device.pair.approve", PAIRING, required={"requestId": "string"})
def approve_pairing(call: Call) -> dict[str, Any]:
    """Pair the device that asked."""
    world = call.gateway.world
    request = _take_request(call)
    device = PairedDevice(
        request["deviceId"],
        request["publicKey"],
        request["platform"].strip().lower(),
        list(request["scopes"]),
    )
    world.devices[device.device_id] = device
    _tell(call, request, "approved")
    return {"requestId": request["requestId"], "device": _device_row(device)}


@method("device.pair.reject", PAIRING, required={"requestId": "string"})
def reject_pairing(call: Call) -> dict[str, Any]:
    """Refuse a pairing request."""
    request = _take_request(call)
    _tell(call, request, "rejected")
    return {"requestId": request["requestId"], "deviceId": request["deviceId"]}


def _take_request(call: Call) -> dict[str, Any]:
    request = call.gateway.world.pairing_requests.pop(call.params["requestId"], None)
    if request is None:
        raise Refusal("unknown requestId")
    return request


def _tell(call: Call, request: dict[str, Any], decision: str) -> None:
    call.gateway.broadcast(
        "device.pair.resolved",
        {
            "requestId": request["requestId"],
            "deviceId": request["deviceId"],
            "decision": decision,
            "ts": now_ms(),
        },
    )


@method("device.pair.remove", PAIRING, required={"deviceId": "string"})
def remove_pairing(call: Call) -> dict[str, Any]:
    """Revoke a paired device."""
    device_id = call.params["deviceId"]
    if call.gateway.world.devices.pop(device_id, None) is None:
        raise Refusal("unknown deviceId")
    return {"deviceId": device_id}


@method("exec.approvals.get", ADMIN)
def get_allowlist(call: Call) -> dict[str, Any]:
    """The document with the allow-lists."""
    return _allowlist(call)


def _allowlist(call: Call) -> dict[str, Any]:
    world = call.gateway.world
    return {
        "path": f"{world.state_dir}/exec-approvals.json",
        "exists": True,
        "file": world.approvals_file,
        "hash": world.approvals_hash(),
        "resolvedDefaults": {"security": "full", "ask": "off", "askFallback": "deny"},
    }


@method("exec.approvals.set", ADMIN, required={"file": "object"}, optional={"baseHash": "string"})
def set_allowlist(call: Call) -> dict[str, Any]:
    """Replace the document with the allow-lists."""
    world = call.gateway.world
    base = call.params.get("baseHash")
    if base is None:
        raise Refusal("exec approvals base hash required; re-run exec.approvals.get and retry")
    if base != world.approvals_hash():
        raise Refusal("exec approvals changed since last load; re-run exec.approvals.get and retry")
    world.approvals_file = call.params["file"]
    return _allowlist(call)


@method("exec.approval.list", APPROVALS)
def list_approvals(call: Call) -> list[dict[str, Any]]:
    """Pending approvals, for reviewers only."""
    if not call.connection.holds(ADMIN):
        return []
    return [a.event_wire() for a in call.gateway.approvals.pending()]


@method("exec.approval.get", APPROVALS, required={"id": "string"})
def get_approval(call: Call) -> dict[str, Any]:
    """One pending approval."""
    approval = call.gateway.approvals.find(call.params["id"], is_pending=True)
    request = approval.request_wire()
    return {
        "id": approval.id,
        "commandText": request["command"],
        "allowedDecisions": request["allowedDecisions"],
        "host": "gateway",
        "agentId": request["agentId"],
        "expiresAtMs": approval.expires_ms,
    }


@method("exec.approval.resolve", APPROVALS, required={"id": "string", "decision": "string"})
def resolve_approval(call: Call) -> dict[str, Any]:
    """Decide a pending approval."""
    approval = _reviewable(call)
    call.gateway.approvals.resolve(
        approval, call.params["decision"], by=call.connection.display_name
    )
    return {"ok": True}


def _reviewable(call: Call) -> ExecApproval:
    desk = call.gateway.approvals
    if call.connection.holds(ADMIN):
        return desk.find(call.params["id"])
    raise Refusal("unknown or expired approval id", details={"reason": "APPROVAL_NOT_FOUND"})


@method(
    "exec.approval.request",
    APPROVALS,
    required={"command": "string"},
    optional={
        "host": "string",
        "agentId": "string",
        "sessionKey": "string",
        "timeoutMs": "integer",
        "twoPhase": "boolean",
    },
)
async def request_approval(call: Call) -> dict[str, Any]:
    """Ask for an approval from a client; another connection has to review it."""
    gateway, params = call.gateway, call.params
    request = ExecRequest(
        command=params["command"],
        cwd=gateway.world.state_dir,
        agent_id=params.get("agentId"),
        session_key=params.get("sessionKey"),
    )
    reviewers = [c for c in gateway.connections if c.is_reviewer and c is not call.connection]
    life = params["timeoutMs"] / 1000 if params.get("timeoutMs") else None
    approval = gateway.approvals.open(request, life_seconds=life)
    if not reviewers:
        approval.decision, approval.terminal_reason = "deny", "no-route"
        return {"id": approval.id, "decision": None}
    if params.get("twoPhase"):
        return {
            "status": "accepted",
            "id": approval.id,
            "deliveryRoute": "approval-client",
            "createdAtMs": approval.created_ms,
            "expiresAtMs": approval.expires_ms,
        }
    await gateway.approvals.wait(approval)
    return {"id": approval.id, "decision": approval.decision}


@method("exec.approval.waitDecision", APPROVALS, required={"id": "string"})
async def wait_decision(call: Call) -> dict[str, Any]:
    """Wait until an approval is decided."""
    approval = call.gateway.approvals.find(call.params["id"])
    await call.gateway.approvals.wait(approval)
    is_silent = approval.terminal_reason in {"timeout", "no-route"}
    return {
        "id": approval.id,
        "decision": None if is_silent else approval.decision,
        "terminalReason": approval.terminal_reason,
    }


@method("approval.get", APPROVALS, required={"id": "string"})
def get_record(call: Call) -> dict[str, Any]:
    """Durable record of an approval."""
    return {"approval": call.gateway.approvals.find(call.params["id"]).record_wire()}


@method("approval.history", APPROVALS, optional={"limit": "integer", "cursor": "string"})
def approval_history(call: Call) -> dict[str, Any]:
    """Decided approvals, newest first."""
    limit = call.params.get("limit") or 50
    decided = [a for a in call.gateway.approvals.history() if a.decision is not None]
    return {"approvals": [a.record_wire() for a in decided[:limit]]}


@method(
    "approval.resolve",
    APPROVALS,
    required={"id": "string", "decision": "string"},
    optional={"kind": "string"},
)
def resolve_record(call: Call) -> dict[str, Any]:
    """Decide an approval; a second answer changes nothing and is no error."""
    approval = _reviewable(call)
    try:
        is_applied = call.gateway.approvals.resolve(
            approval, call.params["decision"], by=call.connection.display_name
        )
    except Refusal:
        if approval.decision is None:
            raise
        is_applied = False
    return {"applied": is_applied, "approval": approval.record_wire()}
