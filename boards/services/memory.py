"""What is written into the memory and the chat of a board or a group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, mentioned, rows, rules, talk
from boards.models import Board, BoardGroup, BoardMemory, GroupMemory
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.unit import service
from orgs.models import User

from . import boards as board_services

MAX_CONTENT = 100_000
MOST_HANDLES = 20


@service
def add_board_memory(
    actor: Actor,
    board_id: Any,
    *,
    content: str,
    tags: Iterable[str] | None = None,
    source: str | None = None,
) -> BoardMemory:
    """Write a note, or with the tag ``chat`` a message; ``/pause`` and ``/resume`` take effect.

    Args:
        actor: Who may write on the board.
        board_id: The board.
        content: Markdown of 1 to 100 000 characters.
        tags: Labels; ``chat`` makes it a message.
        source: Where it comes from, in a person's words; an agent is always its own source.

    Raises:
        Invalid: a blank or too long text, too many tags.
        NotFound: absent or invisible.
        Forbidden: no right to write; a worker that wants to pause the board.
    """
    text, labels = _checked(content), _labels(tags)
    is_chat = talk.has_tag(labels, talk.CHAT)
    command = talk.command_of(text) if is_chat else ""
    board = rows.board(actor, as_uuid(board_id))
    if board is None:
        raise NotFound
    authz.authorize(actor, actions.WRITE_MEMORY, board)
    memory = BoardMemory(
        organization_id=board.organization_id,
        board=board,
        content=text,
        tags=labels,
        is_chat=is_chat,
        source=_source(actor, source, is_told=is_chat),
        **_author(actor),
    )
    if command:
        board_services.set_paused(actor, board.pk, paused=command == "pause", memory_id=memory.pk)
    memory.save(force_insert=True)
    _tell_board(actor, board, memory, command)
    return memory


def _tell_board(actor: Actor, board: Board, memory: BoardMemory, command: str) -> None:
    """Publish a note or message of a board, and tell the people whom it mentions."""
    handles = rules.mentions(memory.content) if memory.is_chat else set()
    publish(
        "board.chatted" if memory.is_chat else "board.noted",
        actor=actor,
        target=board,
        organization_id=board.organization_id,
        board_id=board.pk,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data={**_facts(memory, handles), "command": command},
    )
    mentioned.tell(
        actor,
        handles,
        organization_id=board.organization_id,
        boards=[board.pk],
        place=board.target,
        board_id=board.pk,
        memory_id=str(memory.pk),
    )


@service
def put_board_memory(
    actor: Actor, board_id: Any, *, key: str, content: str, source: str | None = None
) -> BoardMemory:
    """Write the value of a key: a note with the tag ``key:<key>``, the newest of which counts.

    Writing the present value again changes nothing.

    Raises:
        Invalid: a key that is blank or too long, a blank or too long text.
        NotFound: absent or invisible board.
        Forbidden: no right to write.
    """
    tag = talk.tag_of_key(key)
    if not tag:
        raise Invalid(_("A key has 1 to 60 characters."), field="key")
    board = rows.board(actor, as_uuid(board_id))
    if board is None:
        raise NotFound
    authz.authorize(actor, actions.WRITE_MEMORY, board)
    present = BoardMemory.objects.valued(board.pk, tag).first()
    if present is not None and present.content == content.strip():
        found: BoardMemory = present
        return found
    return add_board_memory(actor, board.pk, content=content, tags=[tag], source=source)


@service
def add_group_memory(
    actor: Actor,
    group_id: Any,
    *,
    content: str,
    tags: Iterable[str] | None = None,
    source: str | None = None,
) -> GroupMemory:
    """Write a note or a message for all boards of a group.

    Agents are told of what carries the tag ``chat`` or ``broadcast`` or mentions ``@all``.

    Raises:
        Invalid: a blank or too long text, too many tags.
        NotFound: absent or invisible.
        Forbidden: no right to write on any of its boards.
    """
    text, labels = _checked(content), _labels(tags)
    group: BoardGroup = BoardGroup.objects.seen_by(actor, group_id)
    authz.authorize(actor, actions.WRITE_GROUP_MEMORY, group)
    if not may_write_group(actor, group):
        raise Forbidden(
            _("You may read this group, but not write in it."),
            action=actions.WRITE_GROUP_MEMORY.name,
        )
    return _store_group_memory(actor, group, text, labels, source)


@service
def add_group_memory_from_board(
    actor: Actor,
    board_id: Any,
    *,
    content: str,
    tags: Iterable[str] | None = None,
    source: str | None = None,
) -> GroupMemory:
    """Write for the group of a board, with the right on that board.

    Raises:
        Invalid: a blank or too long text, too many tags, a board without a group.
        NotFound: absent or invisible.
        Forbidden: no right to write on the board.
    """
    text, labels = _checked(content), _labels(tags)
    board: Board = Board.objects.select_related("board_group").seen_by(actor, board_id)
    authz.authorize(actor, actions.WRITE_MEMORY, board)
    if board.board_group is None:
        raise Invalid(_("Board is not in a board group"), code="no_board_group")
    return _store_group_memory(actor, board.board_group, text, labels, source)


def _store_group_memory(
    actor: Actor, group: BoardGroup, text: str, labels: list[str] | None, source: str | None
) -> GroupMemory:
    handles = rules.mentions(text)
    is_chat = talk.has_tag(labels, talk.CHAT)
    to_all = talk.is_broadcast(labels, handles)
    is_told = is_chat or to_all
    memory = GroupMemory(
        organization_id=group.organization_id,
        board_group=group,
        content=text,
        tags=labels,
        is_chat=is_chat,
        source=_source(actor, source, is_told=is_told),
        **_author(actor),
    )
    memory.save(force_insert=True)
    publish(
        "board_group.chatted" if is_told else "board_group.noted",
        actor=actor,
        target=group,
        organization_id=group.organization_id,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data={**_facts(memory, handles), "is_broadcast": to_all},
    )
    if is_told and handles:
        mentioned.tell(
            actor,
            handles,
            organization_id=group.organization_id,
            boards=mentioned.boards_of_group(group.pk),
            place=group.target,
            memory_id=str(memory.pk),
        )
    return memory


def may_write_group(actor: Actor, group: BoardGroup) -> bool:
    """Whether the actor may write on a board of the group; an empty one is the admins'."""
    if isinstance(actor, UserActor):
        facts = actor.memberships.get(group.organization_id)
        if facts is not None and facts.all_boards_write:
            return True
    own = Board.objects.filter(board_group_id=group.pk)
    if own.writable_by(actor).exists():
        return True
    is_admin = isinstance(actor, UserActor) and actor.is_admin_in(group.organization_id)
    return is_admin and not own.exists()


def _checked(content: str) -> str:
    text = content.strip()
    if not text:
        raise Invalid(_("A message needs some text."), field="content")
    if len(text) > MAX_CONTENT:
        raise Invalid(_("The text is longer than 100 000 characters."), field="content")
    if "\x00" in text:
        raise Invalid(_("The text holds a NUL character."), field="content")
    return text


def _labels(tags: Iterable[str] | None) -> list[str] | None:
    labels = talk.clean_tags(tags)
    if labels and (
        len(labels) > talk.MOST_TAGS or any(len(tag) > talk.MOST_TAG_CHARS for tag in labels)
    ):
        raise Invalid(_("At most 50 tags of at most 64 characters each."), field="tags")
    return labels


def _author(actor: Actor) -> dict[str, Any]:
    return {
        "author_kind": actor.kind,
        "author_id": actor.id,
        "author_name": actor.name[:200],
    }


def _source(actor: Actor, given: str | None, *, is_told: bool) -> str | None:
    """An agent is its own source; a message of a person that says none carries his name."""
    if isinstance(actor, AgentActor):
        return actor.name[:200]
    said = (given or "").strip()[:200]
    if said or not is_told:
        return said or None
    if isinstance(actor, UserActor):
        names = User.objects.filter(pk=actor.id).values_list("preferred_name", "name").first()
        said = next((name for name in names or () if name), "")
    return said[:200] or "User"


def _facts(memory: BoardMemory | GroupMemory, handles: set[str]) -> dict[str, Any]:
    """What an event says of a memory; its text is read by those who may."""
    return {
        "memory_id": str(memory.pk),
        "is_chat": memory.is_chat,
        "tags": memory.tags or [],
        "mentions": sorted(handles)[:MOST_HANDLES],
    }
