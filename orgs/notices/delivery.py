"""Deliveries: claimed by a lease, held in quiet hours, tried again while the other end is away."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.utils import translation

from missioncontrol.kernel import clock, jobs, leases
from orgs.notices import quiet, sending, words
from orgs.notices.models import Notification, NotificationDelivery
from orgs.services import notifications

log = structlog.get_logger(__name__)
State = NotificationDelivery.State
RETRY_SECONDS = (60, 300, 1500, 7200, 43_200)
BATCH = 200
KEEP = timedelta(days=90)


def deliver(delivery_id: UUID) -> bool:
    """Send one waiting message; ``False`` when another worker has it or it has to wait."""
    owner = leases.owner_name()
    waiting = NotificationDelivery.objects.filter(state=State.WAITING)
    if not leases.claim(waiting, delivery_id, owner):
        return False
    pause: float | None = None
    try:
        with leases.renewing(NotificationDelivery, delivery_id, owner):
            pause = _deliver(delivery_id)
    finally:
        leases.release(NotificationDelivery, delivery_id, owner, retry_in_seconds=pause)
    return pause is None


def _deliver(delivery_id: UUID) -> float | None:
    """Seconds until the next try, ``None`` when it is settled."""
    row = (
        NotificationDelivery.objects.select_related("channel__user", "notification__organization")
        .filter(pk=delivery_id)
        .first()
    )
    if row is None:
        return None
    if not _is_wanted(row):
        notifications.record_delivery(row.pk, state=State.SKIPPED)
        return None
    user = row.channel.user
    if row.notification is not None:
        held = quiet.quiet_until(
            clock.now(),
            begin=user.quiet_from,
            end=user.quiet_until,
            zone=quiet.zone_of(user.timezone),
        )
        if held is not None:
            notifications.take_back_attempt(row.pk)
            return max(1.0, (held - clock.now()).total_seconds())
    with translation.override(user.language or "en"):
        note = row.notification
        message = words.message_of(note) if note else words.test_message(row.pk)
    try:
        sending.send(row.channel, message)
    except sending.NotSent as failure:
        return _failed(row, failure)
    notifications.record_delivery(row.pk, state=State.SENT)
    return None


def _is_wanted(row: NotificationDelivery) -> bool:
    """Whether it still makes sense: nobody decided meanwhile, the person did not read it."""
    if not row.channel.user.is_active:
        return False
    if row.notification is None:
        return True
    return (
        row.channel.is_enabled
        and row.notification.settled_at is None
        and row.notification.read_at is None
    )


def _failed(row: NotificationDelivery, failure: sending.NotSent) -> float | None:
    is_final = failure.is_final or row.notification is None or row.attempts > len(RETRY_SECONDS)
    log.warning("notification.not_sent", delivery=str(row.pk), channel=row.channel.type)
    state = State.FAILED if is_final else State.WAITING
    notifications.record_delivery(row.pk, state=state, error=failure.reason)
    return None if is_final else float(RETRY_SECONDS[max(row.attempts, 1) - 1])


def sweep() -> int:
    """Wake a worker for each due delivery; returns how many."""
    from orgs import jobs as own

    waiting = NotificationDelivery.objects.filter(state=State.WAITING)
    due = list(leases.due(waiting).order_by("created_at").values_list("pk", flat=True)[:BATCH])
    for pk in due:
        jobs.enqueue_now(own.deliver_notification, pk)
    return len(due)


def retain() -> int:
    """Drop notifications older than 90 days."""
    old = Notification.objects.filter(created_at__lt=clock.now() - KEEP)
    return old.delete()[0]
