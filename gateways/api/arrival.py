"""Waiting until a new gateway's own agent is set up; ``agents`` registers how (core 24.3)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

Wait = Callable[[UUID], object]
_wait: Wait | None = None


def register(wait: Wait) -> None:
    """Name what waits for the own agent of a gateway."""
    global _wait  # noqa: PLW0603 - one registration at start
    _wait = wait


def wait_for(gateway_id: UUID) -> None:
    """Wait a while.

    Raises:
        RemoteFailed: the agent could not be set up; gateway and agent stay.
    """
    if _wait is not None:
        _wait(gateway_id)
