"""Which sign and which word stand for a state: one table for every page.

A state class (`is-*`) carries the colour, a glyph the shape, a word the meaning. Pages pass the
stored value and never choose a colour themselves.
"""

from __future__ import annotations

import colorsys
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Sign(NamedTuple):
    """How one state looks and what it is called."""

    state: str
    word: str | Promise
    glyph: str = ""


TASK_STATUS: dict[str, Sign] = {
    "todo": Sign("is-todo", _("To do"), "mc-todo"),
    "in_progress": Sign("is-progress", _("In progress"), "mc-progress"),
    "review": Sign("is-review", _("Review"), "mc-review"),
    "done": Sign("is-done", _("Done"), "mc-done"),
    "blocked": Sign("is-blocked", _("Blocked"), "mc-blocked"),
}

LEVEL: dict[str, Sign] = {
    "low": Sign("is-low", _("Low"), "mc-level-1"),
    "medium": Sign("is-medium", _("Medium"), "mc-level-2"),
    "high": Sign("is-high", _("High"), "mc-level-3"),
    "critical": Sign("is-critical", _("Critical"), "mc-level-4"),
}

STATE: dict[str, Sign] = {
    # agents
    "online": Sign("is-online", _("Online")),
    "busy": Sign("is-busy", _("Busy")),
    "idle": Sign("is-idle", _("Idle")),
    "late": Sign("is-late", _("Late")),
    "offline": Sign("is-offline", _("Offline")),
    "paused": Sign("is-paused", _("Paused")),
    "error": Sign("is-error", _("Error")),
    "draft": Sign("is-draft", _("Draft")),
    "provisioning": Sign("is-provisioning", _("Provisioning")),
    "updating": Sign("is-updating", _("Updating")),
    "deleting": Sign("is-draft", _("Deleting")),
    # gateways
    "unverified": Sign("is-draft", _("Not checked")),
    "checking": Sign("is-updating", _("Checking")),
    "degraded": Sign("is-degraded", _("Degraded")),
    "incompatible": Sign("is-error", _("Incompatible")),
    "unauthorized": Sign("is-error", _("Token refused")),
    "pairing_required": Sign("is-pending", _("Pairing needed")),
    "revoked": Sign("is-revoked", _("Revoked")),
    # decisions
    "pending": Sign("is-pending", _("Pending")),
    "approved": Sign("is-approved", _("Approved")),
    "rejected": Sign("is-rejected", _("Rejected")),
    "cancelled": Sign("is-cancelled", _("Cancelled")),
    "expired": Sign("is-expired", _("Expired")),
    "escalated": Sign("is-escalated", _("Escalated")),
    # answers on their way to a gateway
    "answer_pending": Sign("is-updating", _("Answer not delivered yet")),
    "decided_elsewhere": Sign("is-expired", _("Decided elsewhere")),
    # checks of the connection doctor
    "ok": Sign("is-ok", _("Passed"), "circle-check"),
    "warn": Sign("is-warn", _("Look at this"), "alert-triangle"),
    "fail": Sign("is-error", _("Failed"), "circle-x"),
    "skip": Sign("is-neutral", _("Not run"), "circle-minus"),
}

EVENT_ICONS: dict[str, Sign] = {
    "task.created": Sign("is-neutral", "", "plus"),
    "task.moved": Sign("is-progress", "", "arrow-right"),
    "task.comment": Sign("is-neutral", "", "message-circle"),
    "task.commented": Sign("is-neutral", "", "message-circle"),
    "task.deleted": Sign("is-neutral", "", "trash"),
    "task": Sign("is-neutral", "", "layout-kanban"),
    "approval.requested": Sign("is-pending", "", "checkup-list"),
    "approval.created": Sign("is-pending", "", "checkup-list"),
    "approval.approved": Sign("is-done", "", "check"),
    "approval.rejected": Sign("is-blocked", "", "x"),
    "approval.expired": Sign("is-neutral", "", "hourglass"),
    "approval": Sign("is-neutral", "", "checkup-list"),
    "agent.offline": Sign("is-high", "", "alert-triangle"),
    "agent": Sign("is-neutral", "", "robot"),
    "gateway": Sign("is-neutral", "", "server-2"),
    "board": Sign("is-neutral", "", "layout-kanban"),
    "board_group": Sign("is-neutral", "", "folders"),
    "webhook": Sign("is-neutral", "", "link"),
    "tag": Sign("is-neutral", "", "tag"),
    "token": Sign("is-neutral", "", "key"),
    "auth": Sign("is-neutral", "", "key"),
    "invite": Sign("is-neutral", "", "users"),
    "member": Sign("is-neutral", "", "users"),
    "org": Sign("is-neutral", "", "users"),
    "execution": Sign("is-progress", "", "player-play"),
}

FALLBACK_EVENT = Sign("is-neutral", "", "activity")

# Upper bound of the hue angle in degrees -> class, for colours that users give to tags.
TAG_HUES = (
    (18, "is-blocked"),
    (40, "is-high"),
    (65, "is-pending"),
    (160, "is-done"),
    (185, "is-idle"),
    (205, "is-progress"),
    (245, "is-custom-1"),
    (285, "is-review"),
    (335, "is-custom-2"),
    (360, "is-blocked"),
)
GREY_BELOW = 0.12


def task_sign(status: str, *, is_blocked: bool = False) -> Sign:
    """Sign of a task; blocked wins over its status unless it is done."""
    if is_blocked and status != "done":
        return TASK_STATUS["blocked"]
    return TASK_STATUS.get(status, Sign("is-neutral", status, "mc-todo"))


def level_sign(level: str | None) -> Sign:
    """Sign of a priority or risk; an unknown word is shown as it is, without bars lit."""
    return LEVEL.get(level or "", Sign("is-low", level or "", "mc-level-1"))


def state_sign(state: str | None) -> Sign:
    """Sign of an agent's, gateway's, decision's or check's state."""
    return STATE.get(state or "", Sign("is-neutral", state or ""))


def event_sign(event_type: str) -> Sign:
    """Icon of an event: its own, that of its failure, or that of its noun."""
    own = EVENT_ICONS.get(event_type)
    if own is not None:
        return own
    if event_type.endswith("failed"):
        return Sign("is-blocked", "", "ban")
    if event_type.endswith(("online", "connected")):
        return Sign("is-done", "", "plug-connected")
    if event_type.endswith(("offline", "disconnected")):
        return Sign("is-high", "", "plug-connected-x")
    return EVENT_ICONS.get(event_type.split(".", 1)[0], FALLBACK_EVENT)


def tag_state(color: str | None) -> str:
    """Nearest of the kit's hues for a colour of six hexadecimal digits."""
    digits = (color or "").lstrip("#")
    try:
        red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    except ValueError:
        return "is-neutral"
    hue, _lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < GREY_BELOW:
        return "is-neutral"
    return next(name for bound, name in TAG_HUES if hue * 360 <= bound)
