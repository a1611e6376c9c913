"""What the marketplace does when something happened elsewhere."""

from __future__ import annotations

from activity.subscribe import EventView, subscribe

from .services import skill_packs


def register() -> None:
    """A new organization begins with the packs of the installation."""
    subscribe("organization.created", organization_created, inside=True)


def organization_created(event: EventView) -> None:
    """Name the default packs; nothing is read yet."""
    skill_packs.add_default_packs(event.organization_id)
