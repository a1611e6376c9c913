"""What belongs to an organization, in the order in which it is written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEASE = ("lease_owner", "lease_until", "attempts", "next_attempt_at")


@dataclass(frozen=True)
class Part:
    """Rows of one model.

    ``path`` leads from a row to its organization. ``order`` makes the file the same every time;
    a row whose own id means nothing outside (``is_numbered``) gets a new one when it is read.
    ``settled`` says what a state that only this installation can end becomes outside.
    """

    model: str
    path: str = "organization_id"
    order: tuple[str, ...] = ("pk",)
    without: tuple[str, ...] = ()
    settled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_numbered: bool = False
    is_record: bool = False
    #: Read exactly as written, since its hashes cover every byte.
    is_sealed: bool = False

    @property
    def file(self) -> str:
        """Its file: YAML for what people set up, JSON lines for what happened."""
        return f"record/{self.model}.jsonl" if self.is_record else f"tables/{self.model}.yaml"


PARTS: tuple[Part, ...] = (
    Part("orgs.Organization", path="id"),
    Part(
        "orgs.User",
        path="",
        without=("password", "last_login", "active_organization", "permission_epoch"),
    ),
    Part("orgs.Membership"),
    Part(
        "gateways.Gateway",
        without=(
            "token_sealed", "token_hint", "status", "status_code", "status_detail",
            "status_since", "last_checked_at", "last_seen_at", "boot_id", "checks",
            "runtime_version", "pairing_request_id", "agents_reach_us_at", "next_check_at",
            "check_failures", "sessions_total", "latest_sessions", "sessions_at",
        ),
    ),
    Part("boards.BoardGroup"),
    Part("boards.Board", without=("permission_epoch",)),
    Part("boards.CustomField"),
    Part("boards.Tag"),
    Part(
        "agents.Agent",
        without=(
            *LEASE, "token_hash", "pending_token_hash", "previous_token_hash", "token_sealed",
            "pending_token_sealed", "previous_token_until", "work", "work_options", "left_behind",
            "checkin_deadline_at", "awaiting_answer_since", "active_run_id", "active_run_at",
            "wake_attempts", "last_wake_sent_at", "heartbeat_sync_pending", "gateway_seen_at",
        ),
        settled={"status": {"provisioning": "offline", "updating": "offline", "online": "offline"}},
    ),
    Part("boards.Task"),
    Part("boards.TaskAlias", order=("key",), is_numbered=True),
    Part(
        "boards.TaskDependency", path="task__organization_id", order=("task", "depends_on"),
        is_numbered=True,
    ),
    Part("boards.TaskComment", path="task__organization_id", is_record=True),
    Part("boards.BoardMemory", is_record=True),
    Part("boards.GroupMemory", is_record=True),
    Part("boards.BoardWebhook", without=("secret_sealed",)),
    Part(
        "boards.WebhookPayload", is_record=True, without=("attempts", "last_error"),
        settled={"delivery_status": {"queued": "skipped"}},
    ),
    Part(
        "governance.Approval", is_record=True, without=(*LEASE, "answer_error"),
        settled={"answer_state": {"answer_pending": "lost"}},
    ),
    Part(
        "governance.ApprovalTask", path="approval__organization_id",
        order=("approval", "position", "task_id"), is_numbered=True, is_record=True,
    ),
    Part("agents.Onboarding", is_record=True, settled={"status": {"active": "cancelled"}}),
    Part("agents.SkillPack", without=LEASE, settled={"sync_state": {"waiting": "never"}}),
    Part("agents.Skill", without=LEASE, settled={"scan_state": {"running": "waiting"}}),
    Part("agents.SkillInstall", settled={"state": {"requested": "failed"}}),
    Part("agents.Budget"),
    Part("agents.UsageEntry", is_record=True),
    Part(
        "agents.Execution", is_record=True, without=LEASE,
        settled={"status": {"waiting": "cancelled", "queued": "cancelled", "running": "cancelled"}},
    ),
    Part("activity.WebhookEndpoint", without=("secret_sealed",)),
    Part("activity.ActivityEvent", order=("seq",), is_record=True, is_sealed=True),
    Part(
        "activity.AuditEntry", order=("number",), is_record=True, is_numbered=True, is_sealed=True
    ),
)  # fmt: skip

#: Models of an organization that stay behind, with the reason.
STAYS = {
    "orgs.Invite": "its link is a secret; invite again",
    "orgs.ApiToken": "a secret",
    "orgs.Notification": "told to people of this installation",
    "gateways.GatewayIdentity": "a secret; the gateway pairs again",
    "gateways.GatewayLease": "of this installation",
    "gateways.GatewayCleanup": "work under way",
    "gateways.GatewayCheck": "contact of this installation",
    "agents.AgentBeat": "signs of life of one day",
    "agents.AgentNotification": "messages under way",
    "agents.ImportedToken": "a secret",
    "agents.TemplateSync": "of this installation",
    "activity.WebhookDelivery": "work under way",
    "activity.EventDelivery": "work under way",
    "activity.ListenerCursor": "of this installation",
    "activity.EventTally": "computed from the events",
    "activity.TallyHead": "computed from the events",
    "activity.EventStream": "computed from the events",
    "activity.AuditHead": "computed from the entries",
    "boards.BoardUserObjectPermission": "written as grants",
}
GRANTS = "tables/grants.yaml"
MANIFEST = "manifest.yaml"
FORMAT = 1
