"""A notification as words, in the active language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orgs.notices.models import Kind, Notification

TITLES: Mapping[str, Any] = {
    Kind.APPROVAL_WAITING: gettext_lazy("%(actor)s asks for your approval: %(subject)s"),
    Kind.MENTION: gettext_lazy("%(actor)s mentions you on %(subject)s"),
    Kind.AGENT_FAILED: gettext_lazy("The agent %(subject)s needs care"),
    Kind.GATEWAY_DOWN: gettext_lazy("The gateway %(subject)s is down"),
    Kind.INVITE: gettext_lazy("%(actor)s invites you to %(subject)s"),
}
ICONS: Mapping[str, str] = {
    Kind.APPROVAL_WAITING: "checkup-list",
    Kind.MENTION: "message-circle",
    Kind.AGENT_FAILED: "robot",
    Kind.GATEWAY_DOWN: "plug-connected-x",
    Kind.INVITE: "user-plus",
}
ACTIONS: Mapping[str, Any] = {
    Kind.APPROVAL_WAITING: gettext_lazy("Decide now"),
    Kind.MENTION: gettext_lazy("Open the task"),
    Kind.AGENT_FAILED: gettext_lazy("Open the agent"),
    Kind.GATEWAY_DOWN: gettext_lazy("Open the gateway"),
    Kind.INVITE: gettext_lazy("Open the invitation"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends: plain texts, no secret, one link that asks for a sign-in."""

    id: UUID
    kind: str
    title: str
    detail: str
    action: str
    url: str
    organization_id: UUID | None
    organization: str
    subject_id: UUID | None


def title_of(row: Notification) -> str:
    """The notification as one sentence."""
    words = {"actor": row.actor_name or _("Somebody"), "subject": row.subject}
    return str(TITLES[row.kind]) % words


def open_path(row_id: UUID) -> str:
    """Page that marks it as read and leads on to what it is about."""
    return f"/notifications/{row_id}/open"


def message_of(row: Notification) -> Message:
    """The notification as a channel sends it; ``organization`` must be loaded."""
    return Message(
        id=row.id,
        kind=row.kind,
        title=title_of(row),
        detail=row.detail,
        action=str(ACTIONS[row.kind]),
        url=settings.BASE_URL + open_path(row.id),
        organization_id=row.organization_id,
        organization=row.organization.name,
        subject_id=row.subject_id,
    )


def test_message(delivery_id: UUID) -> Message:
    """What a person gets who tries a channel."""
    return Message(
        id=delivery_id,
        kind="test",
        title=_("This is a test from Mission Control."),
        detail=_("The channel works."),
        action=_("Open the settings"),
        url=f"{settings.BASE_URL}/settings/notifications",
        organization_id=None,
        organization="",
        subject_id=None,
    )
