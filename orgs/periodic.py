"""Periodic work of people and organizations."""

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic = (
    Periodic("orgs.sweep", 30, jobs.sweep),
    Periodic("orgs.retain_notifications", 3600, jobs.retain_notifications),
    Periodic("orgs.clear_sessions", 3600, jobs.clear_sessions),
)
