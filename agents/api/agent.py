"""What agents themselves call: health, heartbeat, peers, and a lead's workers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from agents import rules, services
from agents.api import schemas, shapes
from agents.api.views import role_of
from agents.models import Agent
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, done, ok, operation, uuid_query
from missioncontrol.kernel.errors import NotFound

ALL = ("agent-lead", "agent-worker", "agent-main")


class AgentDoor(ApiView):
    """Base: only agents."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"agent"})


class HealthView(AgentDoor):
    """Is my token good, and who am I?"""

    @operation(tags=ALL, summary="Check the connection")
    def get(self, request: Request) -> Response:
        """The caller as Mission Control knows it."""
        me = Agent.objects.get(pk=self.agent.id)
        return ok(
            {
                "ok": True,
                "agent_id": me.id,
                "board_id": me.board_id,
                "gateway_id": me.gateway_id,
                "status": rules.displayed(me, now=clock.now()),
                "is_board_lead": me.agent_type == Agent.Type.LEAD,
            }
        )


class OwnHeartbeatView(AgentDoor):
    """Check in."""

    @operation(tags=ALL, summary="Check in", request=schemas.Heartbeat, response=schemas.AgentOut)
    def post(self, request: Request) -> Response:
        """Name and board are ignored: an agent speaks for itself."""
        body = self.read(schemas.Heartbeat)
        me = services.heartbeat(self.agent, self.agent.id, status=body.status)
        return ok(shapes.agent(me), version=me.version)


class PeersView(AgentDoor):
    """Agents around the caller."""

    @operation(tags=ALL, summary="List agents", response=schemas.AgentOut)
    def get(self, request: Request) -> Response:
        """Of its board; for a gateway's own agent all on its gateway."""
        rows = Agent.objects.visible_to(self.agent)
        board_id = uuid_query(request.GET, "board_id")
        if board_id is not None:
            rows = rows.filter(board_id=board_id)
            if not self.agent.is_main and board_id != self.agent.board_id:
                raise NotFound
        return self.listing(rows.order_by("-created_at", "-id"), shapes.agent)

    @operation(
        tags=("agent-lead",), summary="Create a worker", request=schemas.AgentCreate,
        response=schemas.AgentOut,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A lead adds a worker to its own board, up to the board's cap."""
        given = self.read(schemas.AgentCreate).given()
        role_of(given)
        given.pop("organization_id", None)
        agent = services.create_agent(self.agent, **given)
        return ok(shapes.agent(agent), version=agent.version)


class WorkerView(AgentDoor):
    """A worker of the lead's board."""

    @operation(tags=("agent-lead",), summary="Remove a worker")
    def delete(self, request: Request, board_id: UUID, agent_id: UUID) -> Response:
        """Its tasks go back; it is removed from the gateway in the background."""
        if board_id != self.agent.board_id:
            raise NotFound
        services.delete_agent(self.agent, agent_id)
        return done()
