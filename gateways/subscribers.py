"""What gateways do when something happened elsewhere."""

from __future__ import annotations

from uuid import UUID

from activity.subscribe import EventView, subscribe

from . import services


def _answer_waits(event: EventView) -> None:
    """A command that a gateway holds was decided or expired: its link sends the answer."""
    gateway_id = event.data.get("gateway_id")
    if gateway_id and event.data.get("answer_state") == "answer_pending":
        services.ring_for_answer(UUID(str(gateway_id)))


subscribe(("approval.resolved", "approval.expired"), _answer_waits, inside=True)
