"""Inputs and outputs of the gateway API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import AliasChoices, Field, model_validator

from missioncontrol.kernel.schemas import Input, JsonObject, Name, NonBlankText, Output

Url = str
_PAIRS = (("url", "endpoint"), ("token", "auth_token"))


class _Aliases(Input):
    """Both names of address and token; two different values are refused."""

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        merged = dict(data)
        for name, alias in _PAIRS:
            if alias not in merged:
                continue
            value = merged.pop(alias)
            if name in merged and merged[name] != value:
                raise ValueError(_("%(a)s and %(b)s differ.") % {"a": name, "b": alias})
            merged[name] = value
        return merged


class GatewayIn(_Aliases):
    """A gateway to add. ``endpoint`` and ``auth_token`` are other names of url and token."""

    name: Name
    url: Url = Field(min_length=1, max_length=500)
    token: str | None = None
    workspace_root: str = Field(default="~/.openclaw", max_length=500)
    allow_insecure_tls: bool = False
    disable_device_pairing: bool = False
    capabilities: list[str] = Field(default_factory=list, max_length=100)
    metadata: JsonObject = Field(default_factory=dict)
    is_default: bool = False
    organization_id: UUID | None = None
    verify: bool | None = None


class GatewayPatch(_Aliases):
    """Changes of a gateway; ``token: null`` removes the token."""

    name: Name = ""
    url: Url = Field(default="", min_length=1, max_length=500)
    token: str | None = None
    workspace_root: str = Field(default="", max_length=500)
    allow_insecure_tls: bool = False
    disable_device_pairing: bool = False
    capabilities: list[str] = Field(default_factory=list, max_length=100)
    metadata: JsonObject = Field(default_factory=dict)
    is_default: bool = False


class ProbeIn(Input):
    """Which gateway to test: a stored one, a board's, or an address that is not stored."""

    gateway_id: UUID | None = None
    board_id: UUID | None = None
    gateway_url: Url | None = Field(default=None, max_length=500)
    gateway_token: str | None = None
    allow_insecure_tls: bool = Field(
        default=False,
        validation_alias=AliasChoices("allow_insecure_tls", "gateway_allow_insecure_tls"),
    )
    disable_device_pairing: bool = Field(
        default=False,
        validation_alias=AliasChoices("disable_device_pairing", "gateway_disable_device_pairing"),
    )


class SessionQuery(Input):
    """Whose sessions: a board's gateway, or one by id."""

    board_id: UUID | None = None
    gateway_id: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class MessageIn(Input):
    """A message to a session."""

    content: NonBlankText


class PolicyIn(Input):
    """An explicit wish: the mode for all commands, or one program for one agent."""

    mode: Literal["ask", "full"] | None = None
    remote_agent_id: str | None = Field(default=None, min_length=1, max_length=200)
    path: str | None = Field(default=None, min_length=1, max_length=500)

    @model_validator(mode="after")
    def _one_wish(self) -> PolicyIn:
        program = self.remote_agent_id is not None and self.path is not None
        if (self.mode is None) is not program:
            raise ValueError(_("Give either mode, or remote_agent_id with path."))
        return self


class LogQuery(Input):
    """Where to go on in a gateway's log."""

    cursor: int | None = Field(default=None, ge=0)
    limit: int = Field(default=200, ge=1, le=1000)


class CheckOut(Output):
    """One check of the doctor."""

    key: str
    state: Literal["ok", "warn", "fail", "skipped"]
    finding: str
    next_step: str
    figure_ms: float | None


class GatewayOut(Output):
    """A gateway; its token is never returned."""

    id: UUID
    organization_id: UUID
    name: str
    url: str
    token: None
    has_token: bool
    token_hint: str | None
    workspace_root: str
    allow_insecure_tls: bool
    disable_device_pairing: bool
    capabilities: list[str]
    metadata: dict[str, Any]
    is_default: bool
    is_simulated: bool
    status: str
    status_code: str | None
    status_detail: str | None
    status_since: datetime | None
    last_checked_at: datetime | None
    last_seen_at: datetime | None
    version: str | None
    row_version: int
    created_at: datetime
    updated_at: datetime


class GatewayDetail(GatewayOut):
    """A gateway with the doctor's last report."""

    checks: list[CheckOut]
    agents_reach_us_at: datetime | None
    pairing_request_id: str | None


class GatewayPage(Output):
    """A page of gateways, newest first."""

    items: list[GatewayOut]
    total: int
    limit: int
    offset: int


class StatusOut(Output):
    """What a test connection showed."""

    connected: bool
    gateway_url: str
    version: str | None
    sessions_count: int | None
    sessions: list[dict[str, Any]] | None
    main_session: dict[str, Any] | None
    main_session_error: str | None
    error: str | None
    code: str | None
    hint: str | None


class PairingOut(Output):
    """Our device at a gateway, and what to run there."""

    gateway_id: UUID
    device_id: str
    public_key: str
    state: Literal["paired", "pending", "not_paired"]
    request_id: str | None
    command: str
    status: str


class PolicyOut(Output):
    """Command policy of a gateway."""

    gateway_id: UUID
    mode: str
    is_gated: bool
    allowlists: dict[str, list[str]]


class GatewayAnswer(Output):
    """An answer of the gateway."""


class RemoteAgentOut(Output):
    """An agent that a gateway has; ``agent_id`` is ours behind it."""

    id: str
    name: str
    workspace: str | None
    model: str | None
    permission_mode: str | None
    is_default: bool
    agent_id: UUID | None
    agent_name: str | None


class RemoteAgentsOut(Output):
    """Agents of a gateway."""

    agents: list[RemoteAgentOut]


class ModelOut(Output):
    """A model that a gateway may use."""

    id: str
    name: str
    provider: str | None
    context_window: int | None
    has_reasoning: bool
    is_available: bool


class ModelsOut(Output):
    """Models of a gateway."""

    models: list[ModelOut]


class DeviceOut(Output):
    """A device that a gateway knows."""

    device_id: str | None
    request_id: str | None
    name: str | None
    client: str | None
    platform: str | None
    role: str | None
    scopes: list[str]


class DevicesOut(Output):
    """Devices that wait for the gateway's operator, and those it accepts."""

    pending: list[DeviceOut]
    paired: list[DeviceOut]


class HistoryQuery(Input):
    """Which checks."""

    hours: int = Field(default=24, ge=1, le=720)
    limit: int = Field(default=200, ge=1, le=1000)


class HistoryCheck(Output):
    """One check."""

    at: datetime
    status: str
    code: str | None
    latency_ms: float | None


class HistoryOut(Output):
    """Checks, and the last day in short: 48 half hours, each with the worst that was seen."""

    since: datetime
    next_check_at: datetime | None
    check_failures: int
    uptime_pct: float | None
    latency_ms: float | None
    marks: list[Literal["good", "fair", "bad"] | None]
    checks: list[HistoryCheck]


class VersionOut(Output):
    """A gateway's version against the minimum."""

    gateway_id: UUID
    name: str
    version: str | None
    finding: Literal["ok", "too_old", "unknown", "malformed", "bad_minimum"]
    is_compatible: bool
    text: str
    seen_at: datetime | None


class VersionsOut(Output):
    """Versions of all gateways."""

    minimum: str
    items: list[VersionOut]


class CleanupOut(Output):
    """What is still to be deleted at a removed gateway."""

    id: UUID
    gateway_id: UUID
    name: str
    url: str
    remote_ids: list[str]
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
