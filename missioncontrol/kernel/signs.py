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
    "restarting": Sign("is-updating", _("Restarting")),
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
    "sent": Sign("is-ok", _("Answer delivered")),
    "lost": Sign("is-expired", _("No longer asked")),
    "decided_elsewhere": Sign("is-expired", _("Decided elsewhere")),
    # checks of the connection doctor
    "ok": Sign("is-ok", _("Passed"), "circle-check"),
    "warn": Sign("is-warn", _("Look at this"), "alert-triangle"),
    "fail": Sign("is-error", _("Failed"), "circle-x"),
    "skipped": Sign("is-neutral", _("Not run"), "circle-minus"),
}

ROLE_WORDS: dict[str, Promise] = {
    "member": _("Member"),
    "admin": _("Admin"),
    "owner": _("Owner"),
}

# Hue of events in a timeline, by type or by how the type ends; most stay grey.
EVENT_STATES: dict[str, str] = {
    "task.moved": "is-progress",
    "task.decided": "is-done",
    "task.unanswered": "is-high",
    "approval.requested": "is-pending",
    "approval.expired": "is-high",
    "agent.provisioning": "is-review",
    "agent.provisioned": "is-done",
    "agent.offline": "is-high",
    "execution.succeeded": "is-done",
    "auth.sign_in_failed": "is-high",
}
# Events whose data name a state beside the point: their own icon says more.
OWN_SIGN = {"agent.wakeup_sent", "agent.provisioned"}
OUTCOME_STATES = {
    "approved": ("check", "is-done"),
    "rejected": ("x", "is-blocked"),
    "done": ("circle-check", "is-done"),
    "online": ("plug-connected", "is-done"),
    "offline": ("plug-connected-x", "is-high"),
    "error": ("plug-connected-x", "is-blocked"),
    "degraded": ("alert-triangle", "is-high"),
}

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


def role_word(role: str) -> str | Promise:
    """Word of a member's role; an unknown one is shown as it is."""
    return ROLE_WORDS.get(role, role)


def event_sign(event_type: str, glyph: str = "", outcome: str = "") -> Sign:
    """Icon and hue of an event.

    Args:
        event_type: stored type, such as `task.moved`.
        glyph: icon that the table of types names; without it the plain one of events.
        outcome: word in the event's data that decides its hue, such as `rejected`.
    """
    glyph = glyph or "activity"
    if outcome in OUTCOME_STATES and event_type not in OWN_SIGN:
        glyph, state = OUTCOME_STATES[outcome]
        return Sign(state, "", glyph)
    if event_type.endswith("failed"):
        return Sign("is-blocked", "", glyph)
    return Sign(EVENT_STATES.get(event_type, "is-neutral"), "", glyph)


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
