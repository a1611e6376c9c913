"""Events that a listener could not take."""

from __future__ import annotations

from typing import Any

from activity import actions, subscribe
from activity.models import EventDelivery
from activity.publish import Target, publish
from missioncontrol.kernel.actors import Actor, UserActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import NotFound
from missioncontrol.kernel.unit import service


def visible_to(actor: Actor) -> Any:
    """Parked events of the organizations that the person administers."""
    rows = EventDelivery.objects.exclude(status=EventDelivery.Status.DONE)
    if isinstance(actor, UserActor):
        admin_of = [o for o in actor.memberships if actor.is_admin_in(o)]
        return rows.filter(event__organization_id__in=admin_of)
    return rows if actor.kind == "system" else rows.none()


def retry_delivery(actor: Actor, delivery_id: int) -> bool:
    """Give a parked event to its listener now; tells whether it was taken.

    Raises:
        NotFound: not visible, or taken already.
        Forbidden: a token that may only read.
    """
    row = visible_to(actor).select_related("event").filter(pk=delivery_id).first()
    if row is None:
        raise NotFound
    authorize(actor, actions.RETRY_DELIVERY, row.event)
    taken = bool(subscribe.try_again([row.pk]))
    _note(actor, row, "taken" if taken else "refused")
    return taken


@service
def _note(actor: Actor, row: EventDelivery, outcome: str) -> None:
    publish(
        "delivery.retried",
        actor=actor,
        target=Target("listener", None, row.listener),
        organization_id=row.event.organization_id,
        data={"event_id": str(row.event_id), "outcome": outcome},
    )
