"""Telling people: one notification per event and person, one delivery per channel that wants it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import F

from activity.subscribe import EventView
from missioncontrol.kernel import clock, jobs
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid
from missioncontrol.kernel.unit import service
from orgs.notices.models import (
    Kind,
    Notification,
    NotificationChannel,
    NotificationDelivery,
)

#: Faults of the same thing that nobody looked at yet are told once in this time.
REPEAT_AFTER = timedelta(hours=1)
REPEATED = (Kind.AGENT_FAILED, Kind.GATEWAY_DOWN)
State = NotificationDelivery.State


@service
def notify(
    event: EventView,
    *,
    kind: Kind,
    user_ids: Collection[UUID],
    path: str,
    subject: str = "",
    detail: str = "",
) -> int:
    """Tell people of an event; a second call for the same event tells nobody again.

    Args:
        path: Page behind it, without a secret.
        subject: What it is about, instead of the event's target.
        detail: Some words of it; cut to 500 characters.
    """
    wanted = sorted(set(user_ids) - _told_lately(event, kind))
    rows = [
        Notification(
            organization_id=event.organization_id,
            user_id=user_id,
            kind=kind,
            event_id=event.id,
            subject_id=event.target_id,
            subject=(subject or event.target_title)[:500],
            actor_name=event.actor_name[:200],
            detail=" ".join(detail.split())[:500],
            path=path[:300],
        )
        for user_id in wanted
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    made = {row.id for row in rows}
    stored = Notification.objects.filter(pk__in=made)
    return _deliver_all(list(stored), kind)


def _told_lately(event: EventView, kind: Kind) -> set[UUID]:
    if kind not in REPEATED or event.target_id is None:
        return set()
    unread = Notification.objects.filter(
        kind=kind,
        subject_id=event.target_id,
        read_at__isnull=True,
        created_at__gt=clock.now() - REPEAT_AFTER,
    )
    return set(unread.exclude(event_id=event.id).values_list("user_id", flat=True))


def _deliver_all(rows: Sequence[Notification], kind: Kind) -> int:
    by_user = {row.user_id: row for row in rows}
    channels = NotificationChannel.objects.filter(
        user_id__in=list(by_user), is_enabled=True, kinds__contains=[kind.value]
    )
    deliveries = [
        NotificationDelivery(notification=by_user[channel.user_id], channel=channel)
        for channel in channels
    ]
    NotificationDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    for delivery in deliveries:
        wake(delivery.id)
    return len(rows)


def wake(delivery_id: UUID) -> None:
    """Let a worker send it once this change is committed."""
    from orgs import jobs as own

    jobs.enqueue(own.deliver_notification, delivery_id)


@service
def settle(subject_ids: Collection[UUID]) -> int:
    """What was asked is decided: it asks nobody any more, and what still waits is not sent."""
    now = clock.now()
    open_rows = Notification.objects.filter(
        subject_id__in=list(subject_ids), kind=Kind.APPROVAL_WAITING, settled_at__isnull=True
    )
    return int(open_rows.update(settled_at=now, read_at=now))


@service
def mark_read(actor: UserActor, *, ids: Sequence[UUID] | None, is_read: bool = True) -> int:
    """Mark one's own notifications, all of them without ``ids``; strangers' are passed over.

    Raises:
        Forbidden: a token that may only read.
        Invalid: more than 200 ids.
    """
    if actor.scope == "read":
        raise Forbidden
    if ids is not None and len(ids) > 200:
        raise Invalid(field="ids")
    rows = Notification.objects.visible_to(actor)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    if is_read:
        return int(rows.filter(read_at__isnull=True).update(read_at=clock.now()))
    return int(rows.filter(read_at__isnull=False, settled_at__isnull=True).update(read_at=None))


@service
def record_delivery(delivery_id: UUID, *, state: str, error: str = "") -> None:
    """Note how a message went: sent, to be tried again, given up, or not needed any more."""
    NotificationDelivery.objects.filter(pk=delivery_id).update(
        state=state,
        last_error=error[:300],
        sent_at=clock.now() if state == State.SENT else None,
    )


@service
def take_back_attempt(delivery_id: UUID) -> None:
    """Waiting for the end of quiet hours was no attempt."""
    rows = NotificationDelivery.objects.filter(pk=delivery_id, attempts__gt=0)
    rows.update(attempts=F("attempts") - 1)
