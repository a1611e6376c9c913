"""One heartbeat for the agents of a whole group."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, rules
from agents.models import Agent
from boards.models import Board, BoardGroup
from boards.services.memory import may_write_group
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid
from missioncontrol.kernel.unit import service

from . import setup


@service
def set_group_heartbeat(
    actor: Actor, group_id: Any, *, every: str, include_board_leads: bool = False
) -> list[UUID]:
    """Store one interval for the agents of every board of a group; gateways get it afterwards.

    Args:
        actor: An admin who may write in the group, or the lead of one of its boards.
        group_id: The group.
        every: ``2m``, ``1h``, ``3d``; units s, m, h, d, w.
        include_board_leads: The leads as well.

    Returns:
        Ids of the agents concerned, to be written by :func:`agents.group_heartbeat.write`.

    Raises:
        Invalid: not an interval from 30 seconds to ten years.
        NotFound: absent or invisible.
        Forbidden: nobody of those.
    """
    interval = _interval(every)
    group: BoardGroup = BoardGroup.objects.seen_by(actor, group_id)
    authz.authorize(actor, actions.GROUP_HEARTBEAT, group)
    _require_right(actor, group)
    kinds = [Agent.Type.WORKER, *([Agent.Type.LEAD] if include_board_leads else [])]
    agents = list(
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(board__board_group_id=group.pk, agent_type__in=kinds)
        .exclude(status=Agent.Status.DELETING)
        .order_by("pk")
    )
    for agent in agents:
        _store(actor, agent, interval)
    publish(
        "board_group.heartbeat_set",
        actor=actor,
        target=group,
        organization_id=group.organization_id,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data={
            "every": interval,
            "agents": len(agents),
            "include_board_leads": include_board_leads,
        },
    )
    return [agent.pk for agent in agents]


def _interval(every: str) -> str:
    try:
        return rules.beat_interval(every)
    except ValueError as error:
        raise Invalid(
            _("An interval is a number with s, m, h, d or w, from 30s to ten years: 10m, 1h."),
            field="every",
        ) from error


def _require_right(actor: Actor, group: BoardGroup) -> None:
    if isinstance(actor, AgentActor):
        own = Board.objects.visible_to(actor).filter(board_group_id=group.pk)
        if not actor.is_lead or not own.exists():
            raise Forbidden(_("Only the lead of a board of this group does this."))
    elif isinstance(actor, UserActor) and not may_write_group(actor, group):
        raise Forbidden(_("Heartbeats of a group are set by admins who may write in it."))


def _store(actor: Actor, agent: Agent, interval: str) -> None:
    wanted = {**(agent.heartbeat_config or {}), "every": interval, "target": "last"}
    if wanted == agent.heartbeat_config:
        return
    agent.heartbeat_config = wanted
    agent.heartbeat_sync_pending = agent.gateway_id is not None
    agent.version += 1
    agent.save(
        update_fields=["heartbeat_config", "heartbeat_sync_pending", "version", "updated_at"]
    )
    setup.note("agent.updated", actor, agent, fields=["heartbeat_config"])
