"""Periodic work of agents."""

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic = (
    Periodic("agents.sweep", 5, jobs.sweep),
    Periodic("agents.sweep_usage", 600, jobs.sweep_usage),
    Periodic("agents.sweep_budgets", 60, jobs.sweep_budgets),
    Periodic("agents.sweep_stale", 60, jobs.sweep_stale),
    Periodic("agents.retain_beats", 3600, jobs.retain_beats),
)
