"""Leases in PostgreSQL for work that must survive a killed worker (30 s, renewed while it runs).

Everything uses the database clock, so processes on several machines agree.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import close_old_connections, models
from django.db.models import F, Q
from django.db.models.functions import Now

from .models import LeasedWork

LEASE_SECONDS = 30
RENEW_SECONDS = 10


def owner_name() -> str:
    """A name for this claim: host, process, random part."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def due(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Of ``rows`` (already narrowed to open work), those free to be claimed now."""
    return rows.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=Now()),
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=Now()),
    )


def claim(rows: models.QuerySet[Any], pk: UUID, owner: str) -> bool:
    """Take the lease of one due row; ``False`` if another holds it or it is not due."""
    taken = due(rows.filter(pk=pk)).update(
        lease_owner=owner,
        lease_until=Now() + timedelta(seconds=LEASE_SECONDS),
        attempts=F("attempts") + 1,
    )
    return bool(taken)


def release(
    model: type[LeasedWork], pk: UUID, owner: str, *, retry_in_seconds: float | None = None
) -> None:
    """Give the lease back; with ``retry_in_seconds`` the row becomes due again after that pause."""
    changes: dict[str, Any] = {"lease_owner": "", "lease_until": None}
    if retry_in_seconds is not None:
        changes["next_attempt_at"] = Now() + timedelta(seconds=retry_in_seconds)
    model._default_manager.filter(pk=pk, lease_owner=owner).update(**changes)


@contextmanager
def renewing(model: type[LeasedWork], pk: UUID, owner: str) -> Iterator[threading.Event]:
    """Renew the lease every 10 s while the body runs; the event is set when it was lost."""
    done, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            close_old_connections()
            kept = model._default_manager.filter(pk=pk, lease_owner=owner).update(
                lease_until=Now() + timedelta(seconds=LEASE_SECONDS)
            )
            close_old_connections()
            if not kept:
                lost.set()
                return

    thread = threading.Thread(target=renew, name=f"lease-{pk}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join(timeout=2)
