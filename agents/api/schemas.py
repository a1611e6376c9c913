"""Bodies and answers of agents and executions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, StringConstraints

from missioncontrol.kernel.schemas import Input, JsonObject, Name, Output, Text

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


class AgentCreate(AgentFields):
    """A new agent; without ``board_id`` it waits in the pool."""

    name: Name
    organization_id: UUID | None = None
    board_id: UUID | None = None
    agent_type: Literal["worker", "lead"] = "worker"
    is_board_lead: bool | None = None


class AgentPatch(AgentFields):
    """Changes of an agent; ``board_id`` null releases it."""

    name: Name = ""
    board_id: UUID | None = None
    agent_type: Literal["worker", "lead"] = "worker"
    is_board_lead: bool | None = None
    status: Any = None


class Heartbeat(Input):
    """A sign of life; an admin names the agent by board and name."""

    name: Name | None = None
    board_id: UUID | None = None
    status: Annotated[str, StringConstraints(max_length=16)] | None = None


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


class SyncOut(Output):
    """What a synchronisation did."""

    gateway_id: UUID
    agents_updated: int
    agents_skipped: int
    main_updated: bool
    errors: list[dict[str, Any]]
