"""Agents that a gateway already has: found, adopted, and let go again (core 14.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from agents import actions, linked, lookups, rules, workspace
from agents.models import Agent
from boards.models import Board
from gateways import rpc
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound
from missioncontrol.kernel.unit import service

from . import crud, setup

_TAKEN = {
    "agent_name_on_board": "An agent with this name already exists on this board.",
    "agent_name_on_gateway": "An agent with this name already exists on this gateway.",
    "one_lead_per_board": "This board already has a lead.",
    "one_agent_per_linked_remote": "This agent is linked already.",
}


def discover_agents(actor: UserActor, gateway_id: UUID) -> list[dict[str, Any]]:
    """Agents that the gateway has and we do not, asked now.

    Raises:
        NotFound, Forbidden: gateway not visible, not an admin.
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    gateway: Gateway = Gateway.objects.seen_by(actor, gateway_id)
    authz.authorize(actor, actions.VIEW_GATEWAY, gateway)
    answer = rpc.call(gateway.pk, "agents.list", {})
    default = str(answer.get("defaultId") or "")
    rows = [row for row in answer.get("agents") or [] if isinstance(row, dict) and row.get("id")]
    return [
        _found(row, default)
        for row in rows
        if lookups.id_of_remote(gateway.pk, str(row["id"])) is None
    ]


def _found(row: dict[str, Any], default: str) -> dict[str, Any]:
    model = row.get("model")
    return {
        "remote_agent_id": str(row["id"]),
        "name": workspace.line(row.get("name") or row["id"]),
        "workspace": workspace.line(row.get("workspace"), 500),
        "model": str(model.get("primary") or "") if isinstance(model, dict) else str(model or ""),
        "is_default": str(row["id"]) == default,
        "is_leftover": rules.remote_is_ours(str(row["id"])),
    }


def link_agent(
    actor: UserActor,
    *,
    gateway_id: UUID,
    remote_agent_id: str,
    board_id: UUID,
    role: str = Agent.Type.WORKER,
    name: str | None = None,
) -> Agent:
    """Adopt an agent of a gateway for a board that runs there.

    Raises:
        NotFound: gateway, board or remote agent not there.
        Forbidden: not an admin, or no right on the board.
        Invalid: ``board_on_other_gateway``.
        Conflict: already linked, name taken, second lead.
        GatewayUnavailable, RemoteFailed: from the gateway.
    """
    board: Board = Board.objects.seen_by(actor, board_id)
    authz.authorize(actor, actions.LINK, board)  # before the gateway is asked
    wanted = remote_agent_id.strip().lower()
    found = {row["remote_agent_id"].lower(): row for row in discover_agents(actor, gateway_id)}
    if wanted not in found:
        if lookups.id_of_remote(gateway_id, wanted) is not None:
            raise Conflict(_("This agent is linked already."), code="already_linked")
        raise NotFound(_("The gateway has no such agent."))
    row = found[wanted]
    return _adopt(
        actor, gateway_id, board_id, remote_id=row["remote_agent_id"], role=role,
        name=workspace.line(name) or row["name"],
    )  # fmt: skip


@service
def _adopt(
    actor: UserActor, gateway_id: UUID, board_id: UUID, *, remote_id: str, role: str, name: str
) -> Agent:
    board: Board = Board.objects.select_related("gateway").open_for(actor, board_id)
    authz.authorize(actor, actions.LINK, board)
    if board.gateway_id != gateway_id:
        raise Invalid(
            _("The board runs on another gateway."), code="board_on_other_gateway", field="board_id"
        )
    if role not in (Agent.Type.WORKER, Agent.Type.LEAD):
        raise Invalid(_("An agent is linked as worker or lead."), field="role")
    agent = Agent(
        organization_id=board.organization_id, board=board, gateway=board.gateway, agent_type=role,
        name=name, linked_remote_id=remote_id[:120],
        heartbeat_config={**rules.heartbeat_of(None), "every": "0m"},
    )  # fmt: skip
    try:
        with transaction.atomic():
            agent.save(force_insert=True)
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        if constraint not in _TAKEN:
            raise
        raise Conflict(_(_TAKEN[constraint]), code="name_taken") from error
    setup.note("agent.linked", actor, agent, remote_agent_id=remote_id)
    setup.begin(agent)
    return agent


def unlink_agent(actor: UserActor, agent_id: UUID) -> Agent:
    """Let an adopted agent go: it stays on its gateway, without our block and token.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
        Conflict: ``not_linked``.
    """
    agent: Agent = Agent.objects.select_related("board", "gateway").seen_by(actor, agent_id)
    authz.authorize(actor, actions.LINK, agent)
    if not agent.linked_remote_id:
        raise Conflict(
            _("This agent was made here. Release it from its board or delete it."),
            code="not_linked",
        )
    is_clean = linked.take_back(agent)
    return _let_go(actor, agent_id, is_clean=is_clean)


@service
def _let_go(actor: UserActor, agent_id: UUID, *, is_clean: bool) -> Agent:
    before: Agent = Agent.objects.seen_by(actor, agent_id)
    crud.release_tasks(before)  # tasks are locked before their agent
    agent: Agent = Agent.objects.select_related("board", "gateway").open_for(actor, agent_id)
    remote_id = agent.linked_remote_id
    setup.note("agent.unlinked", actor, agent, remote_agent_id=remote_id, is_clean=is_clean)
    if not is_clean:  # a run takes back what the gateway could not be told now
        setup.leave_behind(agent)
    agent.linked_remote_id = ""
    agent.board, agent.gateway, agent.agent_type = None, None, Agent.Type.WORKER
    agent.version += 1
    agent.save(
        update_fields=[
            "linked_remote_id", "left_behind", "board", "gateway", "agent_type", "version",
        ]
    )  # fmt: skip
    crud.rest(agent)
    return agent
