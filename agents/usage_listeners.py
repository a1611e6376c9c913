"""What budgets do when something happened elsewhere."""

from __future__ import annotations

from activity.subscribe import EventView, subscribe

from .services import budgets


def register() -> None:
    """A resumed agent is no longer held by a budget."""
    subscribe("agent.resumed", agent_resumed, inside=True)


def agent_resumed(event: EventView) -> None:
    """Whoever resumed it: the budget lets go."""
    if event.target_id is not None:
        budgets.forget_pause(event.target_id)
