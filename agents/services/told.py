"""What became of a message to an agent, as an event of the task, board, group or approval.

Source: core specification 10.7, 6.2, 5 and 7 for the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from activity.models import ActivityEvent
from activity.publish import HasTarget, publish
from agents.models import Agent, AgentNotification
from boards.models import Board, BoardGroup, Task
from governance.models import Approval
from missioncontrol.kernel.actors import SystemActor

Kind = AgentNotification.Kind
WHO = "agent messages"
GROUP_GONE = "board_group.deleted"


class Names(NamedTuple):
    """Types of the events of one kind of message; empty where nothing is told."""

    delivered: str
    failed: str


_NAMES: Mapping[str, Names] = {
    Kind.TASK_ASSIGNED: Names("task.notified", "task.notify_failed"),
    Kind.EXECUTION: Names("task.notified", "task.notify_failed"),
    Kind.TASK_REWORK: Names("task.rework_notified", "task.rework_notify_failed"),
    Kind.TASK_CREATED: Names("task.lead_notified", "task.lead_notify_failed"),
    Kind.TASK_BACK: Names("task.lead_unassigned_notified", "task.lead_unassigned_notify_failed"),
    Kind.APPROVAL_RESOLVED: Names("approval.notified", "approval.notify_failed"),
    Kind.BOARD_UPDATED: Names("board.lead_notified", "board.lead_notify_failed"),
    Kind.BOARD_CHAT: Names("", "board.chat_notify_failed"),
    Kind.BOARD_COMMAND: Names("", "board.chat_notify_failed"),
    Kind.GROUP_CHAT: Names("", "board_group.chat_notify_failed"),
    Kind.GROUP_JOINED: Names("board.group_join_notified", "board.group_join_notify_failed"),
    Kind.GROUP_LEFT: Names("board.group_leave_notified", "board.group_leave_notify_failed"),
}
_OF_TASK = (Kind.TASK_CREATED, Kind.TASK_BACK)
_OF_EVENT: Mapping[str, type[Board] | type[BoardGroup]] = {
    Kind.BOARD_UPDATED: Board,
    Kind.BOARD_CHAT: Board,
    Kind.BOARD_COMMAND: Board,
    Kind.GROUP_CHAT: BoardGroup,
    Kind.GROUP_JOINED: Board,
    Kind.GROUP_LEFT: Board,
}


def name_of(kind: str, outcome: str) -> str:
    """Type of the event for an outcome, ``delivered`` or ``failed``; empty for none."""
    names = _NAMES.get(kind)
    return getattr(names, outcome, "") if names else ""


def tell(row: AgentNotification, agent: Agent, outcome: str, *, reason: str = "") -> None:
    """Publish the outcome of a message that is not shown on its task."""
    if row.kind == Kind.WEBHOOK:
        from agents import webhook_messages

        webhook_messages.tell(row, agent, outcome, reason=reason)
        return
    name = name_of(row.kind, outcome)
    if not name:
        return
    data = {"reason": reason} if reason else {}
    if row.kind == Kind.APPROVAL_RESOLVED:
        _tell_approval(row, agent, name, data)
    elif row.kind in _OF_TASK:
        tell_task(row, agent, name, **data)
    else:
        _tell_place(row, agent, name, data)


def tell_task(row: AgentNotification, agent: Agent, name: str, **data: Any) -> None:
    """Publish an event of the message's task."""
    task = Task.objects.filter(pk=row.task_id).first() if row.task_id else None
    if task is None:
        return
    facts = {"task_id": str(task.pk), "version": task.version, "changes": {}, "previous": {}}
    _publish(name, row, agent, task, {**facts, **data}, board_id=task.board_id, task_id=task.pk)


def _tell_approval(row: AgentNotification, agent: Agent, name: str, data: dict[str, Any]) -> None:
    approval = Approval.objects.filter(pk=row.approval_id).first() if row.approval_id else None
    if approval is not None:
        facts = {"approval_id": str(approval.pk), **data}
        _publish(name, row, agent, approval, facts, board_id=approval.board_id, task_id=row.task_id)


def _tell_place(row: AgentNotification, agent: Agent, name: str, data: dict[str, Any]) -> None:
    """Publish an event of the board or group that the message was about."""
    event = ActivityEvent.objects.filter(pk=row.event_id).first() if row.event_id else None
    if event is None:
        return
    # The group itself is gone: what its end means is told of the agent's own board.
    about = agent.board_id if event.type == GROUP_GONE else event.target_id
    place: Any = _OF_EVENT[row.kind].objects.filter(pk=about).first()
    if place is None:
        return
    facts = dict(data)
    if row.kind in (Kind.GROUP_JOINED, Kind.GROUP_LEFT):
        facts["group"] = _group_named(event, joined=row.kind == Kind.GROUP_JOINED)
    board_id = place.pk if isinstance(place, Board) else agent.board_id
    _publish(name, row, agent, place, facts, board_id=board_id)


def _group_named(event: ActivityEvent, *, joined: bool) -> str:
    """Name of the group that the board joined or left."""
    if event.type == GROUP_GONE:
        return event.target_title
    group_id = (event.data or {}).get("changes" if joined else "previous", {}).get("board_group_id")
    found: str | None = (
        BoardGroup.objects.filter(pk=group_id).values_list("name", flat=True).first()
    )
    return found or ""


def _publish(
    name: str,
    row: AgentNotification,
    agent: Agent,
    target: HasTarget,
    data: Mapping[str, Any],
    **places: Any,
) -> None:
    publish(
        name,
        actor=SystemActor(WHO, row.organization_id),
        target=target,
        organization_id=row.organization_id,
        agent_id=agent.id,
        data={"agent": agent.name, **data},
        **places,
    )
