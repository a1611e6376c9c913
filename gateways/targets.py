"""From a stored gateway to what the wire connects to: unsealed token, device, address guard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Conflict, Invalid, NotFound, RemoteFailed
from missioncontrol.kernel.outbound import check_url
from missioncontrol.kernel.secrets import seal, unseal

from .models import Gateway, GatewayIdentity
from .wire.errors import AddressRefused, GatewayConnectError
from .wire.identity import DeviceIdentity
from .wire.target import ClientInfo, Target

SCHEMES = ("ws", "wss")


@dataclass(frozen=True, slots=True)
class Reach:
    """A gateway's row with the target that reaches it."""

    gateway: Gateway
    target: Target

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may appear nowhere."""
        return tuple(s for s in (self.target.token, self.target.device_token) if s)


async def guarded_resolve(host: str, port: int) -> Sequence[str]:
    """The checked address of a host; asked before every connection, which is pinned to it.

    Raises:
        AddressRefused: the outbound policy forbids one of its addresses.
        GatewayConnectError: the name has no address.
    """
    bracketed = f"[{host}]" if ":" in host else host
    try:
        found = await asyncio.to_thread(check_url, f"ws://{bracketed}:{port}", "gateway", SCHEMES)
    except Invalid as refusal:
        raise AddressRefused(str(refusal.detail)) from refusal
    except RemoteFailed as failure:
        raise GatewayConnectError(str(failure.detail)) from failure
    return [found.address]


def make(
    url: str,
    *,
    token: str = "",
    identity: DeviceIdentity | None = None,
    device_token: str = "",
    allow_insecure_tls: bool = False,
    disable_device_pairing: bool = False,
) -> Target:
    """A guarded target."""
    return Target(
        url=url,
        token=token,
        identity=identity,
        device_token=device_token,
        allow_insecure_tls=allow_insecure_tls,
        disable_device_pairing=disable_device_pairing,
        resolve=guarded_resolve,
        client=ClientInfo(version=settings.VERSION),
    )


def reach(gateway_id: UUID) -> Reach:
    """Read a gateway and what reaches it; its device identity is made at first use.

    Raises:
        NotFound: no such gateway.
        Conflict: revoked, a simulated one in production, or sealed with another key.
    """
    gateway = Gateway.objects.select_related("identity").filter(pk=gateway_id).first()
    if gateway is None:
        raise NotFound
    return reach_of(gateway)


def reach_of(gateway: Gateway) -> Reach:
    """The same for a row at hand."""
    if gateway.status == Gateway.Status.REVOKED:
        raise Conflict(_("This gateway was revoked."), code="gateway_revoked")
    if gateway.is_simulated and not settings.ALLOW_SIMULATOR:
        raise Conflict(
            _("This is a simulated gateway; it is not used in production."),
            code="simulator_refused",
        )
    row = identity_row(gateway)
    identity = DeviceIdentity.from_dict(orjson.loads(unseal(row.identity_sealed)))
    target = make(
        gateway.url,
        token=unseal(gateway.token_sealed),
        identity=identity,
        device_token=unseal(row.device_token_sealed),
        allow_insecure_tls=gateway.allow_insecure_tls,
        disable_device_pairing=gateway.disable_device_pairing,
    )
    return Reach(gateway, target)


def identity_row(gateway: Gateway) -> GatewayIdentity:
    """The device identity of a gateway, made when it is missing; safe against a parallel maker."""
    found = GatewayIdentity.objects.filter(pk=gateway.pk).first()
    if found is not None:
        return found
    fresh = sealed_identity(gateway, DeviceIdentity.create())
    GatewayIdentity.objects.bulk_create([fresh], ignore_conflicts=True)
    return GatewayIdentity.objects.get(pk=gateway.pk)


def sealed_identity(gateway: Gateway, identity: DeviceIdentity) -> GatewayIdentity:
    """An unsaved row that holds a device identity."""
    return GatewayIdentity(
        gateway=gateway,
        device_id=identity.device_id,
        public_key=identity.public_key,
        identity_sealed=seal(orjson.dumps(identity.to_dict()).decode()),
    )
