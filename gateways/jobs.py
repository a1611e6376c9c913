"""Jobs of gateways: doctor runs, the periodic round, history."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Q
from django.db.models.functions import Now

from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import DomainError, NotFound
from missioncontrol.kernel.jobs import enqueue_now, job

from . import cleanup, doctor, records, rules
from .models import Gateway

log = structlog.get_logger(__name__)
ROUND_BATCH = 200


@job("gateway", timeout_seconds=120)
def check_gateway(gateway_id: str) -> None:
    """Run the doctor for one gateway."""
    try:
        doctor.check_gateway(SystemActor("gateway check"), UUID(gateway_id))
    except NotFound:
        return
    except DomainError as refusal:
        log.info("gateway.not_checked", gateway=gateway_id, code=refusal.machine_code)


@job("default", timeout_seconds=60)
def check_due() -> int:
    """Start a check for every gateway whose time has come; returns how many.

    A gateway whose permanent connection is up proves itself every minute over that connection.
    """
    linked = Q(lease__is_online=True, lease__until__gt=Now())
    due = Gateway.objects.filter(
        Q(next_check_at__isnull=True) | Q(next_check_at__lte=Now())
    ).exclude(status=Gateway.Status.REVOKED)
    ids = list(due.exclude(linked).order_by("pk").values_list("pk", flat=True)[:ROUND_BATCH])
    for pk in ids:
        if _claim(pk):
            enqueue_now(check_gateway, pk)
    return len(ids)


def _claim(pk: UUID) -> bool:
    """Move the next look ahead, so that a slow queue does not pile the same check up."""
    ahead = clock.now() + timedelta(seconds=rules.CHECK_SECONDS)
    free = Gateway.objects.filter(pk=pk).filter(
        Q(next_check_at__isnull=True) | Q(next_check_at__lte=Now())
    )
    return bool(free.update(next_check_at=ahead))


@job("gateway", timeout_seconds=300)
def clean_up(cleanup_id: str) -> None:
    """Delete our agents at a gateway that was removed."""
    cleanup.run(UUID(cleanup_id))


@job("gateway", timeout_seconds=600)
def sweep_cleanups() -> int:
    """Try again what a removed gateway could not be reached for."""
    return cleanup.sweep()


@job("default", timeout_seconds=300)
def prune_history() -> int:
    """Delete marks of the history strip that are older than 30 days."""
    return records.prune_history()
