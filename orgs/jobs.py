"""Queue entry points. The rows decide what there is to do; a job that comes twice finds nothing."""

from __future__ import annotations

from uuid import UUID

from missioncontrol.kernel.jobs import job

from . import mailing
from .notices import delivery
from .services import browser_sessions


@job("webhooks", timeout_seconds=60)
def send_invite(invite_id: str) -> None:
    """Send the message with the link of an invitation."""
    mailing.send_invite(UUID(invite_id))


@job("default", timeout_seconds=30)
def sweep() -> None:
    """Wake a worker for every message that is due and was not woken."""
    mailing.sweep()
    delivery.sweep()


@job("webhooks", timeout_seconds=60)
def deliver_notification(delivery_id: str) -> None:
    """Send one notification on one channel."""
    delivery.deliver(UUID(delivery_id))


@job("default", timeout_seconds=120)
def retain_notifications() -> None:
    """Drop notifications older than 90 days."""
    delivery.retain()


@job("default", timeout_seconds=120)
def clear_sessions() -> None:
    """Drop browser sessions and one-time links that have run out."""
    browser_sessions.clear()
