"""What is written down about a gateway: status, checks, tokens it issued. No network here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from activity.publish import Target, publish
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, GatewayActor
from missioncontrol.kernel.secrets import seal, unseal
from missioncontrol.kernel.unit import service

from . import rules
from .models import Gateway, GatewayCheck, GatewayIdentity
from .wire.diagnose import Check, Diagnosis, State
from .wire.redact import redact_json, redact_text

CHANNEL = "mc_gateway_link"
KEEP = timedelta(days=30)
PRUNE_BATCH = 5000
LATEST_SESSIONS = 8
#: What is kept of a session for the dashboard; no text of it.
SESSION_FACTS = (
    "key", "agentId", "label", "displayName", "status", "updatedAt", "model", "totalTokens",
    "hasActiveRun",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What a contact with a gateway showed.

    Attributes:
        code: Machine word of the reason, empty when it works.
        detail: One redacted sentence for people.
        latency_ms: Round trip, if measured.
        request_id: Pairing request that waits for a person.
    """

    status: str
    code: str = ""
    detail: str = ""
    version: str = ""
    boot_id: str = ""
    latency_ms: float | None = None
    request_id: str = ""


def actor_of(gateway: Gateway) -> GatewayActor:
    """The gateway as somebody who acts."""
    return GatewayActor(gateway.pk, gateway.name, gateway.organization_id)


@service
def note_status(actor: Actor, gateway_id: UUID, seen: Seen) -> bool:
    """Store what a contact showed; a changed status is one event and one mark in the history."""
    gateway = _locked(gateway_id)
    if gateway is None or gateway.status == Gateway.Status.REVOKED:
        return False
    return _write(actor, gateway, seen, checks=None)


@service
def record_check(
    actor: Actor, gateway_id: UUID, diagnosis: Diagnosis, *, secrets: Sequence[str] = ()
) -> Gateway | None:
    """Store a doctor's report with its checks, status and device token.

    A person's check is an audited fact of its own (ruling 44).
    """
    gateway = _locked(gateway_id)
    if gateway is None or gateway.status == Gateway.Status.REVOKED:
        return gateway
    seen = seen_of(diagnosis, secrets)
    gateway.last_checked_at = clock.now()
    gateway.check_failures = 0 if diagnosis.is_usable else gateway.check_failures + 1
    pause = rules.pause_after(gateway.check_failures)
    gateway.next_check_at = gateway.last_checked_at + timedelta(seconds=pause)
    changed = _write(actor, gateway, seen, checks=[asdict(c) for c in diagnosis.checks])
    if not changed:
        _mark(gateway, seen)
    if diagnosis.device_token:
        _keep_device_token(gateway_id, diagnosis.device_token)
    if actor.kind == "user":
        data = {"status": seen.status, "code": seen.code}
        publish(
            "gateway.checked",
            actor=actor,
            target=gateway,
            organization_id=gateway.organization_id,
            data=data,
        )
    return gateway


def seen_of(diagnosis: Diagnosis, secrets: Sequence[str] = ()) -> Seen:
    """A doctor's report in short."""
    error = diagnosis.error
    cause = diagnosis.cause
    status = rules.status_of(cause)
    if cause is None and any(
        c.key == "methods" and c.state is State.WARN for c in diagnosis.checks
    ):
        status = Gateway.Status.DEGRADED
    return Seen(
        status=status,
        code=rules.CODE_OF_CAUSE[cause] if cause else "",
        detail=redact_text(_finding(diagnosis.checks), secrets),
        version=diagnosis.version,
        latency_ms=next((c.figure_ms for c in diagnosis.checks if c.key == "handshake"), None),
        request_id=error.request_id if error else "",
    )


def _finding(checks: Sequence[Check]) -> str:
    failed = next((c for c in checks if c.state is State.FAIL), None)
    if failed is None:
        return ""
    return f"{failed.finding.rstrip('.')}. {failed.next_step}".strip()


@service
def note_probe(actor: Actor, about: Target, organization_id: UUID, code: str | None) -> None:
    """Audit a test connection that stored nothing (ruling 44)."""
    publish(
        "gateway.checked",
        actor=actor,
        target=about,
        organization_id=organization_id,
        data={"status": code or Gateway.Status.ONLINE, "code": code or ""},
    )


@service
def keep_device_token(gateway_id: UUID, device_token: str) -> None:
    """Seal the token that a gateway issued to our paired device."""
    _keep_device_token(gateway_id, device_token)


def _keep_device_token(gateway_id: UUID, device_token: str) -> None:
    row = GatewayIdentity.objects.filter(pk=gateway_id).first()
    if row is not None and unseal(row.device_token_sealed) != device_token:
        row.device_token_sealed = seal(device_token)
        row.save(update_fields=["device_token_sealed"])


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of a gateway in short: how many there are, and the newest as rows."""

    total: int
    latest: list[dict[str, Any]]


def sessions_in(answer: Any, secrets: Sequence[str] = ()) -> Sessions:
    """An answer of ``sessions.list`` in short; the larger of reported and listed number counts."""
    found = answer if isinstance(answer, dict) else {}
    listed = [row for row in found.get("sessions") or () if isinstance(row, dict)]
    reported = found.get("totalCount")
    total = max(reported if isinstance(reported, int) else 0, len(listed))
    rows = [{name: row[name] for name in SESSION_FACTS if name in row} for row in listed]
    return Sessions(total, redact_json(rows[:LATEST_SESSIONS], secrets))


def add_sample(
    gateway_id: UUID, *, status: str, latency_ms: float | None, sessions: Sessions | None = None
) -> None:
    """One mark in the history of a gateway whose connection is up, and what it works on."""
    GatewayCheck.objects.create(gateway_id=gateway_id, status=status, latency_ms=latency_ms)
    now = clock.now()
    changes: dict[str, Any] = {"last_seen_at": now, "last_checked_at": now}
    if sessions is not None:
        changes |= {
            "sessions_total": sessions.total,
            "latest_sessions": sessions.latest,
            "sessions_at": now,
        }
    Gateway.objects.filter(pk=gateway_id).update(**changes)


def prune_history() -> int:
    """Delete marks older than 30 days, in batches; returns how many."""
    total = 0
    while True:
        old = GatewayCheck.objects.filter(created_at__lt=Now() - KEEP).values("pk")[:PRUNE_BATCH]
        count = GatewayCheck.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[
            0
        ]
        total += count
        if count < PRUNE_BATCH:
            return total


def ring(gateway_id: UUID, word: str) -> None:
    """Tell the gateway's link at commit: ``answer`` waits, settings ``changed``, ``retry`` now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{word} {gateway_id}"])


@service
def nudge(gateway_id: UUID) -> None:
    """Ask the holder of the permanent connection to try again now, should it be waiting."""
    ring(gateway_id, "retry")


def note_proof(gateway_id: UUID) -> None:
    """An agent of this gateway has called us: our address works from there (ruling 30)."""
    unproven = Gateway.objects.filter(pk=gateway_id, agents_reach_us_at__isnull=True)
    unproven.update(agents_reach_us_at=clock.now())


def _locked(gateway_id: UUID) -> Gateway | None:
    return (
        Gateway.objects.select_for_update(of=("self",), no_key=True).filter(pk=gateway_id).first()
    )


def _write(
    actor: Actor, gateway: Gateway, seen: Seen, *, checks: list[dict[str, Any]] | None
) -> bool:
    """Write the row; True when the status is another one than before."""
    previous, changed = gateway.status, gateway.status != seen.status
    gateway.status, gateway.status_code = seen.status, seen.code[:40]
    gateway.status_detail = seen.detail
    gateway.runtime_version = (seen.version or gateway.runtime_version)[:60]
    gateway.boot_id = (seen.boot_id or gateway.boot_id)[:60]
    gateway.pairing_request_id = seen.request_id[:120]
    if checks is not None:
        gateway.checks = checks
    if seen.status in (Gateway.Status.ONLINE, Gateway.Status.DEGRADED):
        gateway.last_seen_at = clock.now()
    if changed:
        gateway.status_since = clock.now()
    gateway.save(
        update_fields=[
            "status", "status_code", "status_detail", "runtime_version", "boot_id", "checks",
            "pairing_request_id", "last_seen_at", "status_since", "last_checked_at",
            "next_check_at", "check_failures", "updated_at",
        ]
    )  # fmt: skip
    if changed:
        _mark(gateway, seen)
        publish(
            "gateway.status_changed",
            actor=actor,
            target=gateway,
            organization_id=gateway.organization_id,
            data={"status": seen.status, "previous": previous, "code": seen.code},
        )
    return changed


def _mark(gateway: Gateway, seen: Seen) -> None:
    GatewayCheck.objects.create(
        gateway=gateway, status=seen.status, code=seen.code[:40], latency_ms=seen.latency_ms
    )
