"""Own notifications, quiet hours, channels."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework.response import Response

from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.clock import iso
from missioncontrol.kernel.retelling import retold
from orgs.api import notice_schemas as schemas
from orgs.models import User
from orgs.notices import reads, words
from orgs.notices.models import Notification, NotificationChannel, NotificationDelivery
from orgs.services import channels, notifications


def _notification(row: Notification) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "title": words.title_of(row),
        "detail": row.detail or None,
        "organization_id": row.organization_id,
        "subject_id": row.subject_id,
        "url": settings.BASE_URL + words.open_path(row.id),
        "read_at": iso(row.read_at),
        "settled_at": iso(row.settled_at),
        "created_at": iso(row.created_at),
    }


def _channel(row: NotificationChannel) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "name": row.name,
        "hint": row.hint,
        "chat_id": row.chat_id or None,
        "kinds": row.kinds,
        "is_enabled": row.is_enabled,
        "created_at": iso(row.created_at),
    }


def _delivery(row: NotificationDelivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "notification_id": row.notification_id,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": retold(row.last_error) or None,
        "next_attempt_at": iso(row.next_attempt_at),
        "sent_at": iso(row.sent_at),
        "created_at": iso(row.created_at),
    }


class Notifications(ApiView):
    """``/notifications``."""

    @operation(
        tags=["notifications"],
        summary="Own notifications",
        response=list[schemas.NotificationOut],
    )
    def get(self, _request: HttpRequest) -> Response:
        """Newest first, of every organization; ``unread=true`` leaves out what was read."""
        wanted = self.query(schemas.NotificationQuery)
        rows = Notification.objects.visible_to(self.user)
        if wanted.unread is not None:
            rows = rows.filter(read_at__isnull=wanted.unread == "true")
        return self.listing(rows.newest_first(), _notification)

    @operation(
        tags=["notifications"],
        summary="Mark notifications as read",
        request=schemas.NotificationPatch,
        response=schemas.UnreadOut,
    )
    def patch(self, _request: HttpRequest) -> Response:
        """The named ones, or all of them; answers how many stay unread."""
        given = self.read(schemas.NotificationPatch)
        notifications.mark_read(self.user, ids=given.ids, is_read=given.read)
        return ok({"unread": reads.unread_count(self.user)})


class Unread(ApiView):
    """``/notifications/count``."""

    @operation(tags=["notifications"], summary="Unread notifications", response=schemas.UnreadOut)
    def get(self, _request: HttpRequest) -> Response:
        """The number at the bell."""
        return ok({"unread": reads.unread_count(self.user)})


class NotificationSettings(ApiView):
    """``/notifications/settings``."""

    @operation(tags=["notifications"], summary="Quiet hours", response=schemas.QuietOut)
    def get(self, _request: HttpRequest) -> Response:
        """Of the person's own clock."""
        return ok(_quiet(User.objects.get(pk=self.user.id)))

    @operation(
        tags=["notifications"],
        summary="Set quiet hours",
        request=schemas.QuietHours,
        response=schemas.QuietOut,
    )
    def put(self, _request: HttpRequest) -> Response:
        """Both times, or none."""
        given = self.read(schemas.QuietHours)
        user = channels.set_quiet_hours(
            self.user, begin=_plain(given.quiet_from), end=_plain(given.quiet_until)
        )
        return ok(_quiet(user))


def _plain(value: time | None) -> time | None:
    return value.replace(second=0, microsecond=0, tzinfo=None) if value else None


def _quiet(user: User) -> dict[str, Any]:
    return {
        "quiet_from": f"{user.quiet_from:%H:%M}" if user.quiet_from else None,
        "quiet_until": f"{user.quiet_until:%H:%M}" if user.quiet_until else None,
        "timezone": user.timezone or "UTC",
    }


class Channels(ApiView):
    """``/notifications/channels``."""

    @operation(tags=["notifications"], summary="Own channels", response=list[schemas.ChannelOut])
    def get(self, _request: HttpRequest) -> Response:
        """Newest first, without addresses and secrets."""
        rows = NotificationChannel.objects.visible_to(self.user).newest_first()
        return self.listing(rows, _channel)

    @operation(
        tags=["notifications"],
        summary="Add a channel",
        request=schemas.ChannelCreate,
        response=schemas.ChannelOut,
    )
    def post(self, request: HttpRequest) -> Response:
        """A webhook's answer holds the key of its signature, this once."""
        given = self.read(schemas.ChannelCreate)
        row, secret = channels.create_channel(self.user, **given.model_dump())
        shape = {**_channel(row), **({"secret": secret} if secret else {})}
        answer = ok(shape, location=f"{request.path}/{row.id}")
        answer.secret_fields = ("secret",)  # type: ignore[attr-defined]  # kept out of replays
        return answer


class ChannelDetail(ApiView):
    """``/notifications/channels/{id}``."""

    @operation(
        tags=["notifications"],
        summary="Change a channel",
        request=schemas.ChannelPatch,
        response=schemas.ChannelOut,
    )
    def patch(self, _request: HttpRequest, channel_id: UUID) -> Response:
        """Only what is given changes."""
        changes = self.read(schemas.ChannelPatch).given()
        return ok(_channel(channels.update_channel(self.user, channel_id, changes=changes)))

    @operation(tags=["notifications"], summary="Remove a channel")
    def delete(self, _request: HttpRequest, channel_id: UUID) -> Response:
        """What still waits for it is not sent."""
        channels.delete_channel(self.user, channel_id)
        return done()


class ChannelTest(ApiView):
    """``/notifications/channels/{id}/test``."""

    @operation(tags=["notifications"], summary="Try a channel", response={202: schemas.DeliveryOut})
    def post(self, _request: HttpRequest, channel_id: UUID) -> Response:
        """The message is sent by a job; its state stands among the deliveries."""
        return ok(_delivery(channels.test_channel(self.user, channel_id)), status=202)


class ChannelDeliveries(ApiView):
    """``/notifications/channels/{id}/deliveries``."""

    @operation(
        tags=["notifications"],
        summary="Deliveries of a channel",
        response=list[schemas.DeliveryOut],
    )
    def get(self, _request: HttpRequest, channel_id: UUID) -> Response:
        """Newest first, with state, attempts and the last error."""
        channel = NotificationChannel.objects.seen_by(self.user, channel_id)
        rows = NotificationDelivery.objects.filter(channel=channel)
        return self.listing(rows.order_by("-created_at", "-pk"), _delivery)
