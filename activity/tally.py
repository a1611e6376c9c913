"""Counts of events about tasks per board and quarter of an hour, for figures over long ranges.

Events are numbered without gaps in the order of their commits, so "counted up to number n" is
exact: a reader adds the tallies and the few events after n. Borders of days and hours fall on
quarters of an hour in every time zone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from .models import EventStream, TallyHead

SLOT = timedelta(minutes=15)
BATCH = 100_000
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)

_ADD = """
INSERT INTO activity_eventtally AS held (organization_id, board_id, slot, events, failed)
SELECT organization_id, board_id,
       date_bin('15 minutes', at, TIMESTAMPTZ '2000-01-01 00:00:00+00') AS slot,
       count(*), count(*) FILTER (WHERE type LIKE '%%failed')
FROM activity_activityevent
WHERE organization_id = %s AND seq > %s AND seq <= %s
  AND task_id IS NOT NULL AND board_id IS NOT NULL
GROUP BY organization_id, board_id, slot
ORDER BY board_id, slot
ON CONFLICT (board_id, slot) DO UPDATE
SET events = held.events + EXCLUDED.events, failed = held.failed + EXCLUDED.failed
"""

_HEAD = "coalesce((SELECT seq FROM activity_tallyhead WHERE organization_id = %(organization)s), 0)"
_LIVE = f"""
SELECT at, 1 AS events, CASE WHEN type LIKE '%%failed' THEN 1 ELSE 0 END AS failed
FROM activity_activityevent
WHERE organization_id = %(organization)s AND task_id IS NOT NULL AND board_id = ANY(%(boards)s)
  AND seq > {_HEAD} AND at >= %(first)s
"""  # noqa: S608 - constant text
_COUNTED = """
SELECT slot AS at, events, failed FROM activity_eventtally
WHERE board_id = ANY(%(boards)s) AND slot >= %(first)s AND slot <> ALL(%(cut)s)
"""
#: A quarter of an hour through which a border runs is counted event by event.
_CUT = f"""
SELECT at, 1, CASE WHEN type LIKE '%%failed' THEN 1 ELSE 0 END
FROM activity_activityevent
WHERE organization_id = %(organization)s AND task_id IS NOT NULL AND board_id = ANY(%(boards)s)
  AND seq <= {_HEAD} AND at >= %(cut_{{n}})s AND at < %(cut_{{n}})s + interval '15 minutes'
"""  # noqa: S608 - constant text


class Count(NamedTuple):
    """Events of one stretch of time."""

    events: int
    failed: int


def slot_of(moment: datetime) -> datetime:
    """Beginning of the quarter of an hour that holds a moment."""
    return _ORIGIN + (moment - _ORIGIN) // SLOT * SLOT


def advance_all() -> int:
    """Bring every organization's tallies up to date; returns how many were behind."""
    head = TallyHead.objects.filter(organization_id=OuterRef("id")).values("seq")[:1]
    behind = (
        EventStream.objects.filter(kind="org")
        .annotate(counted=Coalesce(Subquery(head), 0))
        .filter(last_seq__gt=F("counted"))
        .values_list("id", flat=True)
    )
    organizations: list[UUID] = list(behind)
    for organization_id in organizations:
        while advance(organization_id):
            pass
    return len(organizations)


@transaction.atomic
def advance(organization_id: UUID) -> int:
    """Count the next batch of events; 0 when nothing is left or another worker counts."""
    TallyHead.objects.bulk_create(
        [TallyHead(organization_id=organization_id)], ignore_conflicts=True
    )
    head = (
        TallyHead.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        .filter(pk=organization_id)
        .first()
    )
    last = EventStream.objects.filter(pk=organization_id).values_list("last_seq", flat=True).first()
    if head is None or last is None or last <= head.seq:
        return 0
    until = min(last, head.seq + BATCH)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [organization_id, head.seq, until])
    counted, head.seq = until - head.seq, until
    head.save(update_fields=["seq"])
    return counted


def counts(
    organization_id: UUID, boards: Collection[UUID], borders: Sequence[datetime]
) -> list[Count]:
    """Events about tasks of these boards between one border and the next, the last without end.

    One query, one moment: what the tallies hold, and the events that they do not hold yet.
    """
    cut = sorted({slot_of(border) for border in borders if slot_of(border) != border})
    parts = [_LIVE, _COUNTED, *(_CUT.format(n=n) for n in range(len(cut)))]
    values: dict[str, Any] = {
        "organization": organization_id,
        "boards": list(boards),
        "first": borders[0],
        "borders": list(borders),
        "cut": cut,
        **{f"cut_{n}": slot for n, slot in enumerate(cut)},
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT width_bucket(at, %(borders)s::timestamptz[]), sum(events)::bigint, "  # noqa: S608
            f"sum(failed)::bigint FROM ({' UNION ALL '.join(parts)}) AS found GROUP BY 1",
            values,
        )
        found = {place: Count(events, failed) for place, events, failed in cursor.fetchall()}
    return [found.get(place, Count(0, 0)) for place in range(1, len(borders) + 1)]
