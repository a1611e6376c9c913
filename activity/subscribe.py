"""Listeners to events: inside the transaction, or drained in order after commit.

A drained listener reads its organization's stream from a stored cursor. An event it cannot take is
parked in :class:`activity.models.EventDelivery` and retried, and the cursor moves on. At least
once; a listener is idempotent on ``(event, listener)``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from missioncontrol.kernel import clock, jobs
from missioncontrol.kernel.errors import DomainError

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 6
BACKOFF_SECONDS = (5, 30, 120, 600, 1800, 3600)
BATCH = 200


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as listeners see it."""

    id: UUID
    type: str
    organization_id: UUID
    seq: int
    board_id: UUID | None
    task_id: UUID | None
    agent_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    target_kind: str
    target_id: UUID | None
    target_title: str
    data: Mapping[str, Any]
    at: datetime


Listener = Callable[[EventView], None]
Narrowing = Callable[[UUID], frozenset[str]]
_inside: dict[str, list[Listener]] = {}
_after: dict[str, tuple[frozenset[str], Listener]] = {}
_narrowed: dict[str, Narrowing] = {}


def subscribe(
    types: str | tuple[str, ...],
    listener: Listener,
    *,
    inside: bool = False,
    narrowed: Narrowing | None = None,
) -> None:
    """Register a listener for one or several stored types.

    ``inside=True`` runs in the same transaction and is kept for writes that must not lag; if it
    refuses, the whole change is refused. Otherwise it runs after commit, in the drain.
    ``narrowed`` tells which of the types an organization's drain has to hand over at all.
    """
    wanted = (types,) if isinstance(types, str) else types
    if inside:
        for name in wanted:
            known = _inside.setdefault(name, [])
            if listener not in known:
                known.append(listener)
        return
    name = f"{listener.__module__}.{listener.__qualname__}"
    _after[name] = (frozenset(wanted), listener)
    if narrowed is not None:
        _narrowed[name] = narrowed


def listener_names() -> list[str]:
    """Names of the listeners that drain the streams."""
    return sorted(_after)


def settle_new_listeners(**_signal: Any) -> int:
    """After migrations: what listens only since this version starts at the present.

    The past of the organizations that are here was never meant for it. A new organization's events
    go to every listener from the first one on. Returns how many cursors were made.
    """
    from .models import EventStream, ListenerCursor

    known = set(ListenerCursor.objects.values_list("listener", flat=True).distinct())
    if not known:
        return 0  # nothing was ever drained here: everybody begins at the beginning
    heads = list(EventStream.objects.filter(kind="org").values_list("id", "last_seq"))
    made = ListenerCursor.objects.bulk_create(
        ListenerCursor(listener=name, organization_id=organization_id, seq=last_seq)
        for name in set(_after) - known
        for organization_id, last_seq in heads
    )
    return len(made)


def inside_listeners(type: str) -> list[Listener]:  # noqa: A002 - the field's name
    """Listeners that join the transaction."""
    return _inside.get(type, [])


def view_of_pending(event: Any) -> EventView:
    """View of an event that has no number yet."""
    return EventView(
        event.id, event.type, event.organization_id, 0, event.board_id, event.task_id,
        event.agent_id, event.actor.kind, event.actor.id, event.actor.name, event.target.kind,
        event.target.id, event.target.title, event.data, event.at,
    )  # fmt: skip


def view_of_row(row: Any) -> EventView:
    """View of a stored event."""
    return EventView(
        row.id, row.type, row.organization_id, row.seq, row.board_id, row.task_id, row.agent_id,
        row.actor_kind, row.actor_id, row.actor_name, row.target_kind, row.target_id,
        row.target_title, row.data, row.at,
    )  # fmt: skip


def wake(organization_id: UUID) -> None:
    """Ask for a drain of one organization; wishes that still wait are coalesced."""
    if _after:
        jobs.enqueue_soon(drain_job, str(organization_id))


@jobs.job("default", timeout_seconds=120)
def drain_job(organization_id: str) -> None:
    """Drain every listener of one organization."""
    jobs.taken(drain_job, organization_id)
    drain(UUID(organization_id))


def drain(organization_id: UUID) -> int:
    """Give every listener the events it has not seen, in order; returns how many were handled."""
    return sum(
        _drain_one(name, types, listener, organization_id)
        for name, (types, listener) in list(_after.items())
    )


def _drain_one(name: str, types: frozenset[str], listener: Listener, organization_id: UUID) -> int:
    """Drain one listener under a session lock, one transaction per event: streams stay free."""
    with _session_lock(f"{name}:{organization_id}") as mine:
        return _drain_locked(name, types, listener, organization_id) if mine else 0


@contextmanager
def _session_lock(name: str) -> Iterator[bool]:
    """Advisory lock of this database session; it goes with the connection of a killed worker."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _drain_locked(
    name: str, types: frozenset[str], listener: Listener, organization_id: UUID
) -> int:
    from .models import ActivityEvent, ListenerCursor

    cursor, _new = ListenerCursor.objects.get_or_create(
        listener=name, organization_id=organization_id
    )
    handled = 0
    while rows := list(
        ActivityEvent.objects.filter(organization_id=organization_id, seq__gt=cursor.seq).order_by(
            "seq"
        )[:BATCH]
    ):
        # Asked after the events were read: who asks for them later, asks for later ones.
        wanted = types & _narrowed[name](organization_id) if name in _narrowed else types
        for row in rows:
            if row.type in wanted:
                _deliver(name, listener, row)
                handled += 1
                ListenerCursor.objects.filter(pk=cursor.pk).update(seq=row.seq)
        cursor.seq = rows[-1].seq
        cursor.save(update_fields=["seq", "updated_at"])
    return handled


def _deliver(name: str, listener: Listener, row: Any) -> None:
    """One event to one listener in a savepoint; a failure parks it."""
    from .models import EventDelivery

    try:
        with transaction.atomic():
            listener(view_of_row(row))
    except Exception as error:  # noqa: BLE001 - the drain is a job runner: park and go on
        log.warning("listener.failed", listener=name, event_id=str(row.id), error=str(error)[:300])
        EventDelivery.objects.update_or_create(
            event=row,
            listener=name,
            defaults={
                "last_error": _text(error),
                "attempts": 1,
                "next_attempt_at": clock.now() + timedelta(seconds=BACKOFF_SECONDS[0]),
            },
        )


def _text(error: Exception) -> str:
    code = error.machine_code if isinstance(error, DomainError) else type(error).__name__
    return f"{code}: {error}"[:2000]


def retry_parked() -> int:
    """Try the parked events that are due again; returns how many were taken."""
    from .models import EventDelivery

    done = 0
    due = EventDelivery.objects.filter(
        status=EventDelivery.Status.WAITING, next_attempt_at__lte=clock.now()
    ).values_list("pk", flat=True)[:BATCH]
    for pk in list(due):
        done += _retry_one(pk)
    return done


def try_again(ids: list[int]) -> int:
    """Try parked events at once, given-up ones included; returns how many were taken."""
    from .models import EventDelivery

    EventDelivery.objects.filter(pk__in=ids, status=EventDelivery.Status.FAILED).update(
        status=EventDelivery.Status.WAITING, next_attempt_at=clock.now()
    )
    return sum(_retry_one(pk) for pk in ids)


@transaction.atomic
def _retry_one(pk: int) -> int:
    from .models import EventDelivery

    parked = (
        EventDelivery.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("event")
        .filter(pk=pk, status=EventDelivery.Status.WAITING)
        .first()
    )
    if parked is None or parked.listener not in _after:
        return 0
    try:
        with transaction.atomic():
            _after[parked.listener][1](view_of_row(parked.event))
    except Exception as error:  # noqa: BLE001 - the drain is a job runner: count and try later
        parked.attempts += 1
        pause = BACKOFF_SECONDS[min(parked.attempts, len(BACKOFF_SECONDS)) - 1]
        parked.next_attempt_at = clock.now() + timedelta(seconds=pause)
        parked.last_error = _text(error)
        if parked.attempts >= MAX_ATTEMPTS:
            parked.status = EventDelivery.Status.FAILED
        parked.save(update_fields=["attempts", "next_attempt_at", "last_error", "status"])
        return 0
    parked.status = EventDelivery.Status.DONE
    parked.save(update_fields=["status"])
    return 1


def sweep() -> int:
    """Drain every stream that a lost wake-up left behind, then retry what is parked."""
    from .models import EventStream, ListenerCursor

    handled = 0
    for name, (types, listener) in list(_after.items()):
        cursor = ListenerCursor.objects.filter(listener=name, organization_id=OuterRef("id"))
        behind = (
            EventStream.objects.filter(kind="org")
            .annotate(at=Coalesce(Subquery(cursor.values("seq")[:1]), 0))
            .filter(last_seq__gt=F("at"))
            .values_list("id", flat=True)
        )
        for organization_id in list(behind):
            handled += _drain_one(name, types, listener, organization_id)
    return handled + retry_parked()
