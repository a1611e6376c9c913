"""The connection doctor: runs the wire's checks against a stored or a proposed gateway.

Network happens before any row is locked; what it found is stored by :mod:`gateways.records`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Invalid, NotFound, RemoteFailed

from . import actions, installation, records, rpc, targets
from .models import Gateway
from .wire.diagnose import Check, Diagnosis, Options, State, diagnose
from .wire.errors import Cause
from .wire.redact import redact_text
from .wire.target import Target

PROVEN = "base_url"


def examine(target: Target) -> Diagnosis:
    """Check a target from its address to its command policy; never raises for a bad gateway."""
    options = Options(
        minimum_version=settings.GATEWAY_MIN_VERSION,
        in_container=installation.in_container(),
        origin=settings.BASE_URL,
    )
    return asyncio.run(diagnose(target, options))


def check_gateway(actor: Actor, gateway_id: UUID) -> Gateway:
    """Run the doctor now and store its report; limited for people and audited (ruling 44).

    Raises:
        NotFound: not visible.
        Forbidden: no admin.
        RateLimited: too many checks by this person.
    """
    gateway = Gateway.objects.seen_by(actor, gateway_id)
    authorize(actor, actions.CHECK, gateway)
    limit_probes(actor)
    reach = targets.reach_of(gateway)
    diagnosis = with_proof(gateway, examine(reach.target))
    stored = records.record_check(actor, gateway.pk, diagnosis, secrets=reach.secrets)
    if stored is None:
        raise NotFound
    records.nudge(gateway.pk)
    return stored


def limit_probes(actor: Actor) -> None:
    """Count a person's test connection.

    Raises:
        RateLimited: more than 20 a minute.
    """
    if actor.kind == "user":
        ratelimit.hit(ratelimit.PROBES, str(actor.id))


def with_proof(gateway: Gateway, diagnosis: Diagnosis) -> Diagnosis:
    """Add whether agents of this gateway have reached us; only a check-in proves it (ruling 30)."""
    if not diagnosis.is_usable:
        finding = "Not checked."
        check = Check(PROVEN, State.SKIPPED, finding)
    elif gateway.agents_reach_us_at is not None:
        check = Check(PROVEN, State.OK, f"Agents of this gateway have called {settings.BASE_URL}.")
    else:
        check = Check(
            PROVEN,
            State.SKIPPED,
            f"Not yet proven that agents can call {settings.BASE_URL}.",
            "Create an agent here; its first check-in proves it.",
        )
    return replace(diagnosis, checks=(*diagnosis.checks, check))


def require_compatible(target: Target, *, secrets: tuple[str, ...] = ()) -> Diagnosis:
    """Check a gateway before it is stored (core specification 16.2, ``verify``).

    A gateway that waits for pairing passes: its device has to be kept for the approval.

    Raises:
        Invalid: blocked address, or the version is too old or unknown.
        RemoteFailed: it cannot be reached or refuses.
    """
    diagnosis = examine(target)
    error = diagnosis.error
    if error is None or diagnosis.cause is Cause.PAIRING:
        return diagnosis
    if diagnosis.cause is Cause.VERSION:
        raise Invalid(error.message, code="gateway_incompatible", field="url")
    refusal = rpc.refusal_of(error, secrets)
    if isinstance(refusal, Invalid):
        raise refusal
    raise RemoteFailed(
        _("Gateway compatibility check failed: %(e)s") % {"e": redact_text(error.message, secrets)},
        code=rpc.code_of(error),
        hint=records.seen_of(diagnosis, secrets).detail,
    ) from error
