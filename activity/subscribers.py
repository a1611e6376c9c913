"""What the event log itself does with events: it tells endpoints elsewhere."""

from __future__ import annotations

from . import types
from .services.webhooks import fan_out, wanted_types
from .subscribe import subscribe


def register() -> None:
    """Join the log."""
    subscribe(tuple(types.TYPES), fan_out, narrowed=wanted_types)
