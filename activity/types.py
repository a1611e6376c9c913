"""The one table of event types (ruling 1).

``name`` is stored. ``wire`` is the name that the REST feed shows where an earlier API used
another; ``{key}`` in it is filled from the event's data. ``audit`` marks facts that also enter the
hash chain. ``frame`` is the type of the board socket's frame. ``sentence`` is what people read;
``{actor}``, ``{target}`` and the data's keys are filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from . import fleet_types, talk_types, webhook_types
from .event_type import Blank, EventType


def _audited(name: str, sentence: Any, icon: str, wire: str = "", frame: str = "") -> EventType:
    return EventType(name, sentence, icon, wire, audit=True, frame=frame)


def _run(name: str, sentence: Any, icon: str) -> EventType:
    return EventType(name, sentence, icon, frame="execution.changed")


_TABLE: tuple[EventType, ...] = (
    # tasks
    EventType("task.created", _("{actor} created {target}"), "plus", frame="task.created"),
    EventType("task.updated", _("{actor} changed {target}"), "edit", frame="task.updated"),
    EventType(
        "task.moved",
        _("{actor} moved {target} to {to}"),
        "arrows-exchange",
        wire="task.status_changed",
        frame="task.updated",
    ),
    EventType(
        "task.assigned",
        _("{actor} assigned {target} to {assignee}"),
        "user",
        wire="task.updated",
        frame="task.updated",
    ),
    EventType("task.deleted", _("{actor} deleted {target}"), "trash", frame="task.deleted"),
    EventType(
        "task.commented",
        _("{actor} commented on {target}"),
        "message-circle",
        wire="task.comment",
        frame="task.comment_added",
    ),
    EventType(
        "task.comment_edited",
        _("{actor} changed a comment on {target}"),
        "edit",
        frame="task.comment_edited",
    ),
    EventType(
        "task.comment_deleted",
        _("{actor} deleted a comment on {target}"),
        "trash",
        frame="task.comment_deleted",
    ),
    EventType(
        "task.unblocked", _("{target} is no longer blocked"), "lock-open", frame="task.updated"
    ),
    EventType(
        "task.relocated",
        _("{actor} moved {target} to another board"),
        "arrows-exchange",
        frame="task.deleted",
    ),
    EventType(
        "task.notified",
        _("{agent} was told about {target}"),
        "send",
        wire="task.assignee_notified",
        frame="task.updated",
    ),
    EventType(
        "task.notify_failed",
        _("{agent} could not be told about {target}: {reason}"),
        "alert-triangle",
        wire="task.assignee_notify_failed",
        frame="task.updated",
    ),
    EventType(
        "task.woken",
        _("{agent} was woken for {target}"),
        "bell",
        wire="task.assignee_woken",
        frame="task.updated",
    ),
    EventType(
        "task.wake_failed",
        _("{agent} could not be woken for {target}: {reason}"),
        "alert-triangle",
        wire="task.assignee_wake_failed",
        frame="task.updated",
    ),
    EventType(
        "task.unanswered",
        _("{agent} got {target} and has not answered"),
        "clock",
        frame="task.updated",
    ),
    _audited("task.decided", _("{actor} finished {target} by his own decision"), "check"),
    # boards
    EventType(
        "board_group.created",
        _("{actor} created the group {target}"),
        "folders",
        wire="board.group.created",
    ),
    EventType(
        "board_group.updated",
        _("{actor} changed the group {target}"),
        "folders",
        wire="board.group.updated",
    ),
    EventType(
        "board_group.deleted",
        _("{actor} deleted the group {target}"),
        "trash",
        wire="board.group.deleted",
    ),
    EventType("board.created", _("{actor} created the board {target}"), "layout-kanban"),
    EventType(
        "board.updated", _("{actor} changed the board {target}"), "edit", frame="board.updated"
    ),
    _audited(
        "board.policy_changed",
        _("{actor} changed the rules of {target}"),
        "shield-half",
        wire="board.updated",
        frame="board.updated",
    ),
    _audited("board.deleted", _("{actor} deleted the board {target}"), "trash"),
    EventType("board.paused", _("{actor} paused {target}"), "player-pause", frame="board.updated"),
    EventType("board.resumed", _("{actor} resumed {target}"), "player-play", frame="board.updated"),
    _audited("board.access_changed", _("{actor} changed who may use {target}"), "key"),
    # inbound webhooks
    _audited("webhook.created", _("{actor} added the webhook {target}"), "link"),
    _audited("webhook.updated", _("{actor} changed the webhook {target}"), "edit"),
    _audited("webhook.deleted", _("{actor} deleted the webhook {target}"), "trash"),
    EventType("webhook.received", _("{target} received a payload"), "download"),
    EventType(
        "webhook.redelivery_requested",
        _("{actor} sent a payload of {target} to the agent again"),
        "refresh",
    ),
    EventType("webhook.delivered", _("{agent} got a payload of {target}"), "send"),
    EventType(
        "webhook.skipped", _("Nobody was told of a payload of {target}: {reason}"), "circle-minus"
    ),
    EventType(
        "webhook.failed",
        _("{agent} could not be told of a payload of {target}: {reason}"),
        "alert-triangle",
    ),
    # onboarding interviews
    EventType("onboarding.started", _("{actor} started the interview for {target}"), "sparkles"),
    EventType("onboarding.asked", _("{actor} asked about {target}"), "message-circle"),
    EventType("onboarding.answered", _("{actor} answered about {target}"), "message-circle"),
    EventType("onboarding.completed", _("{actor} proposed a goal for {target}"), "checkup-list"),
    _audited("onboarding.confirmed", _("{actor} confirmed the goal of {target}"), "check"),
    EventType("onboarding.cancelled", _("{actor} ended the interview for {target}"), "x"),
    # tags and custom fields
    EventType("tag.created", _("{actor} created the tag {target}"), "tag"),
    EventType("tag.updated", _("{actor} changed the tag {target}"), "tag"),
    EventType("tag.deleted", _("{actor} deleted the tag {target}"), "trash"),
    EventType("custom_field.created", _("{actor} created the field {target}"), "plus"),
    EventType("custom_field.updated", _("{actor} changed the field {target}"), "edit"),
    EventType("custom_field.deleted", _("{actor} deleted the field {target}"), "trash"),
    # approvals and executions
    EventType(
        "approval.requested",
        _("{actor} asked for approval: {target}"),
        "checkup-list",
        wire="approval.created",
        frame="approval.changed",
    ),
    _audited(
        "approval.resolved",
        _("{actor} {status} {target}"),
        "check",
        wire="approval.{status}",
        frame="approval.changed",
    ),
    _audited(
        "approval.reopened", _("{actor} reopened {target}"), "refresh", frame="approval.changed"
    ),
    _audited("approval.cancelled", _("{actor} withdrew {target}"), "x", frame="approval.changed"),
    _audited(
        "approval.expired",
        _("{target} was not decided in time and counts as refused"),
        "clock",
        frame="approval.changed",
    ),
    EventType(
        "approval.answered",
        _("The gateway was told: {decision} for {target}"),
        "send",
        frame="approval.changed",
    ),
    _audited(
        "approval.decided_elsewhere",
        _("{target} was decided elsewhere: {decision}"),
        "external-link",
        frame="approval.changed",
    ),
    EventType(
        "approval.notified",
        _("{agent} was told the decision on {target}"),
        "send",
        wire="approval.lead_notified",
    ),
    EventType(
        "approval.notify_failed",
        _("{agent} could not be told the decision on {target}: {reason}"),
        "alert-triangle",
        wire="approval.lead_notify_failed",
    ),
    _run("execution.created", _("{actor} asked to run {target}"), "player-play"),
    _run("execution.dispatched", _("{target} was sent to {agent}"), "send"),
    _run("execution.running", _("{agent} runs {target}"), "player-play"),
    _run("execution.succeeded", _("{target} succeeded"), "check"),
    _run("execution.failed", _("{target} failed: {reason}"), "alert-triangle"),
    _run("execution.cancelled", _("{actor} cancelled {target}"), "x"),
    # agents
    EventType("agent.created", _("{actor} created the agent {target}"), "robot"),
    EventType("agent.updated", _("{actor} changed the agent {target}"), "edit"),
    EventType("agent.attached", _("{actor} attached {target} to a board"), "link"),
    EventType("agent.detached", _("{target} was released from its board"), "unlink"),
    EventType(
        "agent.provisioning",
        _("{target} is being set up"),
        "refresh",
        wire="agent.provision.started",
    ),
    EventType(
        "agent.provisioned",
        _("{target} was set up on its gateway"),
        "check",
        wire="agent.provision.direct",
    ),
    EventType(
        "agent.provision_failed",
        _("{target} could not be set up: {reason}"),
        "alert-triangle",
        wire="agent.provision.failed",
    ),
    EventType("agent.wakeup_sent", _("{target} was woken"), "bell", wire="agent.wakeup.sent"),
    EventType(
        "agent.checked_in", _("{target} checked in"), "plug-connected", wire="agent.heartbeat"
    ),
    EventType("agent.offline", _("{target} is offline: {reason}"), "plug-connected-x"),
    EventType("agent.paused", _("{actor} paused {target}"), "player-pause"),
    EventType("agent.resumed", _("{actor} resumed {target}"), "player-play"),
    _audited(
        "agent.token_rotated",
        _("{actor} rotated the token of {target}"),
        "key",
        wire="agent.token.rotated",
    ),
    EventType("agent.delete_requested", _("{actor} asked to delete the agent {target}"), "trash"),
    _audited(
        "agent.deleted",
        _("{actor} deleted the agent {target}"),
        "trash",
        wire="agent.delete.direct",
    ),
    EventType(
        "agent.delete_failed",
        _("{target} could not be removed from its gateway: {reason}"),
        "alert-triangle",
        wire="agent.delete.failed",
    ),
    # gateways
    _audited("gateway.created", _("{actor} added the gateway {target}"), "server-2"),
    _audited("gateway.updated", _("{actor} changed the gateway {target}"), "edit"),
    _audited("gateway.deleted", _("{actor} removed the gateway {target}"), "trash"),
    EventType("gateway.cleaned_up", _("What {target} still ran was removed from it"), "trash"),
    _audited(
        "gateway.cleanup_failed",
        _("Agents were left on {target}, which was removed: {reason}"),
        "alert-triangle",
    ),
    EventType("gateway.status_changed", _("{target} is {status}"), "server-2"),
    _audited(
        "gateway.checked", _("{actor} tested the connection to {target}: {status}"), "stethoscope"
    ),
    EventType(
        "gateway.templates_synced",
        _("{actor} synchronised the agent files of {target}"),
        "refresh",
        wire="gateway.templates.synced",
    ),
    _audited(
        "gateway.message_sent",
        _("{actor} wrote to a session of {target}"),
        "send",
        wire="gateway.session.message",
    ),
    _audited(
        "gateway.policy_changed",
        _("{actor} set the command policy of {target} to {mode}"),
        "shield-half",
    ),
    # organizations, people, credentials
    EventType(
        "organization.created",
        _("{actor} created the organization {target}"),
        "building",
        wire="org.created",
    ),
    EventType(
        "organization.updated",
        _("{actor} changed the organization {target}"),
        "building",
        wire="org.updated",
    ),
    _audited(
        "organization.deleted",
        _("{actor} deleted the organization {target}"),
        "trash",
        wire="org.deleted",
    ),
    _audited(
        "member.added", _("{target} joined the organization"), "user-plus", wire="org.member.added"
    ),
    _audited(
        "member.role_changed",
        _("{actor} made {target} {role}"),
        "user",
        wire="org.member.role_changed",
    ),
    _audited(
        "member.access_changed",
        _("{actor} changed the access of {target}"),
        "key",
        wire="org.member.access_changed",
    ),
    _audited(
        "member.removed", _("{actor} removed {target}"), "user-minus", wire="org.member.removed"
    ),
    _audited(
        "member.left", _("{target} left the organization"), "logout", wire="org.member.removed"
    ),
    _audited("invite.created", _("{actor} invited {target}"), "send", wire="org.invite.created"),
    _audited(
        "invite.revealed",
        _("{actor} looked at the link of the invitation for {target}"),
        "eye",
        wire="org.invite.revealed",
    ),
    _audited(
        "invite.revoked",
        _("{actor} revoked the invitation for {target}"),
        "x",
        wire="org.invite.revoked",
    ),
    _audited(
        "invite.accepted",
        _("{actor} accepted the invitation for {target}"),
        "user-plus",
        wire="org.invite.accepted",
    ),
    _audited("auth.signed_in", _("{actor} signed in"), "login", wire="auth.login"),
    _audited(
        "auth.sign_in_failed", _("A sign-in failed"), "alert-triangle", wire="auth.login_failed"
    ),
    _audited("auth.signed_out", _("{actor} signed out"), "logout", wire="auth.logout"),
    _audited("auth.second_factor_enabled", _("{actor} turned his second factor on"), "lock"),
    _audited("auth.second_factor_disabled", _("{actor} turned his second factor off"), "lock-open"),
    _audited(
        "auth.second_factor_reset", _("{actor} removed the second factor of {target}"), "key-off"
    ),
    _audited("auth.recovery_codes_renewed", _("{actor} made new recovery codes"), "refresh"),
    _audited("auth.recovery_code_used", _("{actor} signed in with a recovery code"), "key"),
    _audited("auth.passkey_added", _("{actor} added the passkey {target}"), "key"),
    _audited("auth.passkey_removed", _("{actor} removed the passkey {target}"), "key-off"),
    _audited("auth.session_ended", _("{actor} signed out of another browser"), "logout"),
    _audited("auth.sessions_ended", _("{actor} signed out of {count} browsers"), "logout"),
    EventType("history.imported", _("Earlier: {message}"), "history"),
    _audited("data.imported", _("{actor} imported the data of another installation"), "building"),
    _audited("token.created", _("{actor} created the access token {target}"), "key"),
    _audited("token.revoked", _("{actor} revoked the access token {target}"), "key-off"),
    _audited("user.super_admin_granted", _("{actor} made {target} a super admin"), "shield-half"),
    _audited(
        "user.super_admin_revoked",
        _("{actor} took the rights of a super admin from {target}"),
        "key-off",
    ),
    _audited("user.registered", _("{actor} made an account by an invitation"), "user-plus"),
    _audited("user.updated", _("{actor} changed his profile"), "user"),
    _audited("user.deleted", _("{target} deleted the own account"), "trash"),
    EventType("notification_channel.created", _("{actor} added a notification channel"), "bell"),
    EventType("notification_channel.updated", _("{actor} changed a notification channel"), "bell"),
    EventType("notification_channel.deleted", _("{actor} removed a notification channel"), "bell"),
    _audited("notification_channel.tested", _("{actor} tried a notification channel"), "bell"),
    _audited("user.password_changed", _("{actor} changed his password"), "key"),
)

TYPES: dict[str, EventType] = {
    entry.name: entry
    for entry in (
        *_TABLE,
        *talk_types.TABLE,
        *fleet_types.TABLE,
        *webhook_types.TABLE,
    )
}


def get(name: str) -> EventType:
    """The entry of a stored type.

    Raises:
        KeyError: a type that nobody declared; a programming error.
    """
    return TYPES[name]


def sentence_of(name: str, *, actor: str, target: str, data: Mapping[str, Any]) -> str:
    """The event as one sentence in the active language."""
    entry = TYPES.get(name)
    if entry is None:
        return name
    return filled(str(entry.sentence), actor=actor, target=target, data=data)


def filled(sentence: str, *, actor: str, target: str, data: Mapping[str, Any]) -> str:
    """A sentence of the table with its words put in."""
    words = Blank(data)
    words["actor"], words["target"] = actor, target
    return sentence.format_map(words)


def names_for_wire(wire: str) -> set[str]:
    """Stored types that a wire filter means; a trailing ``*`` is a prefix."""
    if wire.endswith("*"):
        prefix = wire[:-1]
        return {n for n, e in TYPES.items() if n.startswith(prefix) or e.wire.startswith(prefix)}
    found = {n for n, e in TYPES.items() if wire in (n, e.wire)}
    if wire in ("approval.approved", "approval.rejected"):
        found.add("approval.resolved")
    return found
