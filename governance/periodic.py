"""Periodic work of governance."""

from __future__ import annotations

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic: tuple[Periodic, ...] = (
    Periodic("governance.expire_approvals", 10, jobs.expire_approvals),
)
