"""Telling agents what is said in the chats of their board and group, and of boards that move.

Source: core specification 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from activity.subscribe import EventView
from boards import talk
from boards.models import Board, BoardGroup, BoardMemory, GroupMemory
from gateways.wire.provisioning import HEADER_FILE

from .models import Agent
from .services import notifications
from .services.notifications import Kind, Message

#: A message is cut to this in what agents are told.
CONTENT_CHARS = 800
_JOINED = (
    "Coordinate with the new board before you begin what it may already have.",
    "Look for tasks of both boards that depend on each other, and say so in the group's chat.",
    "Say in the group's chat which decisions concern all boards.",
)
_LEFT = (
    "Do not wait for the other side any more: check tasks that depended on it.",
    "Hand over in comments what the other side still needs from you.",
    "Keep messages of the former group out of your plans from now on.",
)
_GONE = "The group's shared notes and chat are deleted; do not look for them any more."


def board_chatted(event: EventView) -> None:
    """The lead and the mentioned agents learn what was said; a command goes to all of them."""
    memory = BoardMemory.objects.filter(pk=str(event.data.get("memory_id"))).first()
    board = Board.objects.filter(pk=str(event.target_id)).first()
    if memory is None or board is None:
        return
    agents = _on_boards([board.pk])
    command = str(event.data.get("command") or "")
    if command:
        _command(agents, event, memory.content.strip())
        return
    handles = set(event.data.get("mentions") or [])
    for agent, mentioned in talk.hearers(agents, handles, sender_id=event.actor_id):
        message = Message(
            kind=Kind.BOARD_CHAT,
            head="BOARD CHAT MENTION" if mentioned else "BOARD CHAT",
            facts=[("Board", f"{board.name} ({board.pk})"), ("From", memory.author_name)],
            quote=memory.content,
            quote_most=CONTENT_CHARS,
            action=_reply(f"/api/v1/agent/boards/{board.pk}/memory", mentioned=mentioned),
            event_id=event.id,
        )
        notifications.notify(agent, message)


def board_paused(event: EventView) -> None:
    """The order of a button is told like the one in the chat, which tells it itself."""
    if event.data.get("memory_id") or event.target_id is None:
        return
    word = "/pause" if event.type == "board.paused" else "/resume"
    _command(_on_boards([event.target_id]), event, word)


def _command(agents: Iterable[Agent], event: EventView, text: str) -> None:
    for agent in agents:
        if agent.id != event.actor_id:
            message = Message(
                kind=Kind.BOARD_COMMAND, head="", facts=[], action="", verbatim=text,
                event_id=event.id,
            )  # fmt: skip
            notifications.notify(agent, message)


def group_chatted(event: EventView) -> None:
    """Leads and mentioned agents of all boards of the group, or every agent, are told."""
    memory = GroupMemory.objects.filter(pk=str(event.data.get("memory_id"))).first()
    group = BoardGroup.objects.filter(pk=str(event.target_id)).first()
    if memory is None or group is None:
        return
    agents = _on_boards(group.boards.values("pk"))
    to_all = bool(event.data.get("is_broadcast"))
    told = talk.hearers(
        agents, set(event.data.get("mentions") or []), sender_id=event.actor_id, includes_all=to_all
    )
    for agent, mentioned in told:
        head = "GROUP CHAT MENTION" if mentioned else "GROUP CHAT"
        message = Message(
            kind=Kind.GROUP_CHAT,
            head="GROUP BROADCAST" if to_all else head,
            facts=[("Group", f"{group.name} ({group.pk})"), ("From", memory.author_name)],
            quote=memory.content,
            quote_most=CONTENT_CHARS,
            action=_reply(f"/api/v1/boards/{agent.board_id}/group-memory", mentioned=mentioned),
            event_id=event.id,
        )
        notifications.notify(agent, message)


def group_changed(event: EventView) -> None:
    """A board joined or left a group: the agents of all boards concerned learn it."""
    new, old = event.data.get("changes") or {}, event.data.get("previous") or {}
    if "board_group_id" not in new or event.target_id is None:
        return
    _tell_group(event, old.get("board_group_id"), joined=False)
    _tell_group(event, new.get("board_group_id"), joined=True)


def _tell_group(event: EventView, group_id: Any, *, joined: bool) -> None:
    group = BoardGroup.objects.filter(pk=str(group_id)).first() if group_id else None
    if group is None:
        return
    concerned = Board.objects.filter(Q(board_group=group) | Q(pk=event.target_id))
    hints = "\n".join(f"- {hint}" for hint in (_JOINED if joined else _LEFT))
    change = "joined" if joined else "left"
    for agent in _on_boards(concerned.values("pk")):
        if agent.id == event.actor_id:
            continue
        message = Message(
            kind=Kind.GROUP_JOINED if joined else Kind.GROUP_LEFT,
            head="BOARD GROUP UPDATED",
            facts=[
                ("Board", f"{event.target_title} ({event.target_id})"),
                ("Change", f"{change} the group {group.name} ({group.pk})"),
                ("By", event.actor_name),
            ],
            block=hints,
            action="Take this into account from your next step on.",
            event_id=event.id,
        )
        notifications.notify(agent, message)


def group_deleted(event: EventView) -> None:
    """A group is gone: the agents of the boards that it held learn it, each once."""
    hints = "\n".join(f"- {hint}" for hint in (*_LEFT, _GONE))
    for agent in _on_boards(list(event.data.get("board_ids") or ())):
        if agent.id == event.actor_id:
            continue
        message = Message(
            kind=Kind.GROUP_LEFT,
            head="BOARD GROUP DELETED",
            facts=[
                ("Group", f"{event.target_title} ({event.target_id})"),
                ("Change", "the group is deleted; your board belongs to no group"),
                ("By", event.actor_name),
            ],
            block=hints,
            action="Take this into account from your next step on.",
            event_id=event.id,
        )
        notifications.notify(agent, message)


def _on_boards(board_ids: Any) -> QuerySet[Agent]:
    """Agents of some boards, leads first."""
    agents = Agent.objects.select_related("board").filter(board_id__in=board_ids)
    return agents.order_by("agent_type", "name", "pk")


def _reply(path: str, *, mentioned: bool) -> str:
    """How to answer in the chat, as one plain command."""
    address = f"{settings.BASE_URL.rstrip('/')}{path}"
    ask = (
        "You were mentioned: answer in the chat."
        if mentioned
        else "Answer in the chat if it concerns you, else stay silent."
    )
    command = (
        f'curl -s -X POST "{address}" -H @{HEADER_FILE} -H "Content-Type: application/json" '
        '-d \'{"content":"<REPLY>","tags":["chat"]}\''
    )
    return f"{ask} Send POST {address}:\n\n    {command}"
