"""Bodies and answers of notifications and their channels."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from missioncontrol.kernel.schemas import Input, Name, Output

Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Secret = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Chat = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
KindName = Annotated[str, StringConstraints(max_length=40)]


class NotificationQuery(Input):
    """Which notifications; ``limit`` and ``offset`` as everywhere."""

    unread: Literal["true", "false"] | None = None
    limit: str | None = None
    offset: str | None = None


class NotificationPatch(Input):
    """Which ones were read; all of them without ``ids``."""

    ids: list[UUID] | None = Field(default=None, max_length=200)
    read: bool = True


class QuietHours(Input):
    """Times of the person's own clock; both or none."""

    quiet_from: time | None = None
    quiet_until: time | None = None


class ChannelCreate(Input):
    """A new channel; ``kinds`` absent means everything."""

    type: KindName
    name: Annotated[Name, StringConstraints(max_length=120)]
    address: Address = ""
    secret: Secret = ""
    chat_id: Chat = ""
    kinds: list[KindName] | None = Field(default=None, max_length=20)


class ChannelPatch(Input):
    """Changes; an address or secret that is not given stays."""

    name: Annotated[Name, StringConstraints(max_length=120)] = ""
    address: Address = ""
    secret: Secret = ""
    chat_id: Chat = ""
    kinds: list[KindName] = Field(default_factory=list, max_length=20)
    is_enabled: bool = True


class NotificationOut(Output):
    """A notification; ``url`` leads to what it is about, after a sign-in."""

    id: UUID
    kind: str
    title: str
    detail: str | None
    organization_id: UUID
    subject_id: UUID | None
    url: str
    read_at: datetime | None
    settled_at: datetime | None
    created_at: datetime


class UnreadOut(Output):
    """How many are unread."""

    unread: int


class QuietOut(Output):
    """Quiet hours and the time zone that they are told in."""

    quiet_from: str | None
    quiet_until: str | None
    timezone: str


class ChannelOut(Output):
    """A channel without its address; ``secret`` in the answer to its creation only."""

    id: UUID
    type: str
    name: str
    hint: str
    chat_id: str | None
    kinds: list[str]
    is_enabled: bool
    secret: str | None = None
    created_at: datetime


class DeliveryOut(Output):
    """The way of one message; without a notification it was a test."""

    id: UUID
    notification_id: UUID | None
    state: str
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    sent_at: datetime | None
    created_at: datetime
