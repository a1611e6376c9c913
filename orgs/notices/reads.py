"""Notifications as people see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from missioncontrol.kernel.actors import UserActor
from orgs.notices import words
from orgs.notices.models import Notification, NotificationChannel, NotificationDelivery

LAST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list."""

    id: UUID
    glyph: str
    title: str
    detail: str
    organization: str
    at: datetime
    is_read: bool
    is_settled: bool


def lines_of(rows: Iterable[Notification]) -> list[Line]:
    """Notifications in the given order; ``organization`` must be loaded."""
    return [
        Line(
            id=row.id,
            glyph=words.ICONS[row.kind],
            title=words.title_of(row),
            detail=row.detail,
            organization=row.organization.name,
            at=row.created_at,
            is_read=row.read_at is not None,
            is_settled=row.settled_at is not None,
        )
        for row in rows
    ]


def unread_count(who: UserActor) -> int:
    """How many the person has not looked at."""
    return int(Notification.objects.visible_to(who).filter(read_at__isnull=True).count())


def shell(_request: HttpRequest, who: UserActor) -> dict[str, Any]:
    """The bell's number."""
    return {"unread_notifications": unread_count(who)}


def channels_of(who: UserActor) -> list[tuple[NotificationChannel, list[NotificationDelivery]]]:
    """The person's channels, each with its last deliveries; two queries."""
    channels = list(
        NotificationChannel.objects.visible_to(who).select_related("user").order_by("created_at")
    )
    last: dict[UUID, list[NotificationDelivery]] = {channel.id: [] for channel in channels}
    recent = NotificationDelivery.objects.filter(channel__user_id=who.id)
    for row in recent.select_related("notification").order_by("-created_at", "-pk")[:200]:
        if len(last[row.channel_id]) < LAST_SHOWN:
            last[row.channel_id].append(row)
    return [(channel, last[channel.id]) for channel in channels]
