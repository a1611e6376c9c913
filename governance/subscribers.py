"""What governance does when something happened elsewhere."""

from __future__ import annotations

from activity.subscribe import EventView, subscribe
from missioncontrol.kernel.actors import SystemActor

from . import services


def _board_deleted(event: EventView) -> None:
    """Requests of a deleted board go with it."""
    if event.target_id is not None:
        services.forget_board(SystemActor("board deleted"), event.target_id)


subscribe("board.deleted", _board_deleted, inside=True)
