"""Send what waits for an endpoint: in order, under its lease, with pauses after failures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

import httpx
import structlog
from django.db.models import Exists, OuterRef, QuerySet

from missioncontrol.kernel import clock, jobs, leases, outbound
from missioncontrol.kernel.errors import DomainError
from missioncontrol.kernel.secrets import unseal

from . import jobs as activity_jobs
from . import webhooks
from .models import WebhookDelivery, WebhookEndpoint
from .services import webhooks as services

log = structlog.get_logger(__name__)
TIMEOUT_SECONDS = 8.0
#: One run sends for no longer than this; the next run goes on.
RUN_SECONDS = 10.0
EXCERPT_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt; ``error`` is empty when it was taken."""

    error: str = ""
    status: int | None = None
    excerpt: str = ""
    latency_ms: float | None = None


def due() -> QuerySet[WebhookEndpoint]:
    """Endpoints for which something waits and that may be tried now."""
    waiting = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), status=WebhookDelivery.Status.WAITING
    )
    return leases.due(WebhookEndpoint.objects.filter(Exists(waiting), is_enabled=True))


def deliver(endpoint_id: UUID) -> int:
    """Send what waits, oldest first; returns how many were delivered.

    The first that fails ends the run, so that the order is kept. At least once: a worker that dies
    after sending and before writing leaves the message waiting, under the same id.
    """
    owner = leases.owner_name()
    if not leases.claim(WebhookEndpoint.objects.filter(is_enabled=True), endpoint_id, owner):
        return 0
    sent, pause = 0, None
    until = time.monotonic() + RUN_SECONDS
    with leases.renewing(WebhookEndpoint, endpoint_id, owner) as lost:
        while not lost.is_set() and time.monotonic() < until:
            row = _next(endpoint_id)
            if row is None:
                break
            outcome = attempt(row.endpoint, row)
            pause = services.settle(row.pk, outcome)
            if outcome.error:
                break
            sent += 1
    leases.release(WebhookEndpoint, endpoint_id, owner, retry_in_seconds=pause)
    if pause is None and _next(endpoint_id) is not None:
        jobs.enqueue_soon(activity_jobs.deliver_webhooks, str(endpoint_id))
    return sent


def _next(endpoint_id: UUID) -> WebhookDelivery | None:
    waiting = WebhookDelivery.objects.filter(
        endpoint_id=endpoint_id,
        endpoint__is_enabled=True,
        status=WebhookDelivery.Status.WAITING,
    )
    return waiting.select_related("endpoint").order_by("seq", "pk").first()


def attempt(endpoint: WebhookEndpoint, row: WebhookDelivery) -> Outcome:
    """POST one message; redirects are not followed."""
    started = time.perf_counter()
    try:
        sealed = webhooks.headers(
            unseal(endpoint.secret_sealed),
            str(row.event_id),
            int(clock.now().timestamp()),
            row.body,
        )
        status, excerpt = _post(endpoint.url, row.body, sealed)
    except DomainError as refusal:
        return Outcome(error=str(refusal.detail)[:500])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Outcome(error=f"{type(error).__name__}: {error}"[:500])
    took = round((time.perf_counter() - started) * 1000, 1)
    refused = "" if 200 <= status < 300 else f"The receiver answered {status}."
    if 300 <= status < 400:
        refused = f"The receiver answered {status}; redirects are not followed."
    return Outcome(refused, status, excerpt, took)


def _post(url: str, body: str, sealed: dict[str, str]) -> tuple[int, str]:
    """Status and the beginning of the answer; no more of it is read."""
    until = time.monotonic() + TIMEOUT_SECONDS
    with (
        outbound.client("webhook", timeout_seconds=TIMEOUT_SECONDS) as http,
        http.stream("POST", url, content=body.encode(), headers=sealed) as response,
    ):
        found = bytearray()
        for chunk in response.iter_raw(EXCERPT_BYTES):
            found += chunk
            if len(found) >= EXCERPT_BYTES or time.monotonic() > until:
                break
        text = bytes(found[:EXCERPT_BYTES]).decode("utf-8", "replace").replace("\x00", "")
        return response.status_code, text


def sweep() -> int:
    """Ask for a run for every endpoint that is due; returns how many there are."""
    ids: list[UUID] = list(due().order_by("next_attempt_at", "pk").values_list("pk", flat=True))
    for pk in ids:
        jobs.enqueue_soon(activity_jobs.deliver_webhooks, str(pk))
    return len(ids)
