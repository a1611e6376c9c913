"""Periodic look at what is due: lost wake-ups, missing answers, stale setups, old beats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from gateways import rpc
from gateways.models import Gateway
from gateways.wire import provisioning
from missioncontrol.kernel import clock, jobs, leases

from . import delivery, lifecycle, rules
from .models import Agent, AgentBeat, AgentNotification, Skill, SkillPack, TemplateSync
from .services import executions, notifications, outcomes, skill_looks, skill_packs, syncs

BATCH = 100
#: So long a full queue is not asked again for the same row.
WISH_SECONDS = 30
KEEP_BEATS = timedelta(hours=24)
KEEP_MESSAGES = timedelta(days=30)
LEFT_FOR = timedelta(minutes=10)


def sweep() -> int:
    """Wake workers for due runs, messages and executions; judge messages without an answer.

    A wish that still waits in the queue is not repeated, however long the queue is.
    """
    found = 0
    for target, rows in _due():
        for pk in rows[:BATCH]:
            found += 1
            jobs.enqueue_soon(target, str(pk), wish_seconds=WISH_SECONDS)
    return found + delivery.judge_unanswered()


def _due() -> Iterator[tuple[jobs.Job, QuerySet[Any]]]:
    """Jobs with the ids that are due for them, the oldest first."""
    from . import jobs as own

    agents = Agent.objects.exclude(work=Agent.Work.NONE)
    waiting = AgentNotification.objects.filter(state=AgentNotification.State.WAITING)
    wanted = TemplateSync.objects.filter(state__in=syncs.OPEN)
    packs = SkillPack.objects.filter(sync_state__in=skill_packs.OPEN)
    looks = Skill.objects.filter(scan_state__in=skill_looks.OPEN)
    for target, rows, order in (
        (own.run_lifecycle, agents, "next_attempt_at"),
        (own.deliver_notification, waiting, "created_at"),
        (own.dispatch_execution, executions.undispatched(), "created_at"),
        (own.run_template_sync, wanted, "created_at"),
        (own.sync_skill_pack, packs, "updated_at"),
        (own.scan_skill, looks, "updated_at"),
    ):
        yield target, leases.due(rows).order_by(order).values_list("pk", flat=True)
    pending = Agent.objects.filter(
        heartbeat_sync_pending=True, work=Agent.Work.NONE, linked_remote_id=""
    )
    usable = pending.filter(gateway__isnull=False, provisioned_at__isnull=False)
    yield own.sync_heartbeats, usable.order_by().values_list("gateway_id", flat=True).distinct()


def sync_heartbeats(gateway_id: UUID) -> int:
    """One configuration patch for every agent of a gateway whose heartbeat block changed."""
    agents = list(
        Agent.objects.select_related("board", "gateway")
        .filter(gateway_id=gateway_id, heartbeat_sync_pending=True, provisioned_at__isnull=False)
        .filter(linked_remote_id="")
        .exclude(status=Agent.Status.DELETING)[:BATCH]
    )
    if not agents or not rpc.is_usable(Gateway.objects.get(pk=gateway_id)):
        return 0
    blocks = {agent.remote_id: lifecycle.heartbeat_block(agent) for agent in agents}
    with rpc.session(gateway_id) as session:
        session.run(lambda client: provisioning.patch_config(client, heartbeats=blocks))
    for agent in agents:
        notifications.mark_carried(agent.id)
    return len(agents)


def sweep_stale() -> int:
    """Name setups without a worker for ten minutes; take up what was left behind; end old waits."""
    now = clock.now()
    old = now - rules.STALE_AFTER
    idle = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    stuck = Agent.objects.filter(
        idle,
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lt=old),
        Q(status=Agent.Status.UPDATING) | Q(work__in=[Agent.Work.PROVISION, Agent.Work.UPDATE]),
        status__in=[Agent.Status.UPDATING, Agent.Status.PROVISIONING],
        provision_requested_at__lt=old,
    )
    named = sum(
        int(outcomes.record_stale(pk, generation))
        for pk, generation in list(stuck.values_list("pk", "lifecycle_generation")[:BATCH])
    )
    left = Agent.objects.filter(work=Agent.Work.NONE, updated_at__lt=now - LEFT_FOR)
    left = left.exclude(left_behind=[]).exclude(status=Agent.Status.DELETING)
    for pk in list(left.values_list("pk", flat=True)[:BATCH]):
        outcomes.request_clean_up(pk)
    return named + executions.fail_without_target()


def retain_beats() -> int:
    """Drop beats older than 24 hours and settled messages older than 30 days."""
    now = clock.now()
    gone, _rows = AgentBeat.objects.filter(at__lt=now - KEEP_BEATS).delete()
    settled = AgentNotification.objects.exclude(state=AgentNotification.State.WAITING)
    settled.filter(created_at__lt=now - KEEP_MESSAGES).delete()
    return gone


def make_gateway_due(gateway_id: UUID) -> None:
    """A gateway is back: everything that waits for it is tried now."""
    Agent.objects.filter(gateway_id=gateway_id).exclude(work=Agent.Work.NONE).exclude(
        work=Agent.Work.AWAIT_CHECK_IN
    ).update(next_attempt_at=None, attempts=F("attempts") * 0)
    AgentNotification.objects.filter(
        agent__gateway_id=gateway_id, state=AgentNotification.State.WAITING
    ).update(next_attempt_at=None)
    executions.undispatched().filter(gateway_id=gateway_id).update(next_attempt_at=None)
    from . import jobs as own

    for pk in (
        Agent.objects.filter(gateway_id=gateway_id).exclude(work="").values_list("pk", flat=True)
    ):
        jobs.enqueue(own.run_lifecycle, pk)
