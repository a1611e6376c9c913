"""Queue entry points. The rows decide what there is to do; a job that comes twice finds nothing."""

from __future__ import annotations

from uuid import UUID

from missioncontrol.kernel.jobs import job, taken

from . import delivery, dispatch, lifecycle, skill_look, skill_sync, sweeps, usage_ingest
from .services import budgets, syncs


@job("gateway", timeout_seconds=150)
def run_lifecycle(agent_id: str) -> None:
    """Do what an agent's row asks for on its gateway."""
    taken(run_lifecycle, agent_id)
    lifecycle.run(UUID(agent_id))


@job("gateway", timeout_seconds=90)
def deliver_notification(notification_id: str) -> None:
    """Send one message to an agent."""
    taken(deliver_notification, notification_id)
    delivery.deliver(UUID(notification_id))


@job("gateway", timeout_seconds=90)
def dispatch_execution(execution_id: str) -> None:
    """Send an execution to its agent, or look for one."""
    taken(dispatch_execution, execution_id)
    dispatch.dispatch(UUID(execution_id))


@job("gateway", timeout_seconds=120)
def sync_heartbeats(gateway_id: str) -> None:
    """Write the heartbeat blocks of a gateway's agents that changed, in one patch."""
    taken(sync_heartbeats, gateway_id)
    sweeps.sync_heartbeats(UUID(gateway_id))


@job("gateway", timeout_seconds=1800)
def run_template_sync(sync_id: str) -> None:
    """Write the files of a gateway's agents."""
    taken(run_template_sync, sync_id)
    syncs.run(UUID(sync_id))


@job("documents", timeout_seconds=900)
def sync_skill_pack(pack_id: str) -> None:
    """Read a skill pack."""
    taken(sync_skill_pack, pack_id)
    skill_sync.run(UUID(pack_id))


@job("documents", timeout_seconds=900)
def scan_skill(skill_id: str) -> None:
    """Look at the files of a skill that was added by its address."""
    taken(scan_skill, skill_id)
    skill_look.run(UUID(skill_id))


@job("gateway", timeout_seconds=60)
def ingest_usage(wish: str) -> None:
    """Read what a session of an agent used."""
    taken(ingest_usage, wish)
    usage_ingest.run(wish)


@job("default", timeout_seconds=60)
def sweep_usage() -> None:
    """Read again what the permanent connection may have missed."""
    usage_ingest.sweep()


@job("gateway", timeout_seconds=60)
def sweep_gateway_usage(gateway_id: str) -> None:
    """Look through the sessions of one gateway."""
    usage_ingest.sweep_gateway(UUID(gateway_id))


@job("default", timeout_seconds=60)
def sweep_budgets() -> None:
    """Resume whom a budget paused in a period that is over."""
    budgets.look_again()


@job("default", timeout_seconds=30)
def sweep() -> None:
    """Wake a worker for everything that is due and was not woken."""
    sweeps.sweep()


@job("default", timeout_seconds=60)
def sweep_stale() -> None:
    """Name the setups that nobody works on any more; fail executions without a target."""
    sweeps.sweep_stale()


@job("default", timeout_seconds=120)
def retain_beats() -> None:
    """Drop beats older than 24 hours."""
    sweeps.retain_beats()
