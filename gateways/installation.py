"""What gateways have to know about where this installation runs."""

from __future__ import annotations

from pathlib import Path

_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


def in_container() -> bool:
    """Whether ``localhost`` means a container here and not the host."""
    return any(mark.exists() for mark in _CONTAINER_MARKS)
