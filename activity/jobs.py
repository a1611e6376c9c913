"""Work of the event log that nobody waits for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from missioncontrol.kernel import clock, idempotency, jobs
from missioncontrol.kernel.jobs import job

from . import subscribe, tally
from .models import EventStream

log = structlog.get_logger(__name__)


@job("default", timeout_seconds=120)
def drain_streams() -> None:
    """Give listeners what a lost wake-up left behind, and retry what they could not take."""
    subscribe.sweep()


@job("default", timeout_seconds=300)
def forget_idempotency_keys() -> None:
    """Delete stored answers that are older than a day."""
    idempotency.sweep()


@job("default", timeout_seconds=300)
def count_events() -> None:
    """Add the newest events to the tallies that figures are read from."""
    tally.advance_all()


@job("webhooks", timeout_seconds=120)
def deliver_webhooks(endpoint_id: str) -> None:
    """Send what waits for one endpoint."""
    from . import webhook_sending

    jobs.taken(deliver_webhooks, endpoint_id)
    webhook_sending.deliver(UUID(endpoint_id))


@job("default", timeout_seconds=60)
def sweep_webhooks() -> int:
    """Send what a lost wake-up or a pause left waiting."""
    from . import webhook_sending

    return webhook_sending.sweep()


@job("default", timeout_seconds=600)
def prune_webhook_log() -> int:
    """Delete settled deliveries of outbound webhooks that are older than 30 days."""
    from .services import webhooks

    return webhooks.prune()


@job("default", timeout_seconds=3600)
def apply_retention() -> None:
    """Delete events older than ``ACTIVITY_RETENTION_DAYS``; 0 keeps everything, audit stays."""
    days = settings.ACTIVITY_RETENTION_DAYS
    if days > 0:
        purge_older_than(days)


def purge_older_than(days: int) -> int:
    """Delete events older than so many days through the one purge function; returns how many."""
    before = clock.now() - timedelta(days=days)
    organizations: list[UUID] = list(
        EventStream.objects.filter(kind="org").values_list("pk", flat=True)
    )
    removed = 0
    for organization_id in organizations:
        with connection.cursor() as cursor:
            cursor.execute("SELECT activity_purge_events(%s, %s)", [organization_id, before])
            removed += cursor.fetchone()[0]
    if removed:
        log.info("activity.retention", removed=removed, days=days)
    return removed
