"""Kinds of events about outbound webhooks and background work."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from .event_type import EventType


def _audited(name: str, sentence: Any, icon: str) -> EventType:
    return EventType(name, sentence, icon, audit=True)


TABLE: tuple[EventType, ...] = (
    _audited("job.retried", _("{actor} put the failed job {target} into its queue"), "refresh"),
    _audited("job.deleted", _("{actor} removed the failed job {target}"), "trash"),
    _audited(
        "delivery.retried",
        _("{actor} gave an event to {target} once more: {outcome}"),
        "refresh",
    ),
    _audited("webhook_endpoint.created", _("{actor} added the outbound webhook {target}"), "plus"),
    _audited(
        "webhook_endpoint.updated", _("{actor} changed the outbound webhook {target}"), "edit"
    ),
    _audited(
        "webhook_endpoint.deleted", _("{actor} removed the outbound webhook {target}"), "trash"
    ),
    _audited(
        "webhook_endpoint.secret_rotated",
        _("{actor} replaced the secret of the outbound webhook {target}"),
        "key",
    ),
    _audited("webhook_endpoint.tested", _("{actor} tested the outbound webhook {target}"), "send"),
    _audited(
        "webhook_endpoint.replayed",
        _("{actor} sent {event_type} to {target} once more"),
        "refresh",
    ),
    _audited(
        "webhook_endpoint.disabled",
        _("The outbound webhook {target} was switched off: {reason}"),
        "alert-triangle",
    ),
)
