"""Which events tell whom. Everything here runs after commit and may run twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from activity.subscribe import EventView, subscribe
from missioncontrol.kernel import clock
from orgs import board_access
from orgs.models import Invite, Membership, User
from orgs.notices.models import Kind
from orgs.services import notifications

#: Older events are history: a listener that is new to an installation reads all of it.
NEWS_FOR = timedelta(days=1)
DOWN = frozenset({"offline", "error"})
SETTLED = (
    "approval.resolved", "approval.cancelled", "approval.expired", "approval.decided_elsewhere",
)  # fmt: skip
FAILED = ("agent.provision_failed", "agent.delete_failed", "agent.offline")


def _is_news(event: EventView) -> bool:
    return clock.now() - event.at < NEWS_FOR


def _admins(organization_id: UUID) -> set[UUID]:
    rows = Membership.objects.filter(organization_id=organization_id, role__in=("admin", "owner"))
    return set(rows.filter(user__is_active=True).values_list("user_id", flat=True))


def _without_actor(event: EventView, people: Iterable[UUID]) -> set[UUID]:
    """Nobody is told what he did himself."""
    return {pk for pk in people if event.actor_kind != "user" or pk != event.actor_id}


def approval_requested(event: EventView) -> None:
    """Whoever may decide it: those who write on its board, admins where it has none."""
    if not _is_news(event):
        return
    if event.board_id is None:
        people = _admins(event.organization_id)
    else:
        people = board_access.people_of(event.organization_id, event.board_id, "write")
    notifications.notify(
        event,
        kind=Kind.APPROVAL_WAITING,
        user_ids=_without_actor(event, people),
        path=f"/approvals?show=all&open={event.target_id}",
    )


def approval_settled(event: EventView) -> None:
    """It waits for nobody any more."""
    if event.target_id is not None:
        notifications.settle([event.target_id])


def commented(event: EventView) -> None:
    """People mentioned by the first part of their address or by how they are called."""
    handles = set(event.data.get("mentions") or [])
    if not handles or not _is_news(event) or event.board_id is None:
        return
    readers = board_access.people_of(event.organization_id, event.board_id, "read")
    named = {
        user.id for user in User.objects.filter(pk__in=readers, is_active=True)
        if handles & handles_of(user)
    }  # fmt: skip
    notifications.notify(
        event,
        kind=Kind.MENTION,
        user_ids=_without_actor(event, named),
        path=f"/boards/{event.board_id}?task={event.task_id}",
        detail=str(event.data.get("excerpt") or ""),
    )


def handles_of(user: User) -> set[str]:
    """How a person can be mentioned, in lower case."""
    local = (user.email or "").partition("@")[0]
    first = user.preferred_name.split()[:1]
    return {text.lower() for text in (local, user.preferred_name, *first) if text}


def agent_failed(event: EventView) -> None:
    """Admins care for agents."""
    if _is_news(event):
        notifications.notify(
            event,
            kind=Kind.AGENT_FAILED,
            user_ids=_admins(event.organization_id),
            path=f"/agents/{event.target_id}",
            detail=str(event.data.get("reason") or ""),
        )


def gateway_changed(event: EventView) -> None:
    """Admins care for gateways; only a turn for the worse is told."""
    turned = event.data.get("status") in DOWN and event.data.get("previous") not in DOWN
    if turned and _is_news(event):
        notifications.notify(
            event,
            kind=Kind.GATEWAY_DOWN,
            user_ids=_admins(event.organization_id),
            path=f"/gateways/{event.target_id}",
        )


def invited(event: EventView) -> None:
    """A person who has an account of that verified address already."""
    invite = Invite.objects.pending().select_related("organization").filter(pk=event.target_id)
    found = invite.first()
    if found is None or not _is_news(event):
        return
    people = User.objects.filter(
        email__iexact=found.invited_email, email_verified=True, is_active=True
    )
    notifications.notify(
        event,
        kind=Kind.INVITE,
        user_ids=set(people.values_list("pk", flat=True)),
        path="",
        subject=found.organization.name,
    )


def register() -> None:
    """Listen, after commit."""
    subscribe(("approval.requested", "approval.reopened"), approval_requested)
    subscribe(SETTLED, approval_settled)
    subscribe("task.commented", commented)
    subscribe(FAILED, agent_failed)
    subscribe("gateway.status_changed", gateway_changed)
    subscribe("invite.created", invited)
