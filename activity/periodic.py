"""Periodic work of the event log."""

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic: tuple[Periodic, ...] = (
    Periodic("activity.drain", 5, jobs.drain_streams),
    Periodic("activity.tally", 60, jobs.count_events),
    Periodic("activity.webhooks", 5, jobs.sweep_webhooks),
    Periodic("activity.webhook_log", 86_400, jobs.prune_webhook_log),
    Periodic("activity.idempotency", 3600, jobs.forget_idempotency_keys),
    Periodic("activity.retention", 86_400, jobs.apply_retention),
)
