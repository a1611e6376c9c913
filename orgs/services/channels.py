"""Channels on which a person wants to be told, and his quiet hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from activity import publish as log
from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.secrets import new_token, seal, unseal
from missioncontrol.kernel.unit import service
from orgs.models import User
from orgs.notices import sending
from orgs.notices.models import Kind, NotificationChannel, NotificationDelivery
from orgs.services import notifications

MOST_CHANNELS = 20
SECRET_PREFIX = "mcs_"  # noqa: S105 - a public prefix, no secret
Type = NotificationChannel.Type
FIELDS = ("name", "address", "secret", "chat_id", "kinds", "is_enabled")


@service
def create_channel(
    actor: UserActor,
    *,
    type: str,  # noqa: A002 - the field's name
    name: str,
    address: str = "",
    secret: str = "",
    chat_id: str = "",
    kinds: Sequence[str] | None = None,
) -> tuple[NotificationChannel, str]:
    """A new channel, and the key of a webhook's signature, which is never shown again.

    Args:
        address: Webhook, Slack: where messages go. Telegram: the bot's server, empty for its own.
        secret: Webhook: key of the signature, empty for a fresh one. Telegram: the bot's token.
        kinds: What is told there; everything without.

    Raises:
        Forbidden: a token that may not do everything itself.
        Invalid: an unknown type or kind, a bad address, or something missing.
        Conflict: ``too_many``, 20 channels are enough.
    """
    _require_whole_scope(actor)
    if type not in Type.values:
        raise Invalid(_("The type is one of email, webhook, slack, telegram."), field="type")
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=actor.id)
    if NotificationChannel.objects.filter(user_id=actor.id).count() >= MOST_CHANNELS:
        raise Conflict(_("20 channels are enough."), code="too_many")
    if type == Type.WEBHOOK and not secret.strip():
        secret = new_token(SECRET_PREFIX)
    channel = NotificationChannel(user_id=actor.id, type=type)
    every = [kind.value for kind in Kind]
    _apply(
        channel,
        {
            "name": name,
            "address": address,
            "secret": secret,
            "chat_id": chat_id,
            "kinds": every if kinds is None else list(kinds),
        },
    )
    channel.save(force_insert=True)
    _publish(actor, "notification_channel.created", channel)
    return channel, secret if type == Type.WEBHOOK else ""


@service
def update_channel(
    actor: UserActor, channel_id: UUID, *, changes: dict[str, Any]
) -> NotificationChannel:
    """Change a channel; an address or secret that is not given stays.

    Raises:
        NotFound: not one's own.
        Forbidden: a token that may not do everything itself.
        Invalid: an unknown kind, a bad address, or something missing.
    """
    _require_whole_scope(actor)
    channel: NotificationChannel = NotificationChannel.objects.open_for(actor, channel_id)
    _apply(channel, {k: v for k, v in changes.items() if k in FIELDS})
    channel.save()
    _publish(actor, "notification_channel.updated", channel)
    return channel


@service
def delete_channel(actor: UserActor, channel_id: UUID) -> None:
    """Take a channel away with what still waits for it.

    Raises:
        NotFound: not one's own.
        Forbidden: a token that may not do everything itself.
    """
    _require_whole_scope(actor)
    channel: NotificationChannel = NotificationChannel.objects.open_for(
        actor, channel_id, for_delete=True
    )
    _publish(actor, "notification_channel.deleted", channel)
    channel.delete()


def test_channel(actor: UserActor, channel_id: UUID) -> NotificationDelivery:
    """Send a test message by a job; its state tells how it went (ruling 44: limited, audited).

    Raises:
        RateLimited: twenty tests within a minute.
        NotFound: not one's own.
        Forbidden: a token that may not do everything itself.
    """
    ratelimit.hit(ratelimit.PROBES, f"channel:{actor.id}")
    return _start_test(actor, channel_id)


@service
def _start_test(actor: UserActor, channel_id: UUID) -> NotificationDelivery:
    _require_whole_scope(actor)
    channel: NotificationChannel = NotificationChannel.objects.open_for(actor, channel_id)
    delivery = NotificationDelivery.objects.create(channel=channel)
    _publish(actor, "notification_channel.tested", channel)
    notifications.wake(delivery.id)
    return delivery


@service
def set_quiet_hours(actor: UserActor, *, begin: time | None, end: time | None) -> User:
    """When channels stay silent, on the clock of the person's time zone; both or none.

    Raises:
        Forbidden: a token that may only read.
        Invalid: only one of the two.
    """
    if actor.scope == "read":
        raise Forbidden(_("This token may only read."))
    if (begin is None) != (end is None):
        raise Invalid(_("Quiet hours have a beginning and an end."), field="quiet_until")
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=actor.id).first()
    if user is None:
        raise NotFound
    user.quiet_from, user.quiet_until = begin, end
    user.save(update_fields=["quiet_from", "quiet_until", "updated_at"])
    return user


def _require_whole_scope(actor: UserActor) -> None:
    if actor.scope != "admin":
        raise Forbidden(_("This token may not manage notification channels."))


def _apply(channel: NotificationChannel, changes: dict[str, Any]) -> None:
    """Put checked values into a channel; nothing is asked of the network."""
    if "name" in changes:
        channel.name = _name(changes["name"])
    if changes.get("address"):
        channel.address_sealed = seal(_address(changes["address"]))
    if changes.get("secret"):
        channel.secret_sealed = seal(str(changes["secret"]).strip()[:500])
    if "chat_id" in changes:
        channel.chat_id = str(changes["chat_id"] or "").strip()[:64]
    if "kinds" in changes:
        channel.kinds = _kinds(changes["kinds"])
    if "is_enabled" in changes:
        channel.is_enabled = bool(changes["is_enabled"])
    channel.hint = _hint(channel)
    _check_complete(channel)


def _name(raw: Any) -> str:
    name = str(raw or "").strip()
    if not 1 <= len(name) <= 120:
        raise Invalid(_("A name has 1 to 120 characters."), field="name")
    return name


def _address(raw: Any) -> str:
    """An absolute address; whether it may be reached is asked when something is sent."""
    text = str(raw).strip()
    refusal = Invalid(_("Enter an address that begins with https:// or http://."), field="address")
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise refusal from None
    if not fits or parts.username or parts.password or len(text) > 2000 or not text.isprintable():
        raise refusal
    return text


def _kinds(raw: Any) -> list[str]:
    wanted = {str(kind) for kind in raw or ()}
    unknown = sorted(wanted - set(Kind.values))
    if unknown:
        text = _("There is no kind %(kind)s.") % {"kind": unknown[0][:40]}
        raise Invalid(text, field="kinds", code="unknown_kind")
    return [kind.value for kind in Kind if kind.value in wanted]


def _hint(channel: NotificationChannel) -> str:
    if channel.type == Type.EMAIL:
        return channel.user.email or ""
    address = unseal(channel.address_sealed)
    if channel.type == Type.TELEGRAM:
        address = address or sending.TELEGRAM
    return (urlsplit(address).hostname or "")[:255]


def _check_complete(channel: NotificationChannel) -> None:
    """Each type has what it needs.

    Raises:
        Invalid: naming the field.
    """
    if channel.type in (Type.WEBHOOK, Type.SLACK) and not channel.address_sealed:
        raise Invalid(_("Enter the address that messages go to."), field="address")
    if channel.type == Type.TELEGRAM and not channel.secret_sealed:
        raise Invalid(_("Enter the token of the bot."), field="secret")
    if channel.type == Type.TELEGRAM and not channel.chat_id:
        raise Invalid(_("Enter the chat that the bot writes to."), field="chat_id")
    if channel.type == Type.EMAIL and not channel.user.email:
        raise Invalid(_("Your account has no e-mail address."), field="type")
    if channel.type == Type.EMAIL and not settings.MAIL_IS_ON:
        raise Invalid(_("No mail server is set in this installation (SMTP_URL)."), field="type")


def _publish(actor: UserActor, event: str, channel: NotificationChannel) -> None:
    if actor.organization_id is not None:
        log.publish(
            event,
            actor=actor,
            target=channel,
            organization_id=actor.organization_id,
            data={"channel_type": channel.type},
        )
