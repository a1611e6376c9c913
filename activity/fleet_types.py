"""Kinds of events about what agents say to each other, skills, and budgets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from .event_type import EventType


def _audited(name: str, sentence: Any, icon: str, wire: str = "") -> EventType:
    return EventType(name, sentence, icon, wire, audit=True)


TABLE: tuple[EventType, ...] = (
    # agents speak to each other
    EventType("agent.nudged", _("{actor} nudged {target}"), "bell", wire="agent.nudge.sent"),
    EventType(
        "agent.nudge_failed",
        _("{actor} could not nudge {target}: {reason}"),
        "alert-triangle",
        wire="agent.nudge.failed",
    ),
    EventType(
        "agent.soul_updated",
        _("{actor} rewrote the character of {target}"),
        "edit",
        wire="agent.soul.updated",
    ),
    _audited("agent.linked", _("{actor} took over {target} from its gateway"), "link"),
    _audited("agent.unlinked", _("{actor} released {target}; it stays on its gateway"), "unlink"),
    EventType(
        "agent.user_asked",
        _("{actor} asked a person through {target}"),
        "message-circle",
        wire="gateway.lead.ask_user.sent",
    ),
    EventType(
        "agent.user_ask_failed",
        _("{actor} could not ask a person through {target}: {reason}"),
        "alert-triangle",
        wire="gateway.lead.ask_user.failed",
    ),
    EventType(
        "agent.lead_messaged",
        _("{actor} wrote to {target}"),
        "send",
        wire="gateway.main.lead_message.sent",
    ),
    EventType(
        "agent.lead_message_failed",
        _("{actor} could not write to {target}: {reason}"),
        "alert-triangle",
        wire="gateway.main.lead_message.failed",
    ),
    EventType(
        "agent.leads_told",
        _("{actor} wrote to {sent} leads, {failed} not reached"),
        "send",
        wire="gateway.main.lead_broadcast.sent",
    ),
    # skills and budgets
    EventType("skill_pack.created", _("{actor} added the skill pack {target}"), "folders"),
    EventType("skill_pack.updated", _("{actor} changed the skill pack {target}"), "edit"),
    EventType("skill_pack.deleted", _("{actor} deleted the skill pack {target}"), "trash"),
    EventType(
        "skill_pack.synced",
        _("{target} was read: {synced} skills"),
        "refresh",
        wire="pack.synced",
    ),
    EventType(
        "skill_pack.sync_failed",
        _("{target} could not be read: {reason}"),
        "alert-triangle",
        wire="pack.sync_failed",
    ),
    EventType("skill.created", _("{actor} added the skill {target}"), "plus"),
    EventType(
        "skill.scanned", _("The files of {target} were looked at: {findings} findings"), "eye"
    ),
    EventType(
        "skill.scan_failed",
        _("The files of {target} could not be read: {reason}"),
        "alert-triangle",
    ),
    EventType("skill.deleted", _("{actor} deleted the skill {target}"), "trash"),
    _audited(
        "skill.install_requested", _("{actor} asked {gateway} to install {target}"), "download"
    ),
    _audited("skill.uninstall_requested", _("{actor} asked {gateway} to remove {target}"), "trash"),
    EventType("skill.installed", _("{gateway} installed {target}"), "check"),
    EventType("skill.uninstalled", _("{gateway} removed {target}"), "trash"),
    EventType(
        "skill.install_failed",
        _("{target} could not be set up on {gateway}: {reason}"),
        "alert-triangle",
    ),
    _audited("budget.created", _("{actor} set a budget for {target}"), "scale"),
    _audited("budget.updated", _("{actor} changed the budget of {target}"), "scale"),
    _audited("budget.deleted", _("{actor} removed the budget of {target}"), "trash"),
    _audited(
        "budget.threshold_reached",
        _("{target} has used {percent} percent of its budget of {limit} {currency}"),
        "alert-triangle",
    ),
)
