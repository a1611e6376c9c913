"""Filters of the feed: the query's words, and what they mean for the event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from activity import types
from activity.api import shapes
from governance.models import ApprovalTask
from missioncontrol.kernel.errors import Invalid
from missioncontrol.kernel.schemas import EARLIEST, LATEST, UtcTime, _no_nul

#: Beginnings of stored types per resource type of the feed.
NOUNS: Mapping[str, tuple[str, ...]] = {
    "organization": ("organization",),
    "member": ("member",),
    "invite": ("invite",),
    "board_group": ("board_group",),
    "board": ("board",),
    "task": ("task",),
    "comment": ("task.comment",),
    "approval": ("approval",),
    "agent": ("agent",),
    "gateway": ("gateway",),
    "webhook": ("webhook",),
    "webhook_endpoint": ("webhook_endpoint",),
    "job": ("job",),
    "execution": ("execution",),
    "tag": ("tag",),
    "custom_field": ("custom_field",),
    "skill": ("skill",),
    "skill_pack": ("skill_pack",),
    "budget": ("budget",),
    "user": ("user",),
    "session": ("auth",),
    "passkey": ("auth.passkey",),
    "token": ("token",),
    "notification_channel": ("notification_channel",),
    "listener": ("delivery",),
}
#: First words of event types that other parts of the product may record.
_FIRST_WORDS = {noun.split(".")[0] for nouns in NOUNS.values() for noun in nouns} | {"org", "pack"}


def _blank_is_absent(raw: Any) -> Any:
    return None if raw == "" else raw


MaybeId = Annotated[UUID | None, BeforeValidator(_blank_is_absent)]
MaybeTime = Annotated[UtcTime | None, BeforeValidator(_blank_is_absent)]
Word = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_no_nul)
]


class FeedQuery(BaseModel):
    """The feed's query string; ``limit`` and ``offset`` are read with every list."""

    model_config = ConfigDict(extra="ignore")

    resource_type: Word = ""
    resource_id: MaybeId = None
    event_type: Word = ""
    actor_type: Word = ""
    actor_id: MaybeId = None
    board_id: MaybeId = None
    task_id: MaybeId = None
    agent_id: MaybeId = None
    since: MaybeTime = None
    until: MaybeTime = None
    q: Word = ""

    @property
    def names_a_row(self) -> bool:
        """An id decides its own organization; without one the active organization does."""
        ids = (self.resource_id, self.actor_id, self.board_id, self.task_id, self.agent_id)
        return any(ids)

    @property
    def is_empty(self) -> bool:
        """Nothing is filtered."""
        texts = (self.resource_type, self.event_type, self.actor_type, self.q)
        return not (self.names_a_row or any(texts) or self.since or self.until)

    @property
    def only_board(self) -> UUID | None:
        """The board, when nothing else is filtered."""
        others = self.model_copy(update={"board_id": None})
        return self.board_id if others.is_empty else None

    def condition(self) -> Q:
        """Everything together.

        Raises:
            Invalid: a resource type or event type that does not exist.
        """
        found = Q()
        if self.resource_type:
            found &= self._resource()
        elif self.resource_id:
            found &= Q(target_id=self.resource_id)
        if self.event_type:
            found &= _event_type(self.event_type)
        if self.actor_type:
            found &= _actor_type(self.actor_type.lower())
        if self.agent_id:
            found &= Q(agent_id=self.agent_id) | Q(actor_id=self.agent_id)
        for name in ("actor_id", "board_id", "task_id"):
            if getattr(self, name):
                found &= Q(**{name: getattr(self, name)})
        return found & self._period() & self._text()

    def _period(self) -> Q:
        found = Q()
        if self.since:
            found &= Q(at__gte=self.since)
        if self.until:
            found &= Q(at__lte=self.until)
        return found

    def _text(self) -> Q:
        if not self.q:
            return Q()
        return Q(target_title__icontains=self.q) | Q(actor_name__icontains=self.q)

    def _resource(self) -> Q:
        nouns = NOUNS.get(self.resource_type)
        if nouns is None:
            raise _unknown("resource_type")
        if self.resource_type == "task" and self.resource_id:
            return _of_task(self.resource_id)
        if self.resource_id:
            return Q(target_id=self.resource_id) & Q(type__in=_names(nouns))
        if self.resource_type == "task":
            nouns = (*nouns, "approval")
        return Q(type__in=_names(nouns))


def _names(nouns: tuple[str, ...]) -> list[str]:
    """Stored types that begin with one of the words."""
    return sorted(
        name
        for name in types.TYPES
        if any(name.startswith(f"{n}." if "." not in n else n) for n in nouns)
    )


def _of_task(task_id: UUID) -> Q:
    """Events of a task, its comments and the approvals that name it."""
    approvals = ApprovalTask.objects.filter(task_id=task_id).values_list("approval_id", flat=True)
    found = Q(task_id=task_id) | Q(target_id=task_id)
    linked = list(approvals[:1000])
    return found | Q(target_id__in=linked) if linked else found


def _event_type(wire: str) -> Q:
    """Types by their name on the wire; ``approval.approved`` is a resolved one of that status."""
    prefix, dot, status = wire.partition(".")
    if prefix == "approval" and status in ("approved", "rejected"):
        return Q(type="approval.resolved", data__status=status)
    names = types.names_for_wire(wire)
    if not names and (not dot or prefix not in _FIRST_WORDS):
        raise _unknown("event_type")
    return Q(type__in=sorted(names))


def _unknown(name: str) -> Invalid:
    return Invalid(
        _("%(name)s is not known.") % {"name": name},
        errors=[{"loc": ["query", name], "msg": "not known", "type": "unknown_value"}],
    )


def parse_moment(raw: str) -> datetime | None:
    """A moment as people write it, in UTC; naive is UTC; ``None`` when it is none.

    The database takes no offset of sixteen hours and more; what lies outside of the calendar is
    its first or last day.
    """
    try:
        found = parse_datetime(raw.strip())
    except ValueError:
        return None
    if found is None:
        return None
    moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


def _actor_type(wanted: str) -> Q:
    """Events of a kind of actor; webhooks are stored as a system actor of that name."""
    webhook = Q(actor_kind="system", actor_name=shapes.WEBHOOK)
    if wanted == shapes.WEBHOOK:
        return webhook
    return Q(actor_kind=wanted) & ~webhook if wanted == "system" else Q(actor_kind=wanted)
