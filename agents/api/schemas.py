"""Bodies and answers of agents and executions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, StringConstraints

from missioncontrol.kernel.schemas import Input, JsonObject, Name, NonBlankText, Output, Text

MAX_CONFIG_BYTES = 64 * 1024
MAX_TEMPLATE = 20_000


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(value, default=str)) > MAX_CONFIG_BYTES:
        raise ValueError("Larger than 64 KiB.")
    return value


Capability = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Capabilities = Annotated[list[Capability], Field(max_length=50)]
SmallObject = Annotated[JsonObject, AfterValidator(_small)]
Template = Annotated[str, StringConstraints(max_length=MAX_TEMPLATE)]


class AgentFields(Input):
    """What may be said of an agent."""

    description: Text | None = None
    capabilities: Capabilities = []
    config: SmallObject | None = None
    heartbeat_config: SmallObject | None = None
    identity_profile: SmallObject | None = None
    identity_template: Template | None = None
    soul_template: Template | None = None


#: ``provider/model``, as the gateway names it; empty or null: the gateway decides.
ModelName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class AgentCreate(AgentFields):
    """A new agent; without ``board_id`` it waits in the pool."""

    name: Name
    model: ModelName | None = None
    organization_id: UUID | None = None
    board_id: UUID | None = None
    agent_type: Literal["worker", "lead"] = "worker"
    is_board_lead: bool | None = None
    #: An older form of this call named the first state; it follows from the board anyway.
    status: Literal["provisioning", "draft"] | None = None


class AgentPatch(AgentFields):
    """Changes of an agent; ``board_id`` null releases it."""

    name: Name = ""
    model: ModelName | None = None
    board_id: UUID | None = None
    agent_type: Literal["worker", "lead"] = "worker"
    is_board_lead: bool | None = None
    is_gateway_main: bool | None = None
    status: Any = None


class Heartbeat(Input):
    """A sign of life; an admin names the agent by board and name."""

    name: Name | None = None
    board_id: UUID | None = None
    status: Annotated[str, StringConstraints(max_length=16)] | None = None


class GroupHeartbeat(Input):
    """An interval for the agents of a group: ``2m``, ``1h``."""

    every: Annotated[str, StringConstraints(max_length=32)]
    include_board_leads: bool = False


class FileWrite(Input):
    """Text of a workspace file."""

    content: Text


class Execute(Input):
    """What the agent gets along with the task."""

    parameters: JsonObject = {}


class GatewayExecute(Execute):
    """A task to run on this very gateway."""

    task_id: UUID


class Report(Input):
    """How an execution goes, told by its agent."""

    status: Literal["running", "succeeded", "failed"]
    output: Any = None
    error: Text | None = None


class AgentOut(Output):
    """An agent. Its token is never part of an answer."""

    id: UUID
    organization_id: UUID
    board_id: UUID | None
    gateway_id: UUID | None
    name: str
    agent_type: str
    status: str
    provision_state: str
    openclaw_session_id: str | None
    last_seen_at: datetime | None
    created_at: datetime
    updated_at: datetime


class GroupHeartbeatOut(Output):
    """Agents whose gateway has the new interval, and those whose gateway gets it later."""

    board_group_id: UUID
    requested: dict[str, Any]
    updated_agent_ids: list[UUID]
    failed_agent_ids: list[UUID]


class ExecutionOut(Output):
    """A run of a task."""

    id: UUID
    task_id: UUID
    agent_id: UUID | None
    gateway_id: UUID | None
    status: str
    error: str | None


class FileOut(Output):
    """A workspace file without its text."""

    name: str
    missing: bool
    size: int


class FileText(Output):
    """A workspace file with its text."""

    name: str
    content: str


class SyncOut(Output):
    """What a synchronisation did."""

    gateway_id: UUID
    agents_updated: int
    agents_skipped: int
    main_updated: bool
    errors: list[dict[str, Any]]


class HealthOut(Output):
    """The caller as it is known here."""

    ok: bool
    agent_id: UUID
    board_id: UUID | None
    gateway_id: UUID | None
    status: str
    is_board_lead: bool


Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Nudge(Input):
    """What a lead reminds an agent of."""

    message: NonBlankText


class SoulWrite(Input):
    """A new character, where it is from and why."""

    content: NonBlankText
    source_url: Annotated[str, StringConstraints(max_length=500)] | None = None
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


class AskUser(Input):
    """A lead's question to the person behind the gateway."""

    content: NonBlankText
    correlation_id: Line | None = None
    preferred_channel: Line | None = None
    reply_tags: Annotated[list[Tag], Field(min_length=1, max_length=10)] = [
        "gateway_main",
        "user_reply",
    ]
    reply_source: Line = "user_via_gateway_main"


class LeadMessage(Input):
    """A message of the gateway's own agent to a lead."""

    kind: Literal["question", "handoff"] = "question"
    content: NonBlankText
    correlation_id: Line | None = None
    reply_tags: Annotated[list[Tag], Field(min_length=1, max_length=10)] = [
        "gateway_main",
        "lead_reply",
    ]
    reply_source: Line = "lead_to_gateway_main"


class Broadcast(LeadMessage):
    """The same to many leads."""

    board_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)] | None = None


class Done(Output):
    """It was done."""

    ok: bool


class SoulOut(Output):
    """A character."""

    content: str


class AskUserOut(Output):
    """Who carries the question."""

    ok: bool
    board_id: UUID
    main_agent_id: UUID
    main_agent_name: str


class LeadMessageOut(Output):
    """Who got the message."""

    ok: bool
    board_id: UUID
    lead_agent_id: UUID
    lead_agent_name: str
    lead_created: bool


class BroadcastResult(Output):
    """What became of the message on one board."""

    board_id: UUID
    lead_agent_id: UUID | None
    ok: bool
    error: str | None


class BroadcastOut(Output):
    """What became of the message on every board."""

    ok: bool
    sent: int
    failed: int
    results: list[BroadcastResult]
