"""Agents for people and scripts, and the heartbeat for both."""

from __future__ import annotations

import functools
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from activity.models import ActivityEvent
from agents import actions, rules, services
from agents.api import linking, schemas, shapes, waiting
from agents.models import Agent
from agents.services import model_choice, template_sync
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import AgentActor, Kind, UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation, uuid_query
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound

TAGS = ("agents",)
USER_AGENT: frozenset[Kind] = frozenset({"user", "agent"})


def role_of(given: dict[str, Any]) -> None:
    """``is_board_lead`` is the older word for the type; nobody chooses the state."""
    given.pop("status", None)
    lead = given.pop("is_board_lead", None)
    if lead is not None:
        given["agent_type"] = Agent.Type.LEAD if lead else Agent.Type.WORKER


class AgentListView(ApiView):
    """Agents: list and create."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="List agents", response=list[schemas.AgentOut])
    def get(self, request: Request) -> Response:
        """Visible agents, newest first."""
        return self.listing(self._rows(), shapes.agent)

    def _rows(self) -> QuerySet[Agent]:
        query = self.request.GET
        rows = Agent.objects.visible_to(self.actor)
        if isinstance(self.actor, UserActor) and not query.get("board_id"):
            rows = rows.filter(organization_id=self.actor.organization_id)
        for name in ("board_id", "gateway_id"):
            wanted = uuid_query(query, name)
            if wanted is not None:
                rows = rows.filter(**{name: wanted})
        kind = query.get("type") or query.get("agent_type")
        if kind:
            rows = rows.filter(agent_type=kind)
        if query.get("status"):
            rows = rows.filter(pk__in=self._shown_as(rows, query["status"]))
        return rows.order_by("-created_at", "-id")

    def _shown_as(self, rows: QuerySet[Agent], status: str) -> list[UUID]:
        """What is shown depends on the clock, so it is computed, not stored."""
        if status not in Agent.Status.values:
            raise Invalid(_("Unsupported agent status filter."), field="status")
        now = clock.now()
        few = rows.only("id", "status", "last_seen_at", "gateway_seen_at", "heartbeat_config")
        return [row.id for row in few.iterator() if rules.displayed(row, now=now) == status]

    @operation(
        tags=TAGS, summary="Create an agent", request=schemas.AgentCreate, response=schemas.AgentOut
    )
    def post(self, request: Request) -> Response:
        """A pool agent without ``board_id``; else it is set up on the board's gateway."""
        given = self.read(schemas.AgentCreate).given()
        role_of(given)
        gateway = model_choice.gateway_of(self.actor, given.get("board_id"))
        given = model_choice.settled(given, gateway=gateway)
        agent = services.create_agent(self.actor, given.pop("organization_id", None), **given)
        if agent.gateway_id and waiting.wants_to_wait(request.GET, default=self.is_v1()):
            agent = waiting.for_setup(agent.id) or agent
        return ok(shapes.agent(agent), version=agent.version, location=f"/api/v1/agents/{agent.id}")


class AgentView(ApiView):
    """One agent."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(tags=TAGS, summary="Read an agent", response=schemas.AgentOut)
    def get(self, request: Request, agent_id: UUID) -> Response:
        """One visible agent."""
        agent: Agent = Agent.objects.seen_by(self.actor, agent_id)
        return ok(shapes.agent(agent), version=agent.version)

    def _with_model(self, given: dict[str, Any], agent_id: UUID) -> dict[str, Any]:
        if "model" not in given and "config" not in given:
            return given
        agent: Agent = Agent.objects.select_related("gateway").seen_by(self.actor, agent_id)
        may = authz.allowed(self.actor, actions.UPDATE, agent)
        gateway = agent.gateway if may else None
        return model_choice.settled(given, gateway=gateway, present=agent.config)

    @operation(
        tags=TAGS, summary="Change an agent", request=schemas.AgentPatch, response=schemas.AgentOut
    )
    def patch(self, request: Request, agent_id: UUID) -> Response:
        """Only the fields that are sent; ``?force=true`` sets it up again in any case.

        ``is_gateway_main`` true makes it the own agent of its board's gateway; the former one goes
        into the pool. False needs the ``board_id`` where it works from then on.
        """
        given = self.read(schemas.AgentPatch).given()
        if "status" in given:
            Agent.objects.seen_by(self.actor, agent_id)
            raise Forbidden(_("status is controlled by agent heartbeat"), code="status_read_only")
        role_of(given)
        given = self._with_model(given, agent_id)
        is_main = given.pop("is_gateway_main", None)
        change = services.update_agent
        if is_main is not None:
            change = functools.partial(services.change_main, is_main=is_main)
        agent = change(
            self.user,
            agent_id,
            changes=given,
            force=waiting.flag(request.GET, "force", default=False),
            expected_version=self.expected_version(),
        )
        return ok(shapes.agent(agent), version=agent.version)

    @operation(tags=TAGS, summary="Delete an agent")
    def delete(self, request: Request, agent_id: UUID) -> Response:
        """Remove it here and from its gateway; ``?force=true`` does not wait for the gateway."""
        force = waiting.flag(request.GET, "force", default=False)
        try:
            agent = services.delete_agent(self.actor, agent_id, force=force)
        except NotFound:
            if self._was_deleted(agent_id):
                return done()
            raise
        waits = waiting.wants_to_wait(request.GET, default=self.is_v1())
        if agent is not None and not force and waits:
            waiting.for_removal(agent_id)
        return done()

    def _was_deleted(self, agent_id: UUID) -> bool:
        """A repeated delete of an own agent is no error."""
        own = list(self.actor.memberships) if isinstance(self.actor, UserActor) else []
        return ActivityEvent.objects.filter(
            type="agent.deleted", target_id=agent_id, organization_id__in=own
        ).exists()


class CommandView(ApiView):
    """An order to one agent; ``command`` names the service."""

    command: ClassVar[str] = ""

    @operation(tags=TAGS, summary="Order an agent", response=schemas.AgentOut)
    def post(self, request: Request, agent_id: UUID) -> Response:
        """Carry the order out and answer with the agent."""
        agent = getattr(services, self.command)(self.user, agent_id)
        return ok(shapes.agent(agent), version=agent.version)


class WakeView(CommandView):
    """Send the wake text."""

    command = "wake_agent"


class RetryView(CommandView):
    """Set up again."""

    command = "retry_agent"


class RotateTokenView(CommandView):
    """Write a new token; the token itself is never answered."""

    command = "rotate_token"


class PauseView(CommandView):
    """No messages until resumed."""

    command = "pause_agent"


class ResumeView(CommandView):
    """Messages again."""

    command = "resume_agent"


class HeartbeatView(ApiView):
    """Sign of life of one agent."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS, summary="Heartbeat of an agent", request=schemas.Heartbeat,
        response=schemas.AgentOut,
    )  # fmt: skip
    def post(self, request: Request, agent_id: UUID) -> Response:
        """That agent itself, or an admin for it."""
        body = self.read(schemas.Heartbeat)
        agent = services.heartbeat(self.actor, agent_id, status=body.status)
        return ok(shapes.agent(agent), version=agent.version)


class HeartbeatUpsertView(ApiView):
    """Sign of life by name and board."""

    actor_kinds: ClassVar[frozenset[Kind]] = USER_AGENT

    @operation(
        tags=TAGS, summary="Heartbeat by name", request=schemas.Heartbeat, response=schemas.AgentOut
    )
    def post(self, request: Request) -> Response:
        """An agent speaks for itself; an admin names board and agent, which is made if absent."""
        body = self.read(schemas.Heartbeat)
        me = self.actor
        agent_id = me.id if isinstance(me, AgentActor) else self._named(body)
        agent = services.heartbeat(self.actor, agent_id, status=body.status)
        return ok(shapes.agent(agent), version=agent.version)

    def _named(self, body: schemas.Heartbeat) -> UUID:
        if body.name is None or body.board_id is None:
            missing = "name" if body.name is None else "board_id"
            raise Invalid(_("Name the agent and its board."), field=missing)
        found = Agent.objects.visible_to(self.actor).filter(
            board_id=body.board_id, name__iexact=body.name
        )
        known: UUID | None = found.values_list("pk", flat=True).first()
        if known is not None:
            return known
        return services.create_agent(self.user, name=body.name, board_id=body.board_id).id


class FileListView(ApiView):
    """Workspace files."""

    @operation(
        tags=TAGS,
        summary="List workspace files",
        response=list[schemas.FileOut],
        refusals=(409,),
    )
    def get(self, request: Request, agent_id: UUID) -> Response:
        """Names, sizes and times, as the gateway holds them now."""
        rows = [shapes.file(row) for row in services.list_files(self.user, agent_id)]
        return ok({"items": rows, "total": len(rows), "limit": len(rows), "offset": 0})


class FileView(ApiView):
    """One workspace file."""

    @operation(
        tags=TAGS, summary="Read a workspace file", response=schemas.FileText, refusals=(409,)
    )
    def get(self, request: Request, agent_id: UUID, name: str) -> Response:
        """Its text, without the agent's token."""
        content = services.read_file(self.user, agent_id, name)
        return ok({"name": name, "content": content})

    @operation(
        tags=TAGS,
        summary="Write a workspace file",
        request=schemas.FileWrite,
        response=schemas.FileText,
    )
    def put(self, request: Request, agent_id: UUID, name: str) -> Response:
        """Replace its text."""
        body = self.read(schemas.FileWrite)
        services.write_file(self.user, agent_id, name, content=body.content)
        return ok({"name": name, "content": body.content})


class SyncView(ApiView):
    """Synchronise the agent files of a gateway."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=("gateways",),
        summary="Synchronise agent files",
        response={200: schemas.SyncOut, linking.ACCEPTED: linking.SyncJobOut},
    )
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Write every agent's files anew; errors are listed per agent.

        ``async=true`` answers 202 at once and leaves the writing to a job. ``force_bootstrap`` asks
        for what always happens: the file with the agent's token is written; kept files stay.
        """
        http = request.GET
        waiting.flag(http, "force_bootstrap", default=False)
        options: dict[str, Any] = {
            "include_main": waiting.flag(http, "include_main", default=True),
            "lead_only": waiting.flag(http, "lead_only", default=False),
            "reset_sessions": waiting.flag(http, "reset_sessions", default=False),
            "rotate_tokens": waiting.flag(http, "rotate_tokens", default=False),
            "overwrite": waiting.flag(http, "overwrite", default=False),
            "board_id": uuid_query(http, "board_id"),
        }
        if waiting.flag(http, "async", default=False):
            return linking.asked_of_a_job(self.user, gateway_id, options)
        return ok(template_sync.sync_templates(self.user, gateway_id, **options))
