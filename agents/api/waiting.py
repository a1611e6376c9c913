"""Waiting for the gateway where a door promises it (core specification 24.3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from agents import rules
from agents.models import Agent, SkillPack
from missioncontrol.kernel.errors import RemoteFailed

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.2
_TRUE, _FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


def flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A boolean of the query string."""
    raw = query.get(name, "").strip().lower()
    return True if raw in _TRUE else False if raw in _FALSE else default


def wants_to_wait(query: Mapping[str, str], *, default: bool) -> bool:
    """Whether this call waits: by mount, by ``?wait=``; never inside an open transaction."""
    return flag(query, "wait", default=default) and not connection.in_atomic_block


def _until(is_over: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_over():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def for_setup(agent_id: UUID) -> Agent | None:
    """Wait until the agent is set up; the fresh row.

    Raises:
        RemoteFailed: the gateway refused; the agent stays, in state ``error``.
    """

    def state() -> str:
        found = Agent.objects.filter(pk=agent_id).first()
        if found is None:
            return "none"
        return rules.provision_state(found.status, found.work, found.last_provision_error)

    _until(lambda: state() != "pending")
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is not None and state() == "failed":
        raise RemoteFailed(
            _("Gateway provision failed: %(reason)s") % {"reason": agent.last_provision_error},
            code="provision_failed",
            agent_id=str(agent_id),
            reason=agent.last_provision_code,
        )
    return agent


def for_gateway(gateway_id: UUID) -> Agent | None:
    """Wait until a gateway's own agent is set up; the fresh row.

    Raises:
        RemoteFailed: as :func:`for_setup`.
    """
    own = Agent.objects.filter(gateway_id=gateway_id, agent_type=Agent.Type.MAIN)
    agent_id = own.values_list("pk", flat=True).first()
    if agent_id is None or connection.in_atomic_block:
        return None
    return for_setup(agent_id)


def for_removal(agent_id: UUID) -> bool:
    """Wait until the agent is gone; ``False`` when that takes longer.

    Raises:
        RemoteFailed: the gateway did not let it go; repeat with ``force``.
    """

    def row() -> Agent | None:
        return Agent.objects.filter(pk=agent_id).first()

    def is_over() -> bool:
        found = row()
        return found is None or bool(found.last_provision_error)

    is_settled = _until(is_over)
    found = row()
    if found is not None and found.last_provision_error:
        raise RemoteFailed(
            _("Gateway cleanup failed: %(reason)s") % {"reason": found.last_provision_error},
            code="cleanup_failed",
            reason=found.last_provision_code,
        )
    return is_settled


def for_pack(pack: SkillPack) -> SkillPack:
    """Wait until a pack was read; the fresh row, which may still wait or run."""
    settled = (SkillPack.State.DONE, SkillPack.State.FAILED)
    _until(lambda: SkillPack.objects.filter(pk=pack.pk, sync_state__in=settled).exists())
    return SkillPack.objects.filter(pk=pack.pk).first() or pack
