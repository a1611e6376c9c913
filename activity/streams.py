"""Truth of the two topics for the hub: numbers and frames from the event log."""

from __future__ import annotations

from uuid import UUID

from channels.db import database_sync_to_async

from missioncontrol.kernel import hub

from . import frames
from .models import ActivityEvent, EventStream


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
def heads(ids: list[UUID]) -> dict[UUID, int]:
    """Last number of each stream that exists."""
    return dict(EventStream.objects.filter(pk__in=ids).values_list("pk", "last_seq"))


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
def load_board(board_id: UUID, after: int, limit: int) -> list[hub.Frame]:
    """Frames of a board after a number, in order."""
    rows = ActivityEvent.objects.filter(board_id=board_id, board_seq__gt=after)
    return [
        hub.Frame(row.board_seq or 0, frames.board_frame(row))
        for row in rows.order_by("board_seq")[:limit]
    ]


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels is untyped
def load_organization(organization_id: UUID, after: int, limit: int) -> list[hub.Frame]:
    """Frames of an organization after a number, in order."""
    rows = ActivityEvent.objects.filter(organization_id=organization_id, seq__gt=after)
    return [
        hub.Frame(row.seq, frames.org_frame(row), frames.scope_of(row))
        for row in rows.order_by("seq")[:limit]
    ]


def register() -> None:
    """Register both sources."""
    hub.register_source("board", hub.Source(heads, load_board))
    hub.register_source("org", hub.Source(heads, load_organization))
