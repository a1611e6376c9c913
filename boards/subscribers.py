"""What boards do when something happened elsewhere."""

from __future__ import annotations

from uuid import UUID

from activity.subscribe import EventView, subscribe
from boards.services import grants
from missioncontrol.kernel.actors import SystemActor


def _member_left(event: EventView) -> None:
    """A removed member keeps no grant."""
    user_id = event.data.get("user_id")
    if user_id:
        who = SystemActor("membership ended", event.organization_id)
        grants.withdraw_grants(who, event.organization_id, UUID(str(user_id)))


def register() -> None:
    """Join the transactions in which members leave."""
    subscribe(("member.removed", "member.left"), _member_left, inside=True)
