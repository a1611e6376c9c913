"""Outbound webhook endpoints: add, change, remove, test, replay; and what became of an attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from activity import actions, jobs, types, webhooks
from activity.models import EventStream, WebhookDelivery, WebhookEndpoint
from activity.publish import publish
from activity.subscribe import EventView
from missioncontrol.kernel import clock, outbound, ratelimit
from missioncontrol.kernel import jobs as queue
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound, RemoteFailed, StaleVersion
from missioncontrol.kernel.secrets import seal
from missioncontrol.kernel.unit import service

SCHEMES = ("https", "http")
MAX_ENDPOINTS = 50
MAX_TYPES = 100
KEPT = timedelta(days=30)
FIELDS = frozenset({"name", "url", "event_types", "board_id", "is_enabled"})


class Attempt(Protocol):
    """What became of one attempt to send."""

    @property
    def error(self) -> str:
        """Why it was not taken, empty when it was."""

    @property
    def status(self) -> int | None:
        """Status of the answer, none without one."""

    @property
    def excerpt(self) -> str:
        """Beginning of the answer."""

    @property
    def latency_ms(self) -> float | None:
        """How long the answer took."""


@service
def create_endpoint(
    actor: Actor,
    organization_id: UUID,
    *,
    name: str,
    url: str,
    event_types: Sequence[str] = (),
    board_id: UUID | None = None,
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint; returns it with its signing secret, which is shown this once.

    Raises:
        Invalid: bad name, address or filter, ``outbound_blocked``.
        Forbidden: no admin of the organization.
        Conflict: ``too_many_endpoints``.
    """
    secret = webhooks.new_secret()
    stream = EventStream.objects.filter(pk=organization_id).values_list("last_seq", flat=True)
    row = WebhookEndpoint(
        organization_id=organization_id,
        name=_name(name),
        url=_url(url),
        event_types=_types(event_types),
        board_id=board_id,
        secret_sealed=seal(secret),
        secret_hint=secret[-4:],
        since_seq=stream.first() or 0,
    )
    authorize(actor, actions.CREATE_ENDPOINT, row)
    if WebhookEndpoint.objects.filter(organization_id=organization_id).count() >= MAX_ENDPOINTS:
        raise Conflict(
            _("An organization has at most %(n)s webhook endpoints.") % {"n": MAX_ENDPOINTS},
            code="too_many_endpoints",
        )
    row.save(force_insert=True)
    _tell("webhook_endpoint.created", actor, row, {"url": _shown(row.url)})
    return row, secret


@service
def update_endpoint(
    actor: Actor,
    endpoint_id: UUID,
    *,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> WebhookEndpoint:
    """Change an endpoint; one that is enabled again goes on with what waits.

    Raises:
        Invalid: bad name, address or filter, ``outbound_blocked``.
        NotFound, Forbidden: not visible, no admin.
        StaleVersion: changed since the caller looked.
    """
    wanted = {name: changes[name] for name in FIELDS & changes.keys()}
    check = {"name": _name, "url": _url, "event_types": _types}
    wanted = {name: check.get(name, lambda v: v)(value) for name, value in wanted.items()}
    row: WebhookEndpoint = WebhookEndpoint.objects.open_for(actor, endpoint_id)
    authorize(actor, actions.UPDATE_ENDPOINT, row)
    if expected_version is not None and expected_version != row.version:
        raise StaleVersion(
            _("This webhook was changed since you looked at it."),
            current={"id": str(row.pk), "version": row.version},
        )
    changed = sorted(name for name, value in wanted.items() if getattr(row, name) != value)
    if not changed:
        return row
    for name in changed:
        setattr(row, name, wanted[name])
    if "is_enabled" in changed or "url" in changed:
        row.failures, row.next_attempt_at = 0, None
        row.disabled_reason = "" if row.is_enabled else row.disabled_reason
    row.version += 1
    row.save(
        update_fields=[
            *changed, "failures", "next_attempt_at", "disabled_reason", "version", "updated_at",
        ]
    )  # fmt: skip
    _tell("webhook_endpoint.updated", actor, row, {"fields": changed})
    queue.enqueue(jobs.deliver_webhooks, row.pk)
    return row


@service
def rotate_secret(actor: Actor, endpoint_id: UUID) -> tuple[WebhookEndpoint, str]:
    """Replace the signing secret at once; returns it, this once.

    Raises:
        NotFound, Forbidden: not visible, no admin.
    """
    row: WebhookEndpoint = WebhookEndpoint.objects.open_for(actor, endpoint_id)
    authorize(actor, actions.UPDATE_ENDPOINT, row)
    secret = webhooks.new_secret()
    row.secret_sealed, row.secret_hint = seal(secret), secret[-4:]
    row.version += 1
    row.save(update_fields=["secret_sealed", "secret_hint", "version", "updated_at"])
    _tell("webhook_endpoint.secret_rotated", actor, row)
    return row, secret


@service
def delete_endpoint(actor: Actor, endpoint_id: UUID) -> None:
    """Remove an endpoint with its log.

    Raises:
        NotFound, Forbidden: not visible, no admin.
    """
    # The full lock: no delivery must start to point here meanwhile.
    row: WebhookEndpoint = WebhookEndpoint.objects.open_for(actor, endpoint_id, for_delete=True)
    authorize(actor, actions.DELETE_ENDPOINT, row)
    _tell("webhook_endpoint.deleted", actor, row)
    row.delete()


@service
def send_test(actor: Actor, endpoint_id: UUID) -> WebhookDelivery:
    """Send a message that tells of nothing but the test; limited and audited.

    Raises:
        NotFound, Forbidden: not visible, no admin.
        Conflict: ``webhook_disabled``.
        RateLimited: too many tests by this person.
    """
    row: WebhookEndpoint = WebhookEndpoint.objects.open_for(actor, endpoint_id)
    authorize(actor, actions.REPLAY, row)
    if not row.is_enabled:
        raise Conflict(_("Enable this webhook first."), code="webhook_disabled")
    if actor.kind == "user":
        ratelimit.hit(ratelimit.PROBES, str(actor.id))
    _tell("webhook_endpoint.tested", actor, row)
    event = EventView(
        uuid4(), "webhook_endpoint.tested", row.organization_id, 0, None, None, None,
        actor.kind, actor.id, actor.name, "webhook_endpoint", row.pk, row.name, {}, clock.now(),
    )  # fmt: skip
    delivery = webhooks.delivery_of(row, event)
    delivery.save(force_insert=True)
    WebhookEndpoint.objects.filter(pk=row.pk).update(next_attempt_at=None)
    queue.enqueue(jobs.deliver_webhooks, row.pk)
    return delivery


@service
def replay(actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Send a stored message again, under the same id.

    Raises:
        NotFound, Forbidden: not visible, no admin.
        Conflict: ``webhook_disabled``.
    """
    endpoint: WebhookEndpoint = WebhookEndpoint.objects.open_for(actor, endpoint_id)
    authorize(actor, actions.REPLAY, endpoint)
    if not endpoint.is_enabled:
        raise Conflict(_("Enable this webhook first."), code="webhook_disabled")
    found = WebhookDelivery.objects.select_for_update(of=("self",), no_key=True)
    row = found.filter(pk=delivery_id, endpoint_id=endpoint.pk).first()
    if row is None:
        raise NotFound
    row.status, row.attempts = WebhookDelivery.Status.WAITING, 0
    row.replays += 1
    row.save(update_fields=["status", "attempts", "replays", "updated_at"])
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(next_attempt_at=None)
    data = {"event_id": str(row.event_id), "event_type": row.event_type}
    _tell("webhook_endpoint.replayed", actor, endpoint, data)
    queue.enqueue(jobs.deliver_webhooks, endpoint.pk)
    return row


@service
def settle(delivery_id: UUID, outcome: Attempt) -> int | None:
    """Write an attempt down; returns the pause in seconds before the next, none when it was taken.

    A message that fails too often is given up, and the next one has its turn. An endpoint that
    fails for long, or says that it is gone, is disabled.
    """
    row = WebhookDelivery.objects.filter(pk=delivery_id).first()
    if row is None:
        return None
    endpoint: WebhookEndpoint = WebhookEndpoint.objects.open_for(
        SystemActor("outbound webhook"), row.endpoint_id
    )
    now = clock.now()
    row.attempts, row.attempted_at = row.attempts + 1, now
    row.response_status, row.response_excerpt = outcome.status, outcome.excerpt
    row.latency_ms, row.error = outcome.latency_ms, outcome.error
    if outcome.error:
        endpoint.failures, endpoint.last_failure_at = endpoint.failures + 1, now
        if row.attempts >= webhooks.MAX_ATTEMPTS:
            row.status = WebhookDelivery.Status.FAILED
    else:
        row.status, row.delivered_at = WebhookDelivery.Status.DELIVERED, now
        endpoint.failures, endpoint.last_success_at = 0, now
    row.save()
    if endpoint.failures >= webhooks.DISABLE_AFTER or outcome.status == webhooks.GONE:
        _disable(endpoint, outcome.error)
    endpoint.save(
        update_fields=[
            "failures", "last_failure_at", "last_success_at", "is_enabled", "disabled_reason",
            "updated_at",
        ]
    )  # fmt: skip
    return webhooks.pause_after(row.attempts) if outcome.error else None


def _disable(endpoint: WebhookEndpoint, reason: str) -> None:
    endpoint.is_enabled, endpoint.disabled_reason = False, reason[:300]
    endpoint.version += 1
    who = SystemActor("outbound webhook", endpoint.organization_id)
    _tell("webhook_endpoint.disabled", who, endpoint, {"reason": reason[:300]})


def fan_out(event: EventView) -> None:
    """Listener: keep a delivery for every endpoint that is told of the event, once each."""
    rows = [
        webhooks.delivery_of(endpoint, event)
        for endpoint in webhooks.open_endpoints(event.organization_id)
        if webhooks.wants(endpoint, event)
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:
        queue.enqueue_soon_at_commit(jobs.deliver_webhooks, str(row.endpoint_id))


def wanted_types(organization_id: UUID) -> frozenset[str]:
    """Types that any endpoint of an organization is told of."""
    endpoints = webhooks.open_endpoints(organization_id)
    return frozenset().union(*(webhooks.stored_types(e.event_types) for e in endpoints))


def prune() -> int:
    """Delete settled deliveries older than 30 days; returns how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=clock.now() - KEPT)
    settled = old.exclude(status=WebhookDelivery.Status.WAITING)
    return settled.delete()[0]


def _tell(
    event: str, actor: Actor, row: WebhookEndpoint, data: Mapping[str, Any] | None = None
) -> None:
    publish(event, actor=actor, target=row, organization_id=row.organization_id, data=data)


def _shown(url: str) -> str:
    """An address without its path and query, which may hold a key."""
    scheme, _sep, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"


def _name(raw: Any) -> str:
    name = str(raw or "").strip()
    if not name or len(name) > 200:
        raise Invalid(_("Enter a name of 1 to 200 characters."), field="name")
    return name


def _url(raw: Any) -> str:
    url = str(raw or "").strip()
    if len(url) > 1000 or not url.isprintable() or " " in url:
        raise Invalid(_("Enter an address with https:// and a host."), field="url")
    try:
        outbound.check_url(url, "webhook", SCHEMES)
    except RemoteFailed:  # a name that is unknown now may be known when something is sent
        return url
    except ValueError as error:
        raise Invalid(_("This is not an address."), field="url") from error
    return url


def _types(raw: Any) -> list[str]:
    patterns = list(dict.fromkeys(str(p).strip() for p in raw or () if str(p).strip()))
    if len(patterns) > MAX_TYPES:
        raise Invalid(_("Name at most %(n)s types.") % {"n": MAX_TYPES}, field="event_types")
    for pattern in patterns:
        if not types.names_for_wire(pattern):
            raise Invalid(
                _("%(type)s is no type of event. Try task.* or approval.created.")
                % {"type": pattern[:60]},
                field="event_types",
            )
    return patterns
