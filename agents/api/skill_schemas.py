"""Bodies and answers of skills and packs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import StringConstraints

from missioncontrol.kernel.schemas import Input, JsonObject, Name, Output, Text

Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Branch = Annotated[str, StringConstraints(max_length=200)]


class SkillCreate(Input):
    """A skill by its address."""

    source_url: Url
    name: Name | None = None
    description: Text | None = None


class MarketplaceQuery(Input):
    """What is looked for, and the gateway whose installs are shown."""

    gateway_id: UUID
    search: str = ""
    category: str = ""
    risk: str = ""
    pack_id: UUID | None = None
    limit: int | None = None
    offset: int = 0


class InstallIn(Input):
    """Where, and whether the findings were read and accepted."""

    gateway_id: UUID | None = None
    accept_findings: bool = False


class PackCreate(Input):
    """A repository of skills."""

    source_url: Url
    name: Name | None = None
    description: Text | None = None
    branch: Branch | None = None
    metadata: JsonObject | None = None


class PackPatch(Input):
    """Changes of a pack."""

    source_url: Url = ""
    name: Name = ""
    description: Text | None = None
    branch: Branch | None = None
    metadata: JsonObject = {}


class SkillState(Input):
    """What became of a skill on a gateway, told by its own agent."""

    state: Literal["installed", "removed", "failed"]
    detail: Text = ""


class SkillCard(Output):
    """A skill in the marketplace of a gateway."""

    id: UUID
    organization_id: UUID
    name: str
    description: str | None
    category: str | None
    risk: str | None
    source: str | None
    source_url: str
    pack_id: UUID | None
    metadata: dict[str, Any]
    findings_count: int
    scanned_at: datetime | None
    scan_state: str
    scan_error: str | None
    created_at: datetime
    updated_at: datetime
    installed: bool
    installed_at: datetime | None
    install_state: str | None
    install_detail: str | None


class SkillOut(SkillCard):
    """A skill with its text, where it was read, and what was found in it."""

    content: str
    provenance: dict[str, Any]
    findings: list[dict[str, Any]]


class InstallOut(Output):
    """What was asked for."""

    ok: bool
    skill_id: UUID
    gateway_id: UUID
    installed: bool
    state: str | None


class PackOut(Output):
    """A pack."""

    id: UUID
    name: str
    description: str | None
    source_url: str
    branch: str
    metadata: dict[str, Any]
    skill_count: int
    sync_state: str


class PackSyncOut(Output):
    """What a reading brought."""

    ok: bool
    pack_id: UUID
    synced: int
    created: int
    updated: int
    warnings: list[str]
