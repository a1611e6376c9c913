"""The form of a gateway outside. No token, ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateways.models import Gateway, GatewayIdentity
from gateways.rules import pairing_command

FIELDS = (
    "id", "organization_id", "name", "url", "token_hint", "workspace_root",
    "allow_insecure_tls", "disable_device_pairing", "capabilities", "metadata", "is_default",
    "is_simulated", "status", "status_code", "status_detail", "status_since", "last_checked_at",
    "last_seen_at", "runtime_version", "version", "created_at", "updated_at",
)  # fmt: skip
DETAIL_FIELDS = (*FIELDS, "checks", "agents_reach_us_at", "pairing_request_id")
_PLAIN = (
    "id", "organization_id", "name", "url", "workspace_root", "allow_insecure_tls",
    "disable_device_pairing", "capabilities", "metadata", "is_default", "is_simulated", "status",
    "status_since", "last_checked_at", "last_seen_at", "created_at", "updated_at",
)  # fmt: skip


def gateway(row: Mapping[str, Any]) -> dict[str, Any]:
    """A gateway from a ``.values()`` row that also holds ``has_token_``."""
    return {
        **{name: row[name] for name in _PLAIN},
        "token": None,
        "has_token": row["has_token_"],
        "token_hint": row["token_hint"] or None,
        "status_code": row["status_code"] or None,
        "status_detail": row["status_detail"] or None,
        "version": row["runtime_version"] or None,
        "row_version": row["version"],
    }


def detail(row: Mapping[str, Any]) -> dict[str, Any]:
    """A gateway with the doctor's last report."""
    return {
        **gateway(row),
        "checks": row["checks"],
        "agents_reach_us_at": row["agents_reach_us_at"],
        "pairing_request_id": row["pairing_request_id"] or None,
    }


def pairing(row: Gateway, identity: GatewayIdentity) -> dict[str, Any]:
    """Our device at the gateway, its state, and the exact command to approve it."""
    state = "not_paired"
    if row.status == Gateway.Status.PAIRING_REQUIRED:
        state = "pending"
    elif identity.device_token_sealed:
        state = "paired"
    return {
        "gateway_id": row.pk,
        "device_id": identity.device_id,
        "public_key": identity.public_key,
        "state": state,
        "request_id": row.pairing_request_id or None,
        "command": pairing_command(row.pairing_request_id),
        "status": row.status,
    }
