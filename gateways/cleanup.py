"""Agents that a removed gateway still has are deleted there later, under a lease, with back-off.

Those that were adopted stay: only what was written to them is taken back.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import orjson
import structlog
from django.conf import settings

from activity.publish import publish
from missioncontrol.kernel import clock, leases
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import DomainError, GatewayUnavailable
from missioncontrol.kernel.secrets import unseal
from missioncontrol.kernel.unit import service

from . import actions, agents_lookup, rpc, targets
from .models import Gateway, GatewayCleanup, GatewayIdentity
from .wire import provisioning
from .wire.identity import DeviceIdentity
from .wire.redact import redact_text
from .wire.target import Target

log = structlog.get_logger(__name__)
PAUSES_SECONDS = (15, 60, 300, 600)
GIVE_UP_AFTER = timedelta(days=1)
BATCH = 20


def plan(gateway: Gateway) -> GatewayCleanup | None:
    """Keep what reaches a gateway that is about to go, if agents of ours are on it."""
    remote_ids = sorted(agents_lookup.remote_ids(gateway.pk))
    adopted_ids = sorted(agents_lookup.adopted_ids(gateway.pk))
    if gateway.is_simulated and not settings.ALLOW_SIMULATOR:
        return None
    if not (remote_ids or adopted_ids):
        return None
    identity = GatewayIdentity.objects.filter(pk=gateway.pk).first()
    return GatewayCleanup.objects.create(
        organization_id=gateway.organization_id,
        gateway_id=gateway.pk,
        name=gateway.name,
        url=gateway.url,
        token_sealed=gateway.token_sealed,
        identity_sealed=identity.identity_sealed if identity else "",
        device_token_sealed=identity.device_token_sealed if identity else "",
        allow_insecure_tls=gateway.allow_insecure_tls,
        disable_device_pairing=gateway.disable_device_pairing,
        remote_ids=remote_ids,
        adopted_ids=adopted_ids,
    )


def run(pk: UUID) -> bool:
    """Delete what is left at one gateway; ``True`` when the row is settled."""
    owner = leases.owner_name()
    if not leases.claim(GatewayCleanup.objects.all(), pk, owner):
        return False
    row = GatewayCleanup.objects.get(pk=pk)
    try:
        with leases.renewing(GatewayCleanup, pk, owner):
            _delete_remote(row)
    except DomainError as refusal:
        return _failed(row, owner, refusal)
    _finish(pk)
    return True


def _delete_remote(row: GatewayCleanup) -> None:
    target = _target(row)
    again = Gateway.objects.filter(url=row.url).values_list("pk", flat=True)
    in_use = {name for pk in again for name in agents_lookup.roster(pk)}
    row.remote_ids = [name for name in row.remote_ids if name not in in_use]
    row.adopted_ids = [name for name in row.adopted_ids if name not in in_use]
    with rpc.session_to(target, secrets=(target.token, target.device_token)) as session:
        for remote_id in list(row.remote_ids):
            session.run(partial(provisioning.delete_agent, agent_id=remote_id))
            row.remote_ids.remove(remote_id)
            row.save(update_fields=["remote_ids", "updated_at"])
        for remote_id in list(row.adopted_ids):
            agents_lookup.release(session, remote_id)
            row.adopted_ids.remove(remote_id)
            row.save(update_fields=["adopted_ids", "updated_at"])


def _target(row: GatewayCleanup) -> Target:
    identity = None
    if row.identity_sealed:
        identity = DeviceIdentity.from_dict(orjson.loads(unseal(row.identity_sealed)))
    return targets.make(
        row.url,
        token=unseal(row.token_sealed),
        identity=identity,
        device_token=unseal(row.device_token_sealed),
        allow_insecure_tls=row.allow_insecure_tls,
        disable_device_pairing=row.disable_device_pairing,
    )


def _failed(row: GatewayCleanup, owner: str, refusal: DomainError) -> bool:
    """Wait and try again; give up after a day, or at once where no repetition helps."""
    row.last_error = redact_text(str(refusal.detail))[:2000]
    row.save(update_fields=["last_error", "updated_at"])
    log.info("gateway.cleanup_failed", gateway=str(row.gateway_id), code=refusal.machine_code)
    is_over = clock.now() - row.created_at > GIVE_UP_AFTER
    if is_over:
        discard(SystemActor("gateway removed", row.organization_id), row.pk)
        return True
    tries = row.attempts - 1 if isinstance(refusal, GatewayUnavailable) else len(PAUSES_SECONDS)
    pause = PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)]
    leases.release(GatewayCleanup, row.pk, owner, retry_in_seconds=pause)
    return False


@service
def _finish(pk: UUID) -> None:
    row = GatewayCleanup.objects.get(pk=pk)
    publish(
        "gateway.cleaned_up",
        actor=SystemActor("gateway removed", row.organization_id),
        target=row,
        organization_id=row.organization_id,
    )
    row.delete()


@service
def discard(actor: Actor, cleanup_id: UUID) -> None:
    """Leave what is left on a gateway that is gone; the event names it.

    Raises:
        NotFound: not visible.
        Forbidden: no admin.
    """
    row: GatewayCleanup = GatewayCleanup.objects.open_for(actor, cleanup_id, for_delete=True)
    authorize(actor, actions.DELETE, row)
    publish(
        "gateway.cleanup_failed",
        actor=actor,
        target=row,
        organization_id=row.organization_id,
        data={
            "reason": row.last_error[:300] or "given up",
            "remote_ids": list(row.remote_ids)[:100],
        },
    )
    row.delete()


def sweep() -> int:
    """Try every cleanup that is due; returns how many."""
    ids: list[UUID] = list(
        leases.due(GatewayCleanup.objects.all())
        .order_by("created_at")
        .values_list("pk", flat=True)[:BATCH]
    )
    for pk in ids:
        run(pk)
    return len(ids)
