"""A gateway's own agent changes: a board's agent takes its place, or it goes to a board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from agents import actions
from agents.models import Agent
from boards.models import Board
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict, Invalid
from missioncontrol.kernel.unit import service

from . import crud


@service
def change_main(
    actor: Actor,
    agent_id: UUID,
    *,
    is_main: bool,
    changes: Mapping[str, Any],
    force: bool = False,
    expected_version: int | None = None,
) -> Agent:
    """Change an agent, and whether it is its gateway's own.

    The gateway is that of its board. The former own agent goes into the pool first. One that stops
    being the gateway's own needs ``board_id`` among the changes.

    Raises:
        As :func:`agents.services.crud.update_agent`, and
        Invalid: ``gateway_required``, ``board_required``.
        Conflict: ``main_is_leaving``: the former one is being deleted.
    """
    before: Agent = Agent.objects.select_related("board__gateway").seen_by(actor, agent_id)
    authz.authorize(actor, actions.UPDATE, before)
    if is_main == (before.agent_type == Agent.Type.MAIN):
        return crud.update_agent(
            actor, agent_id, changes=changes, force=force, expected_version=expected_version
        )
    turn = _promote if is_main else _demote
    return turn(actor, before, dict(changes), expected_version)


def _promote(
    actor: Actor, before: Agent, changes: dict[str, Any], expected_version: int | None
) -> Agent:
    gateway = _gateway_of(actor, before, changes)
    former = Agent.objects.filter(gateway=gateway, agent_type=Agent.Type.MAIN).first()
    for one in (before, former):  # tasks are locked before their agents
        if one is not None:
            crud.release_tasks(one)
    crud.update_agent(actor, before.pk, changes=changes, expected_version=expected_version)
    locked = _locked(before, former)
    if former is not None:
        if former.status == Agent.Status.DELETING:
            raise Conflict(
                _("The gateway's present own agent is being deleted."), code="main_is_leaving"
            )
        crud.place(actor, locked[former.pk], None, Agent.Type.WORKER)
    return crud.place(actor, locked[before.pk], None, Agent.Type.MAIN, gateway=gateway)


def _gateway_of(actor: Actor, before: Agent, changes: Mapping[str, Any]) -> Gateway:
    board = before.board
    if "board_id" in changes:
        board = crud.lock_board(actor, changes["board_id"])
    gateway: Gateway | None = board.gateway if board else None
    if gateway is None:
        raise Invalid(
            _("Only an agent on a board with a gateway becomes that gateway's own."),
            code="gateway_required",
            field="is_gateway_main",
        )
    return gateway


def _demote(
    actor: Actor, before: Agent, changes: dict[str, Any], expected_version: int | None
) -> Agent:
    board_id = changes.pop("board_id", None)
    role = changes.pop("agent_type", Agent.Type.WORKER)
    if board_id is None:
        raise Invalid(
            _("Name the board where it works from now on."), code="board_required", field="board_id"
        )
    board: Board | None = crud.lock_board(actor, board_id)
    crud.release_tasks(before)  # tasks are locked before their agent
    crud.update_agent(actor, before.pk, changes=changes, expected_version=expected_version)
    return crud.place(actor, _locked(before)[before.pk], board, role)


def _locked(*agents: Agent | None) -> dict[UUID, Agent]:
    rows = Agent.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("board", "gateway")
    wanted = [agent.pk for agent in agents if agent is not None]
    return {row.pk: row for row in rows.filter(pk__in=wanted).order_by("pk")}
