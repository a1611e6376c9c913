"""Periodic work of gateways."""

from __future__ import annotations

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic: tuple[Periodic, ...] = (
    Periodic("gateways.check_due", 30, jobs.check_due),
    Periodic("gateways.cleanups", 15, jobs.sweep_cleanups),
    Periodic("gateways.prune_history", 86_400, jobs.prune_history),
)
