"""Writing a group's new heartbeat to its gateways: one configuration patch for each.

No transaction is open meanwhile. What could not be written now is written by the sweep.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection

from missioncontrol.kernel import jobs
from missioncontrol.kernel.errors import DomainError

from . import jobs as own_jobs
from . import sweeps
from .models import Agent

log = structlog.get_logger(__name__)
#: So long an answer waits for gateways; the rest is left to the sweep.
PATIENCE_SECONDS = 20.0


class Written(NamedTuple):
    """Agents whose gateway has the new heartbeat, and those whose gateway gets it later."""

    updated: list[UUID]
    failed: list[UUID]


def write(agent_ids: Sequence[UUID]) -> Written:
    """Bring the agents' heartbeats to their gateways.

    An agent without a gateway counts as updated: there is nothing to write yet. Inside an open
    transaction no gateway is called; workers do it after the commit.
    """
    if connection.in_atomic_block:
        for gateway_id in _gateways(_waiting(agent_ids)):
            jobs.enqueue(own_jobs.sync_heartbeats, gateway_id)
        return _outcome(agent_ids)
    end = time.monotonic() + PATIENCE_SECONDS
    for gateway_id in _gateways(agent_ids):
        if time.monotonic() > end:
            break
        _write_to(gateway_id, agent_ids, end)
    return _outcome(agent_ids)


def _outcome(agent_ids: Sequence[UUID]) -> Written:
    waiting = set(_waiting(agent_ids))
    return Written(
        [pk for pk in agent_ids if pk not in waiting], [pk for pk in agent_ids if pk in waiting]
    )


def _write_to(gateway_id: UUID, agent_ids: Sequence[UUID], end: float) -> None:
    """One patch after the other until none of these agents waits; a large gateway takes several."""
    try:
        while sweeps.sync_heartbeats(gateway_id) and time.monotonic() < end:
            here = Agent.objects.filter(pk__in=_waiting(agent_ids), gateway_id=gateway_id)
            if not here.filter(provisioned_at__isnull=False).exists():
                return
    except DomainError as refusal:
        log.info("group_heartbeat.failed", gateway=str(gateway_id), code=refusal.machine_code)


def _gateways(agent_ids: Sequence[UUID]) -> list[UUID]:
    agents = Agent.objects.filter(pk__in=agent_ids, gateway__isnull=False)
    ids = agents.order_by("gateway_id").values_list("gateway_id", flat=True).distinct()
    return [pk for pk in ids if pk is not None]


def _waiting(agent_ids: Sequence[UUID]) -> list[UUID]:
    agents = Agent.objects.filter(pk__in=agent_ids, heartbeat_sync_pending=True)
    return list(agents.filter(gateway__isnull=False).values_list("pk", flat=True))
