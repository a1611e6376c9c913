"""What the forms of the pages' table send where rights are asked after the form is read."""

from __future__ import annotations

from typing import Any

BODIES: dict[str, dict[str, Any]] = {
    "POST /approvals/<approval>/decide": {"decision": "approved"},
    "POST /board-groups/<group>/chat": {"content": "c"},
    "POST /board-groups/<group>/heartbeat": {"every": "10m"},
    "POST /board-groups/<group>/memory": {"content": "c"},
    "POST /boards/<board>/chat": {"content": "c"},
    "POST /boards/<board>/memory": {"content": "c"},
    "POST /boards/<board>/onboarding/answer": {"answer": "a"},
    "POST /boards/<board>/tasks/<task>/ask": {"action_type": "deploy", "reason": "r"},
    "POST /boards/<board>/tasks/<task>/comments": {"message": "m"},
    "POST /boards/<board>/tasks/<task>/comments/<comment>/edit": {"message": "m"},
    "POST /boards/<board>/tasks/<task>/facts": {
        "status": "done", "priority": "high", "version": "1",
    },
    "POST /boards/<board>/tasks/<task>/move": {"status": "done", "version": "1"},
    "POST /boards/<board>/tasks/<task>/run/cancel": {"run": "<execution>"},
    "POST /boards/<board>/tasks/<task>/tags": {"tags": ["<tag>"]},
    "POST /skills/marketplace/<skill>/install": {"gateway": "<gateway>"},
    "POST /skills/marketplace/<skill>/uninstall": {"gateway": "<gateway>"},
    "POST /organization/switch": {"organization_id": "<own>"},
}  # fmt: skip
