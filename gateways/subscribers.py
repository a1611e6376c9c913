"""What gateways do when something happened elsewhere."""

from __future__ import annotations

from uuid import UUID

from activity.subscribe import EventView, subscribe

from . import records, services
from .models import Gateway


def _answer_waits(event: EventView) -> None:
    """A command that a gateway holds was decided or expired: its link sends the answer."""
    gateway_id = event.data.get("gateway_id")
    if gateway_id and event.data.get("answer_state") == "answer_pending":
        services.ring_for_answer(UUID(str(gateway_id)))


def agent_reached_us(event: EventView) -> None:
    """A check-in proves that agents of that gateway can call our address."""
    unproven = Gateway.objects.filter(agents=event.target_id, agents_reach_us_at__isnull=True)
    for pk in unproven.values_list("pk", flat=True):
        records.note_proof(pk)


subscribe(("approval.resolved", "approval.expired"), _answer_waits, inside=True)
subscribe("agent.checked_in", agent_reached_us)
