"""Periodic work of boards."""

from __future__ import annotations

from missioncontrol.kernel.schedule import Periodic

from . import jobs

periodic: tuple[Periodic, ...] = (
    Periodic("boards.presence_sweep", 10, jobs.sweep_presence),
    Periodic("boards.rerank", 3600, jobs.rerank),
    Periodic("boards.retain_payloads", 3600, jobs.retain_payloads),
)
