"""What agents do when something happened elsewhere: place themselves, be told, be woken."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from activity.models import ActivityEvent
from activity.subscribe import EventView, subscribe
from boards.models import Board, Task, TaskComment
from boards.rules import POLICY_FIELDS, answers_to
from governance.models import Approval
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import Conflict

from . import sweeps, talk, webhook_messages, workspace
from .models import Agent, Execution
from .services import executions, notifications, placement
from .services.notifications import Kind, Message

#: Board fields that stand in the agents' files.
IN_FILES = frozenset(
    {"name", "objective", "success_metrics", "target_date", "board_type", "max_agents"}
) | set(POLICY_FIELDS)
_ACT = 'Read AGENTS.md, section "Your round", and take action now.'


def register() -> None:
    """Join the log: inside where nothing may lag, after commit for messages."""
    subscribe("board.deleted", _board_deleted, inside=True)
    subscribe("gateway.created", _gateway_created, inside=True)
    subscribe("gateway.deleted", _gateway_deleted, inside=True)
    subscribe("gateway.updated", gateway_updated)
    subscribe("gateway.status_changed", gateway_back)
    subscribe(("board.updated", "board.policy_changed"), board_changed)
    subscribe(
        ("custom_field.created", "custom_field.updated", "custom_field.deleted"), fields_changed
    )
    subscribe(("board.resumed",), board_resumed)
    subscribe(("agent.provisioned", "agent.checked_in", "agent.resumed"), agent_appeared)
    subscribe("task.created", task_created)
    subscribe(("task.assigned", "task.unblocked"), task_given)
    subscribe("task.moved", task_moved)
    subscribe("task.commented", task_commented)
    subscribe("board.chatted", talk.board_chatted)
    subscribe(("board.paused", "board.resumed"), talk.board_paused)
    subscribe("board_group.chatted", talk.group_chatted)
    subscribe("board.updated", talk.group_changed)
    subscribe("board_group.deleted", talk.group_deleted)
    subscribe(
        ("webhook.received", "webhook.redelivery_requested"), webhook_messages.payload_received
    )
    subscribe(("approval.resolved", "approval.expired", "approval.cancelled"), approval_settled)


# --- inside ---------------------------------------------------------------------------------------


def _board_deleted(event: EventView) -> None:
    if event.target_id is not None:
        placement.release_from_board(event.target_id, force=bool(event.data.get("force")))


def _gateway_created(event: EventView) -> None:
    if event.target_id is not None:
        placement.ensure_main_agent(event.target_id)


def _gateway_deleted(event: EventView) -> None:
    if event.target_id is not None:
        placement.release_from_gateway(event.target_id, event.organization_id)


# --- after commit: places -------------------------------------------------------------------------


def gateway_updated(event: EventView) -> None:
    """Its own agent gets what changed."""
    if event.target_id is not None:
        placement.refresh_main_agent(event.target_id)


def gateway_back(event: EventView) -> None:
    """What waits for the gateway is tried now."""
    if event.target_id is not None and event.data.get("status") == "online":
        sweeps.make_gateway_due(event.target_id)


def board_changed(event: EventView) -> None:
    """Agents follow the board's gateway; new goal or rules are written into their files."""
    changed = set(event.data.get("changes") or {})
    board_id = event.target_id
    if board_id is None:
        return
    if "gateway_id" in changed:
        placement.follow_board_gateway(board_id)
    if changed & IN_FILES:
        placement.refresh_board(board_id)
    _tell_lead_of_changes(event, board_id, sorted(changed - {"field_versions", "paused"}))


def _tell_lead_of_changes(event: EventView, board_id: UUID, changed: list[str]) -> None:
    """The lead learns what people changed on its board, old and new value of each field."""
    lead = _lead_of(board_id)
    if lead is None or lead.id == event.actor_id or not changed:
        return
    new, old = event.data.get("changes") or {}, event.data.get("previous") or {}
    lines = [f"- {name}: {_shown(old.get(name))} -> {_shown(new.get(name))}" for name in changed]
    message = Message(
        kind=Kind.BOARD_UPDATED,
        head="BOARD UPDATED",
        facts=[("Board", f"{event.target_title} ({board_id})"), ("By", event.actor_name)],
        block="\n".join(lines),
        action='Read the section "Board" of AGENTS.md again before the next step.',
        event_id=event.id,
    )
    notifications.notify(lead, message)


def _shown(value: Any) -> str:
    """A field's value in a message."""
    if value is None or value == "":
        return "(empty)"
    return workspace.line(value if isinstance(value, str) else orjson.dumps(value).decode(), 300)


def fields_changed(event: EventView) -> None:
    """Agents read in their files which fields the tasks of their board have."""
    for board_id in event.data.get("bound_to") or ():
        placement.refresh_board(UUID(str(board_id)))


def board_resumed(event: EventView) -> None:
    """Messages that were held back go out."""
    if event.target_id is None:
        return
    for agent in Agent.objects.filter(board_id=event.target_id, gateway__isnull=False):
        notifications.make_due(agent)
    executions.look_for_targets(event.organization_id)


def agent_appeared(event: EventView) -> None:
    """Executions that wait for an agent look again."""
    executions.look_for_targets(event.organization_id)


# --- after commit: messages -----------------------------------------------------------------------


def _lead_of(board_id: UUID | None) -> Agent | None:
    if board_id is None:
        return None
    return (
        Agent.objects.select_related("board")
        .filter(board_id=board_id, agent_type=Agent.Type.LEAD)
        .first()
    )


def _task_of(event: EventView) -> Task | None:
    tasks = Task.objects.select_related("board", "assigned_agent__board")
    return tasks.filter(pk=event.task_id).first() if event.task_id else None


def _tell(
    agent: Agent | None,
    event: EventView,
    task: Task,
    *,
    kind: str,
    head: str,
    action: str = _ACT,
    quote: str | None = None,
    extra: list[tuple[str, Any]] | None = None,
    block: str = "",
) -> None:
    """One message about a task; nobody is told what he did himself."""
    if agent is None or agent.id == event.actor_id:
        return
    facts = [
        ("Board", f"{task.board.name} ({task.board_id})"),
        ("Task", f"{task.key} {task.title}"),
        ("Task id", task.id),
        ("Status", task.status),
        ("From", event.actor_name),
        *(extra or []),
    ]
    text = task.description or "" if quote is None else quote
    message = Message(
        kind=kind, head=head, facts=facts, action=action, quote=text, block=block,
        event_id=event.id, task_id=task.id,
    )  # fmt: skip
    notifications.notify(agent, message)


def task_created(event: EventView) -> None:
    """The lead learns of new work."""
    task = _task_of(event)
    if task is not None and task.status != Task.Status.DONE:
        _tell(
            _lead_of(task.board_id), event, task, kind=Kind.TASK_CREATED, head="NEW TASK ADDED",
            action=f"Decide who does it, or what it waits for. {_ACT}",
        )  # fmt: skip


def task_given(event: EventView) -> None:
    """The assignee learns that the task is his, unless it still waits for others."""
    task = _task_of(event)
    if task is None or event.data.get("is_blocked") or task.status == Task.Status.DONE:
        return
    agent = task.assigned_agent
    if agent is None or str(agent.id) != str(event.data.get("assigned_agent_id") or event.agent_id):
        return
    if event.type == "task.assigned" and _is_rework(event):
        return
    if task.status == Task.Status.REVIEW and agent.agent_type == Agent.Type.LEAD:
        _tell(
            agent, event, task, kind=Kind.TASK_ASSIGNED, head="TASK READY FOR LEAD REVIEW",
            action=f"Read its comments, then finish it or send it back. {_ACT}",
        )  # fmt: skip
        return
    if not _starts_at_once(event, task, agent):
        _tell(agent, event, task, kind=Kind.TASK_ASSIGNED, head="TASK ASSIGNED")


def _starts_at_once(event: EventView, task: Task, agent: Agent) -> bool:
    """Whether the board lets an assignment start the work; the execution's message then tells."""
    by_hand = task.board.execution_policy != Board.ExecutionPolicy.ON_ASSIGN
    if by_hand or agent.gateway_id is None:
        return False
    if Execution.objects.filter(task_id=task.id, created_at__gte=event.at).exists():
        return True
    if task.status != Task.Status.TODO:
        return False
    who = SystemActor(f"assignment by {event.actor_name}", event.organization_id)
    try:
        executions.execute_task(who, task.id)
    except Conflict as refusal:
        # Paused, or a decision is pending: the assignee is told as usual and waits.
        return refusal.machine_code == "execution_active"
    return True


def _is_rework(event: EventView) -> bool:
    """Whether the assignment came with a lead's "back to todo", which has its own message."""
    return ActivityEvent.objects.filter(
        task_id=event.task_id,
        type="task.moved",
        actor_id=event.actor_id,
        data__version=event.data.get("version"),
        data__from="review",
        data__to="todo",
    ).exists()


def task_moved(event: EventView) -> None:
    """Sent back, back in todo, or started by somebody else."""
    task = _task_of(event)
    if task is None or task.status != event.data.get("to"):
        return
    before, to = event.data.get("from"), event.data.get("to")
    if to == "todo":
        _back_in_todo(event, task, before=str(before))
    elif to == "in_progress" and task.assigned_agent is not None:
        told = "assigned_agent_id" in (event.data.get("changes") or {})
        by_execution = event.actor_kind == "system" and event.actor_name == "execution"
        if not told and not by_execution:
            _tell(task.assigned_agent, event, task, kind=Kind.TASK_ASSIGNED, head="TASK ASSIGNED")


def _back_in_todo(event: EventView, task: Task, *, before: str) -> None:
    lead = _lead_of(task.board_id)
    if task.assigned_agent is None:
        _tell(
            lead, event, task, kind=Kind.TASK_BACK, head="TASK BACK IN TODO",
            action=f"Nobody has it. Assign it anew, or comment why not. {_ACT}",
        )  # fmt: skip
        return
    if before == "review":
        said = TaskComment.objects.filter(task=task).order_by("-created_at")
        if event.actor_kind == "agent":
            said = said.filter(author_id=event.actor_id)
        comment = said.values_list("message", flat=True).first()
        _tell(
            task.assigned_agent, event, task, kind=Kind.TASK_REWORK, head="CHANGES REQUESTED",
            action=f"Read the newest comments, then do what they ask. {_ACT}", quote=comment or "",
            block=workspace.clip(task.description),
        )  # fmt: skip


def task_commented(event: EventView) -> None:
    """Mentioned agents of the board, else the assignee; never the author."""
    task = _task_of(event)
    comment = TaskComment.objects.filter(pk=str(event.data["comment_id"])).first()
    if task is None or comment is None:
        return
    handles = set(event.data.get("mentions") or [])
    agents = Agent.objects.select_related("board").filter(board_id=task.board_id)
    mentioned = [
        a
        for a in agents
        if answers_to(a.name, handles) or (a.agent_type == Agent.Type.LEAD and "lead" in handles)
    ]
    for agent in mentioned:
        own = agent.id == task.assigned_agent_id
        action = "Answer with a comment." + ("" if own else " Leave the status of the task alone.")
        _tell(
            agent, event, task, kind=Kind.TASK_COMMENT, head="TASK MENTION", quote=comment.message,
            action=action, extra=[("Reason", "you were mentioned")],
        )  # fmt: skip
    if not mentioned and not _is_part_of_rework(event, task):
        _tell(
            task.assigned_agent, event, task, kind=Kind.TASK_COMMENT, head="NEW TASK COMMENT",
            quote=comment.message, extra=[("Reason", "the task is yours")],
            action="Read it, answer with a comment if it asks something, and go on.",
        )  # fmt: skip


def _is_part_of_rework(event: EventView, task: Task) -> bool:
    """A lead's comment that goes with "back to todo" is told by that message; done needs none."""
    lead = _lead_of(task.board_id)
    is_leads = lead is not None and lead.id == event.actor_id
    return task.status == Task.Status.DONE or (is_leads and task.status == Task.Status.TODO)


def _board_named(approval: Approval) -> str:
    """The board that a request is about, empty for none."""
    if approval.board_id is None:
        return ""
    name = Board.objects.filter(pk=approval.board_id).values_list("name", flat=True).first()
    return f"{name} ({approval.board_id})" if name else ""


def approval_settled(event: EventView) -> None:
    """Who asked, and the board's lead, learn the decision."""
    approval = Approval.objects.filter(pk=str(event.data["approval_id"])).first()
    if approval is None or approval.source == Approval.Source.GATEWAY:
        return
    asked: Agent | None = None
    if approval.agent_id is not None:
        asked = Agent.objects.select_related("board").filter(pk=approval.agent_id).first()
    lead = _lead_of(approval.board_id)
    told = {agent.id: agent for agent in (asked, lead) if agent and agent.id != event.actor_id}
    status = event.data.get("status") or approval.status
    tasks = [str(t) for t in event.data.get("task_ids") or []]
    titles = dict(Task.objects.filter(pk__in=tasks).values_list("pk", "title"))
    action = (
        "Approved: repeat the call that was refused. "
        if status == "approved"
        else "Not approved: do not repeat the call; comment what you do instead. "
    )
    for agent in told.values():
        message = Message(
            kind=Kind.APPROVAL_RESOLVED,
            head="APPROVAL RESOLVED",
            facts=[
                ("Board", _board_named(approval)),
                ("Decision", status),
                ("Approval id", approval.id),
                ("Action", approval.action_type),
                ("Confidence", approval.confidence),
                ("Task ids", ", ".join(tasks)),
                ("Tasks", "; ".join(titles.values())),
                ("Comment", approval.comment),
            ],
            action=action + _ACT,
            event_id=event.id,
            task_id=UUID(tasks[0]) if tasks else None,
            approval_id=approval.id,
        )
        notifications.notify(agent, message)
