"""Sessions of an agent on its gateway, and what was said in them, without tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions
from agents.models import Agent
from gateways import rpc
from gateways.wire import sessions
from gateways.wire.redact import redact_json
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, NotFound

from . import tokens

SHOWN = 200


def _readable(actor: Actor, agent_id: UUID) -> tuple[Agent, UUID]:
    agent: Agent = Agent.objects.select_related("gateway").seen_by(actor, agent_id)
    authz.authorize(actor, actions.READ_SESSIONS, agent)
    if agent.gateway_id is None:
        raise Conflict(_("This agent has no gateway."), code="no_gateway")
    return agent, agent.gateway_id


def list_sessions(actor: Actor, agent_id: UUID) -> list[dict[str, Any]]:
    """Sessions that the gateway keeps for the agent, newest first.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
        Conflict: ``no_gateway``.
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    agent, gateway_id = _readable(actor, agent_id)
    with rpc.session(gateway_id) as session:
        found = session.run(
            lambda client: sessions.list_sessions(client, agent_id=agent.remote_id, most=SHOWN)
        )
        return session.redacted(found)


def transcript(
    actor: Actor, agent_id: UUID, key: str, *, limit: int = 100, offset: int = 0
) -> dict[str, Any]:
    """What was said in one of the agent's sessions, oldest first.

    Raises:
        As :func:`list_sessions`; NotFound also for a session of another agent.
    """
    agent, gateway_id = _readable(actor, agent_id)
    plain = key.strip().lower()
    if not plain.startswith(f"agent:{agent.remote_id.lower()}:"):
        raise NotFound
    with rpc.session(gateway_id) as session:
        found = session.run(
            lambda client: sessions.chat_history(client, plain, limit=limit, offset=offset)
        )
        safe: dict[str, Any] = redact_json(session.redacted(found), (tokens.token_to_write(agent),))
        return safe
