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
from agents.services import model_choice
from boards.api.views.agent import ALL, LEAD, for_agents
from boards.models import Board
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, done, ok, uuid_query
from missioncontrol.kernel.errors import NotFound


class AgentDoor(ApiView):
    """Base: only agents."""

    actor_kinds: ClassVar[frozenset[Kind]] = frozenset({"agent"})


class HealthView(AgentDoor):
    """Is my token good, and who am I?"""

    @for_agents(
        "agent_healthz",
        ALL,
        intent="agent_health_check",
        use="Check that your token works and who you are before a round of work",
        avoid="Do not call it to report that you are alive; that is the heartbeat",
        response=schemas.HealthOut,
    )
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

    @for_agents(
        "agent_heartbeat",
        ALL,
        intent="agent_heartbeat",
        use="Check in: at the start of every round and after a wake message",
        avoid="Do not call it in a loop; every authenticated call counts as a sign of life",
        effects=("You are shown as online",),
        request=schemas.Heartbeat,
        response=schemas.AgentOut,
    )
    def post(self, request: Request) -> Response:
        """Name and board are ignored: an agent speaks for itself."""
        body = self.read(schemas.Heartbeat)
        me = services.heartbeat(self.agent, self.agent.id, status=body.status)
        return ok(shapes.agent(me), version=me.version)


class PeersView(AgentDoor):
    """Agents around the caller."""

    @for_agents(
        "agent_list_agents",
        ALL,
        intent="agent_roster",
        use="See who works on your board, or on your gateway if you are its own agent",
        avoid="Do not call it to look for work; list tasks instead",
        response=list[schemas.AgentOut],
    )
    def get(self, request: Request) -> Response:
        """Of its board; for a gateway's own agent all on its gateway."""
        rows = Agent.objects.visible_to(self.agent)
        board_id = uuid_query(request.GET, "board_id")
        if board_id is not None:
            if not Board.objects.visible_to(self.agent).filter(pk=board_id).exists():
                raise NotFound
            rows = rows.filter(board_id=board_id)
        return self.listing(rows.order_by("-created_at", "-id"), shapes.agent)

    @for_agents(
        "agent_create_worker",
        (LEAD,),
        intent="agent_create",
        use="Add a specialist to your board when nobody there fits the work",
        avoid="Do not add an agent for one small task, or where one with that role exists",
        effects=("An agent is set up on the board's gateway",),
        needs=("A valid X-Agent-Token", "Room below the board's max_agents"),
        request=schemas.AgentCreate,
        response=schemas.AgentOut,
    )
    def post(self, request: Request) -> Response:
        """A lead adds a worker to its own board, up to the board's cap."""
        given = self.read(schemas.AgentCreate).given()
        role_of(given)
        given.pop("organization_id", None)
        gateway = model_choice.gateway_of(self.agent, self.agent.board_id)
        given = model_choice.settled(given, gateway=gateway)
        agent = services.create_agent(self.agent, **given)
        location = f"/api/v1/agents/{agent.id}"
        return ok(shapes.agent(agent), version=agent.version, location=location)


class WorkerView(AgentDoor):
    """A worker of the lead's board."""

    @for_agents(
        "agent_remove_worker",
        (LEAD,),
        intent="agent_delete",
        use="Remove a worker of your board that is no longer needed",
        avoid="Do not remove somebody who holds tasks in progress; give them to others first",
        effects=("Its tasks go back", "It is removed from the gateway"),
    )
    def delete(self, request: Request, board_id: UUID, agent_id: UUID) -> Response:
        """Its tasks go back; it is removed from the gateway in the background."""
        if board_id != self.agent.board_id:
            raise NotFound
        services.delete_agent(self.agent, agent_id)
        return done()
