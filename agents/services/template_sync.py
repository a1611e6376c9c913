"""Write the files of a gateway's agents anew, one after the other (core specification 16.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, lifecycle, rules
from agents.models import Agent, ImportedToken
from gateways import rpc
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import Conflict
from missioncontrol.kernel.unit import service

from . import setup, tokens


@service
def _request(agent_id: UUID, *, rotate: bool, overwrite: bool, reset_session: bool) -> None:
    agent = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=agent_id, gateway__isnull=False)
        .exclude(status=Agent.Status.DELETING)
        .first()
    )
    if agent is None:
        return
    fields = tokens.set_pending(agent) if rotate or not _has_token(agent) else []
    setup.request(
        agent,
        Agent.Work.UPDATE,
        happening=rules.Happening.CHANGED,
        wake=False,
        overwrite=overwrite,
        reset_session=reset_session,
        fields=fields,
    )


def _has_token(agent: Agent) -> bool:
    return bool(agent.token_sealed or agent.pending_token_sealed)


def _is_unreadable(agent: Agent) -> bool:
    """Whether the agent works with a token of which only the hash is here: it moved in."""
    if _has_token(agent):
        return False
    return agent.token_hash is not None or ImportedToken.objects.filter(agent=agent).exists()


def sync_templates(
    actor: Actor,
    gateway_id: UUID,
    *,
    include_main: bool = True,
    lead_only: bool = False,
    reset_sessions: bool = False,
    rotate_tokens: bool = False,
    overwrite: bool = False,
    board_id: UUID | None = None,
) -> dict[str, Any]:
    """Bring the files of every agent of a gateway up to date; one failure stops no other.

    Raises:
        NotFound: gateway not visible.
        Forbidden: not an admin.
        Conflict: ``sync_running``.
        GatewayUnavailable, RemoteFailed: the gateway cannot be used now.
    """
    gateway: Gateway = Gateway.objects.seen_by(actor, gateway_id)
    authz.authorize(actor, actions.SYNC, gateway)
    rpc.call(gateway.pk, "health", {})
    result: dict[str, Any] = {
        "gateway_id": str(gateway.pk),
        "include_main": include_main,
        "reset_sessions": reset_sessions,
        "agents_updated": 0,
        "agents_skipped": 0,
        "main_updated": False,
        "errors": [],
    }
    with _one_at_a_time(gateway.pk):
        agents = wanted(gateway, include_main=include_main, lead_only=lead_only, board_id=board_id)
        _write_all(
            result, agents, rotate=rotate_tokens, overwrite=overwrite, reset_session=reset_sessions
        )
    if board_id is not None and not _is_here(gateway, board_id):
        result["errors"].append(_error(None, "The board runs on another gateway.", board_id))
    _record(actor, gateway.pk, result)
    return result


def _write_all(
    result: dict[str, Any], agents: list[Agent], *, rotate: bool, overwrite: bool,
    reset_session: bool,
) -> None:  # fmt: skip
    """One agent after the other, until the gateway gives no answer any more."""
    for place, agent in enumerate(agents, 1):
        if not rotate and _is_unreadable(agent):
            _skip(result, [agent], "Its token is not known here; rotate it along (rotate_tokens).")
            continue
        _request(agent.pk, rotate=rotate, overwrite=overwrite, reset_session=reset_session)
        lifecycle.run(agent.pk)
        if _count(result, agent) == "timeout":
            _skip(result, agents[place:], "Skipped: the gateway gave no answer in time.")
            return


def wanted(
    gateway: Gateway, *, include_main: bool, lead_only: bool, board_id: UUID | None
) -> list[Agent]:
    """The agents that a sync means, oldest first."""
    agents = Agent.objects.select_related("board", "gateway").filter(gateway=gateway)
    agents = agents.exclude(status=Agent.Status.DELETING)
    agents = agents.exclude(board__paused=True)
    if lead_only:
        agents = agents.filter(agent_type__in=[Agent.Type.LEAD, Agent.Type.MAIN])
    if not include_main:
        agents = agents.exclude(agent_type=Agent.Type.MAIN)
    if board_id is not None:
        agents = agents.filter(Q(board_id=board_id) | Q(agent_type=Agent.Type.MAIN))
    return list(agents.order_by("created_at", "pk"))


def _is_here(gateway: Gateway, board_id: UUID) -> bool:
    return Agent.objects.filter(gateway=gateway, board_id=board_id).exists()


def _count(result: dict[str, Any], before: Agent) -> str:
    """Count one agent; returns the code of its failure, empty for none."""
    agent = Agent.objects.filter(pk=before.pk).first()
    if agent is None:
        result["agents_skipped"] += 1
        return ""
    if agent.last_provision_error or agent.work in (Agent.Work.PROVISION, Agent.Work.UPDATE):
        result["agents_skipped"] += 1
        text = agent.last_provision_error or "Another worker is setting this agent up."
        result["errors"].append(_error(agent, text, agent.board_id))
        return str(agent.last_provision_code)
    if agent.agent_type == Agent.Type.MAIN:
        result["main_updated"] = True
    else:
        result["agents_updated"] += 1
    return ""


def _skip(result: dict[str, Any], agents: list[Agent], reason: str) -> None:
    """Count agents that are not tried, and say why."""
    result["agents_skipped"] += len(agents)
    result["errors"] += [_error(agent, reason, agent.board_id) for agent in agents]


def _error(agent: Agent | None, message: str, board_id: UUID | None) -> dict[str, Any]:
    return {
        "agent_id": str(agent.pk) if agent else None,
        "agent_name": agent.name if agent else None,
        "board_id": str(board_id) if board_id else None,
        "message": message,
    }


@service
def _record(actor: Actor, gateway_id: UUID, result: dict[str, Any]) -> None:
    gateway = Gateway.objects.get(pk=gateway_id)
    data = {k: v for k, v in result.items() if k != "errors"}
    publish(
        "gateway.templates_synced",
        actor=actor,
        target=gateway,
        organization_id=gateway.organization_id,
        data={**data, "errors": len(result["errors"])},
    )


@contextmanager
def _one_at_a_time(gateway_id: UUID) -> Iterator[None]:
    digest = hashlib.sha256(f"template sync {gateway_id}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        mine = bool(cursor.fetchone()[0])
    if not mine:
        raise Conflict(_("A synchronisation of this gateway is under way."), code="sync_running")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
