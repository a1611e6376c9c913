"""Agents that a gateway already has, and writings of agent files as jobs, for admins."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import StringConstraints
from rest_framework.request import Request
from rest_framework.response import Response

from agents import actions
from agents.api import schemas, shapes
from agents.models import TemplateSync
from agents.services import linking, syncs
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, ok, operation, uuid_query
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.errors import Invalid
from missioncontrol.kernel.schemas import Input, Name, Output

TAGS = ("agents",)
GATEWAYS = ("gateways",)
ACCEPTED = 202


class LinkIn(Input):
    """Which agent of a gateway, and for which board."""

    gateway_id: UUID
    remote_agent_id: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)
    ]
    board_id: UUID
    role: Literal["worker", "lead"] = "worker"
    name: Name | None = None


class UnlinkedAgentOut(Output):
    """An agent that the gateway has and we do not."""

    remote_agent_id: str
    name: str
    workspace: str
    model: str
    is_default: bool
    is_leftover: bool


class SyncIn(Input):
    """What to write."""

    include_main: bool = True
    lead_only: bool = False
    reset_sessions: bool = False
    rotate_tokens: bool = False
    overwrite: bool = False
    board_id: UUID | None = None


class PreviewIn(Input):
    """What would be written."""

    include_main: bool = True
    lead_only: bool = False
    overwrite: bool = False
    board_id: UUID | None = None


class FileChange(Output):
    """What would happen to a file: ``create``, ``change``, ``same`` or ``keep``."""

    name: str
    change: str


class AgentPreview(Output):
    """What would happen to the files of an agent."""

    agent_id: UUID
    agent_name: str
    files: list[FileChange]
    error: str | None


class SyncJobOut(Output):
    """A writing of agent files."""

    id: UUID
    gateway_id: UUID
    state: str
    options: dict[str, Any]
    result: dict[str, Any]
    error: str | None


class DiscoverView(ApiView):
    """Agents of a gateway that are not ours."""

    @operation(tags=TAGS, summary="Discover agents of a gateway", response=list[UnlinkedAgentOut])
    def get(self, request: Request) -> Response:
        """Asked now."""
        gateway_id = uuid_query(request.GET, "gateway_id")
        if gateway_id is None:
            raise Invalid(_("Name the gateway."), field="gateway_id")
        rows = linking.discover_agents(self.user, gateway_id)
        return ok({"items": rows, "total": len(rows), "limit": len(rows), "offset": 0})


class LinkView(ApiView):
    """Adopt an agent."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(tags=TAGS, summary="Link an agent", request=LinkIn, response=schemas.AgentOut)
    def post(self, request: Request) -> Response:
        """Its files stay as they are but for one block in AGENTS.md."""
        agent = linking.link_agent(self.user, **self.read(LinkIn).model_dump())
        location = f"/api/v1/agents/{agent.id}"
        return ok(shapes.agent(agent), version=agent.version, location=location)


class UnlinkView(ApiView):
    """Let an adopted agent go."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(tags=TAGS, summary="Unlink an agent", response=schemas.AgentOut)
    def post(self, request: Request, agent_id: UUID) -> Response:
        """It stays on its gateway; here it waits in the pool."""
        agent = linking.unlink_agent(self.user, agent_id)
        return ok(shapes.agent(agent), version=agent.version)


# --- writings of files ----------------------------------------------------------------------------


def job_shape(row: TemplateSync) -> dict[str, Any]:
    """A writing of files and its result."""
    return {
        "id": row.id,
        "gateway_id": row.gateway_id,
        "state": row.state,
        "options": row.options,
        "result": row.result,
        "error": row.error or None,
        "requested_by_name": row.requested_by_name,
        "created_at": iso(row.created_at),
        "started_at": iso(row.started_at),
        "finished_at": iso(row.finished_at),
    }


class SyncPreviewView(ApiView):
    """Compare before writing."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=GATEWAYS, summary="Preview agent files", request=PreviewIn,
        response=list[AgentPreview],
    )  # fmt: skip
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Per agent and file; nothing is written."""
        rows = syncs.preview(self.user, gateway_id, **self.read(PreviewIn).model_dump())
        return ok({"items": rows, "total": len(rows), "limit": len(rows), "offset": 0})


def _seen(user: UserActor, gateway_id: UUID) -> Gateway:
    gateway: Gateway = Gateway.objects.seen_by(user, gateway_id)
    authz.authorize(user, actions.VIEW_GATEWAY, gateway)
    return gateway


def asked_of_a_job(user: UserActor, gateway_id: UUID, options: dict[str, Any]) -> Response:
    """The answer to a writing of files that a job was asked for."""
    row = syncs.request_sync(user, gateway_id, options=options)
    location = f"/api/v1/gateways/{gateway_id}/templates/syncs/{row.id}"
    return ok(job_shape(row), status=ACCEPTED, location=location)


class SyncJobListView(ApiView):
    """Writings of files as jobs."""

    @operation(tags=GATEWAYS, summary="List file synchronisations", response=list[SyncJobOut])
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Newest first."""
        rows = TemplateSync.objects.filter(gateway=_seen(self.user, gateway_id))
        return self.listing(rows.order_by("-created_at", "-id"), job_shape)

    @operation(
        tags=GATEWAYS, summary="Synchronise agent files by a job", request=SyncIn,
        response={ACCEPTED: SyncJobOut},
    )  # fmt: skip
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Answers at once; the job tells the result."""
        options = self.read(SyncIn).model_dump(exclude_none=True)
        return asked_of_a_job(self.user, gateway_id, options)


class SyncJobView(ApiView):
    """One writing of files."""

    @operation(tags=GATEWAYS, summary="Read a file synchronisation", response=SyncJobOut)
    def get(self, request: Request, gateway_id: UUID, sync_id: UUID) -> Response:
        """State and result."""
        _seen(self.user, gateway_id)
        row: TemplateSync = TemplateSync.objects.filter(gateway_id=gateway_id).seen_by(
            self.user, sync_id
        )
        return ok(job_shape(row))
