"""The audit chain: SHA-256 per organization, append-only, verifiable offline.

``hash = sha256(previous_hash + canonical(body))``; ``canonical`` is JSON with sorted keys, no
spaces, UTF-8. The body repeats everything that the event says, so a changed event shows as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from missioncontrol.kernel import clock

GENESIS = "0" * 64


def canonical(body: dict[str, Any]) -> str:
    """Canonical JSON text of a body."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chain_hash(previous: str, body: dict[str, Any]) -> str:
    """Hash of the next link."""
    return hashlib.sha256((previous + canonical(body)).encode()).hexdigest()


def _body(event: Any, number: int) -> dict[str, Any]:
    body = {
        "number": number,
        "event_id": str(event.id),
        "organization_id": str(event.organization_id),
        "seq": event.seq,
        "type": event.type,
        "actor": {"kind": event.actor.kind, "id": event.actor.id, "name": event.actor.name},
        "target": {"kind": event.target.kind, "id": event.target.id, "title": event.target.title},
        "board_id": event.board_id,
        "data": event.data,
        "at": clock.iso(event.at),
    }
    plain: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return plain


def append(events: list[Any]) -> None:
    """Append the audited events under the lock of their chain head."""
    for organization_id in sorted({e.organization_id for e in events}):
        mine = [e for e in events if e.organization_id == organization_id]
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO activity_audithead (organization_id, last_number, last_hash) "
                "VALUES (%s, 0, %s) ON CONFLICT (organization_id) DO UPDATE "
                "SET last_number = activity_audithead.last_number RETURNING last_number, last_hash",
                [organization_id, GENESIS],
            )
            number, last = cursor.fetchone()
            for event in mine:
                number += 1
                body = _body(event, number)
                digest = chain_hash(last, body)
                cursor.execute(
                    "INSERT INTO activity_auditentry (organization_id, number, event_id, body, "
                    "previous_hash, hash, at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    [organization_id, number, event.id, canonical(body), last, digest, event.at],
                )
                last = digest
            cursor.execute(
                "UPDATE activity_audithead SET last_number = %s, last_hash = %s "
                "WHERE organization_id = %s",
                [number, last, organization_id],
            )


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a chain: at which number, and what."""

    number: int
    fault: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of a check of one organization's chain."""

    organization_id: UUID
    entries: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """No fault found."""
        return not self.findings


def verify(organization_id: UUID) -> Verdict:
    """Recompute the whole chain of one organization and compare it with head and events."""
    from .models import AuditHead

    findings: list[Finding] = []
    count, last = 0, GENESIS
    for number, body, previous, digest, event_seq, event_type in _rows(organization_id):
        count += 1
        if number != count:
            findings.append(Finding(number, f"entry {count} is missing"))
            count = number
        if previous != last:
            findings.append(Finding(number, "does not follow the entry before it"))
        if chain_hash(previous, body) != digest:
            findings.append(Finding(number, "was changed after it was written"))
        if body.get("number") != number:
            findings.append(Finding(number, "stands at another place than it says"))
        if event_seq is not None and (event_seq, event_type) != (body["seq"], body["type"]):
            findings.append(Finding(number, "differs from the event that it records"))
        last = digest
    head = AuditHead.objects.filter(organization_id=organization_id).first()
    expected = (head.last_number, head.last_hash) if head else (0, GENESIS)
    if expected != (count, last):
        findings.append(Finding(count, f"the chain ends here, its head says {expected[0]}"))
    return Verdict(organization_id, count, tuple(findings))


def _rows(organization_id: UUID) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.number, a.body, a.previous_hash, a.hash, e.seq, e.type "
            "FROM activity_auditentry a LEFT JOIN activity_activityevent e ON e.id = a.event_id "
            "WHERE a.organization_id = %s ORDER BY a.number",
            [organization_id],
        )
        while rows := cursor.fetchmany(2000):
            for row in rows:
                yield (row[0], json.loads(row[1]), *row[2:])
