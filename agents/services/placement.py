"""What happens to agents when their board or gateway comes, changes or goes.

Called by listeners; the inside ones join the transaction of the change.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from agents import rules
from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import RemoteFailed
from missioncontrol.kernel.unit import service

from . import crud, setup

#: States in which nothing can be removed from a gateway.
AWAY = {
    Gateway.Status.OFFLINE,
    Gateway.Status.ERROR,
    Gateway.Status.INCOMPATIBLE,
    Gateway.Status.UNAUTHORIZED,
    Gateway.Status.PAIRING_REQUIRED,
    Gateway.Status.REVOKED,
}


def _locked(rows: Q) -> list[Agent]:
    return list(
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .select_related("board", "gateway")
        .filter(rows)
        .exclude(status=Agent.Status.DELETING)
        .order_by("pk")
    )


def _is_away(gateway: Gateway) -> bool:
    return gateway.status in AWAY


@service
def release_from_board(board_id: UUID, *, force: bool = False) -> int:
    """A board is being deleted: its agents go back to the pool, removed from their gateway.

    Raises:
        RemoteFailed: a gateway that has agents of the board is away, and ``force`` is off; with
            it they are removed there as soon as it is back.
    """
    agents = _locked(Q(board_id=board_id))
    away = {
        a.gateway.name for a in agents if a.gateway and a.provisioned_at and _is_away(a.gateway)
    }
    if away and not force:
        raise RemoteFailed(
            _("Gateway cleanup failed: %(names)s cannot be reached now.")
            % {"names": ", ".join(sorted(away))},
            code="gateway_cleanup_failed",
        )
    for agent in agents:
        setup.leave_behind(agent)
        agent.board, agent.gateway, agent.agent_type = None, None, Agent.Type.WORKER
        agent.status_before_pause = ""
        agent.version += 1
        agent.save(
            update_fields=[
                "board", "gateway", "agent_type", "left_behind", "status_before_pause", "version",
            ]
        )  # fmt: skip
        crud.rest(agent)
        who = SystemActor("board deleted", agent.organization_id)
        setup.note("agent.detached", who, agent)
    return len(agents)


@service
def follow_board_gateway(board_id: UUID) -> int:
    """A board got another gateway, or none: its agents are set up there."""
    board = Board.objects.select_related("gateway").filter(pk=board_id).first()
    if board is None:
        return 0
    moved = [a for a in _locked(Q(board_id=board_id)) if a.gateway_id != board.gateway_id]
    for agent in moved:
        setup.leave_behind(agent)
        agent.gateway = board.gateway
        agent.version += 1
        agent.save(update_fields=["gateway", "left_behind", "version", "updated_at"])
        if board.gateway_id is None:
            crud.rest(agent)
        else:
            setup.begin(agent)
    return len(moved)


@service
def refresh_board(board_id: UUID) -> int:
    """Goal or rules of a board changed: its agents' files are written anew, without a wake."""
    agents = [a for a in _locked(Q(board_id=board_id)) if a.provisioned_at or a.work]
    for agent in agents:
        # Who is being set up or waited for is greeted as planned.
        wakes = agent.work not in (Agent.Work.NONE, Agent.Work.CLEAN_UP)
        setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED, wake=wakes)
    return len(agents)


@service
def ensure_main_agent(gateway_id: UUID) -> Agent | None:
    """A gateway has exactly one agent of its own; it is made and set up with the gateway."""
    gateway = Gateway.objects.filter(pk=gateway_id).first()
    if gateway is None:
        return None
    mains = Agent.objects.filter(gateway=gateway, agent_type=Agent.Type.MAIN)
    present: Agent | None = mains.first()
    if present is not None:
        return present
    agent = Agent(
        organization_id=gateway.organization_id,
        gateway=gateway,
        agent_type=Agent.Type.MAIN,
        name=f"{gateway.name[:180]} Gateway Agent",
        heartbeat_config=rules.heartbeat_of(None),
        identity_profile={"role": "Gateway Agent"},
    )
    agent.save(force_insert=True)
    who = SystemActor("gateway added", gateway.organization_id)
    setup.note("agent.created", who, agent)
    setup.begin(agent)
    setup.note("agent.provisioning", who, agent)
    return agent


@service
def refresh_main_agent(gateway_id: UUID) -> None:
    """Facts of a gateway changed: its own agent is set up anew."""
    for agent in _locked(Q(gateway_id=gateway_id, agent_type=Agent.Type.MAIN)):
        setup.request(agent, Agent.Work.UPDATE, happening=rules.Happening.CHANGED, wake=False)


@service
def release_from_gateway(gateway_id: UUID, organization_id: UUID) -> int:
    """A gateway is being removed: its own agent goes with it, the others become drafts.

    Nothing can be removed over there any more, so nothing is left behind either.
    """
    lost = Q(gateway_id=gateway_id) | Q(
        agent_type=Agent.Type.MAIN, gateway__isnull=True, organization_id=organization_id
    )
    who = SystemActor("gateway removed", organization_id)
    # A delete: no sign of life may point to them any more.
    locked = Agent.objects.select_for_update(of=("self",))
    mains = list(locked.filter(lost, agent_type=Agent.Type.MAIN).order_by("pk"))
    for agent in mains:
        crud.release_tasks(agent)
        setup.note("agent.deleted", who, agent)
        agent.delete()
    agents = _locked(Q(gateway_id=gateway_id))
    for agent in agents:
        agent.gateway, agent.left_behind, agent.linked_remote_id = None, [], ""
        agent.status_before_pause = ""
        agent.save(
            update_fields=[
                "gateway", "left_behind", "linked_remote_id", "status_before_pause", "updated_at",
            ]
        )  # fmt: skip
        crud.rest(agent)
        setup.note("agent.detached", who, agent)
    Agent.objects.filter(gateway_id=gateway_id, status=Agent.Status.DELETING).update(left_behind=[])
    return len(mains) + len(agents)
