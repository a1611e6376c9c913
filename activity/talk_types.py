"""Kinds of events about what is said on boards and in groups, and about messages to agents."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .event_type import EventType

_NOT_TOLD = _("{agent} could not be told about {target}: {reason}")

TABLE: tuple[EventType, ...] = (
    # what is said
    EventType(
        "board.chatted",
        _("{actor} wrote in the chat of {target}"),
        "message-circle",
        wire="board.chat.message",
        frame="memory.added",
    ),
    EventType(
        "board.noted",
        _("{actor} added a note to {target}"),
        "bookmark",
        wire="board.memory.created",
        frame="memory.added",
    ),
    EventType(
        "board_group.chatted",
        _("{actor} wrote to the group {target}"),
        "message-circle",
        wire="board.group.chat.message",
        is_of_target=True,
    ),
    EventType(
        "board_group.noted",
        _("{actor} added a note to the group {target}"),
        "bookmark",
        wire="board.group.memory.created",
        is_of_target=True,
    ),
    EventType("user.mentioned", _("{actor} mentioned {target} in {title}"), "user"),
    EventType(
        "board_group.heartbeat_set",
        _("{actor} set the heartbeat of the group {target} to {every}"),
        "alarm",
        wire="board.group.heartbeat",
    ),
    # what agents were told
    EventType("task.lead_notified", _("{agent} was told about {target}"), "send", frame="activity"),
    EventType("task.lead_notify_failed", _NOT_TOLD, "alert-triangle"),
    EventType(
        "task.lead_unassigned_notified", _("{agent} was told that nobody has {target}"), "send"
    ),
    EventType("task.lead_unassigned_notify_failed", _NOT_TOLD, "alert-triangle"),
    EventType(
        "task.rework_notified",
        _("{agent} was told what to change on {target}"),
        "send",
        frame="task.updated",
    ),
    EventType("task.rework_notify_failed", _NOT_TOLD, "alert-triangle", frame="task.updated"),
    EventType("board.lead_notified", _("{agent} was told what changed on {target}"), "send"),
    EventType("board.lead_notify_failed", _NOT_TOLD, "alert-triangle"),
    EventType(
        "board.chat_notify_failed",
        _("{agent} could not be told what was said on {target}: {reason}"),
        "alert-triangle",
        wire="board.chat.notify_failed",
    ),
    EventType(
        "board_group.chat_notify_failed",
        _("{agent} could not be told what was said in the group {target}: {reason}"),
        "alert-triangle",
        wire="board.group.chat.notify_failed",
    ),
    EventType(
        "board.group_join_notified",
        _("{agent} was told that {target} joined the group {group}"),
        "send",
        wire="board.group.join.notified",
    ),
    EventType(
        "board.group_join_notify_failed",
        _("{agent} could not be told that {target} joined the group {group}: {reason}"),
        "alert-triangle",
        wire="board.group.join.notify_failed",
    ),
    EventType(
        "board.group_leave_notified",
        _("{agent} was told that {target} left the group {group}"),
        "send",
        wire="board.group.leave.notified",
    ),
    EventType(
        "board.group_leave_notify_failed",
        _("{agent} could not be told that {target} left the group {group}: {reason}"),
        "alert-triangle",
        wire="board.group.leave.notify_failed",
    ),
)
