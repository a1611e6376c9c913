"""Jobs of governance."""

from __future__ import annotations

from missioncontrol.kernel.jobs import job

from . import services


@job("default", timeout_seconds=60)
def expire_approvals() -> int:
    """Expire what nobody decided in time."""
    return services.expire_due()
