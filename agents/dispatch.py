"""Leased dispatch of executions: find the agent, start the task, send the message."""

from __future__ import annotations

from uuid import UUID

from missioncontrol.kernel import leases
from missioncontrol.kernel.errors import DomainError

from .models import Execution
from .services import executions

LOOK_AGAIN_SECONDS = 60.0


def dispatch(execution_id: UUID) -> bool:
    """Dispatch one execution; ``False`` while it waits for an agent or another worker has it."""
    owner = leases.owner_name()
    if not leases.claim(executions.undispatched(), execution_id, owner):
        return False
    sent = False
    try:
        sent = executions.dispatch_execution(execution_id)
    except DomainError as refusal:
        reason = f"{refusal.machine_code}: {refusal.detail}"
        executions.record_failed(execution_id, reason=reason)
    finally:
        pause = None if sent else LOOK_AGAIN_SECONDS
        leases.release(Execution, execution_id, owner, retry_in_seconds=pause)
    return sent
