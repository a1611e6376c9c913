"""What is said on boards and in groups: tags, commands, and who is meant. No database, no clock.

Source: core specification 5 and 7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar
from uuid import UUID

from boards import rules

CHAT, BROADCAST, EVERYBODY, LEAD = "chat", "broadcast", "all", "lead"
COMMANDS = {"/pause": "pause", "/resume": "resume"}
#: Start of the tag that makes a note the value of a key.
KEY = "key:"
MOST_TAGS = 50
MOST_TAG_CHARS = 64


class Hearer(Protocol):
    """What is asked about an agent that may be told."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def agent_type(self) -> str:
        """``lead``, ``worker`` or ``main``."""


H = TypeVar("H", bound=Hearer)


def clean_tags(tags: Iterable[str] | None) -> list[str] | None:
    """Tags trimmed and without repeats, in their order; ``None`` when none is left."""
    cleaned = [tag.strip() for tag in tags or ()]
    return list(dict.fromkeys(tag for tag in cleaned if tag)) or None


def tag_of_key(key: str) -> str:
    """The tag under which a note is the value of a key; empty when the key does not fit."""
    wanted = " ".join(key.split())
    tag = f"{KEY}{wanted}"
    return tag if wanted and wanted.isprintable() and len(tag) <= MOST_TAG_CHARS else ""


def has_tag(tags: Iterable[str] | None, wanted: str) -> bool:
    """Whether a tag is among them, in whatever case."""
    return any(tag.lower() == wanted for tag in tags or ())


def command_of(text: str) -> str:
    """``pause`` or ``resume`` when the whole message is that command, else empty."""
    return COMMANDS.get(text.strip().lower(), "")


def is_broadcast(tags: Iterable[str] | None, handles: Collection[str]) -> bool:
    """Whether a message of a group is for every agent in it."""
    return has_tag(tags, BROADCAST) or EVERYBODY in handles


def is_meant(agent: Hearer, handles: Collection[str]) -> bool:
    """Whether an agent is mentioned: by its name, its first word, or as the lead."""
    is_lead = agent.agent_type == LEAD
    return (is_lead and LEAD in handles) or rules.answers_to(agent.name, handles)


def hearers(
    agents: Iterable[H],
    handles: Collection[str],
    *,
    sender_id: UUID | None,
    includes_all: bool = False,
) -> list[tuple[H, bool]]:
    """Who is told of a message, each with whether it is mentioned: leads and the mentioned.

    Args:
        agents: Agents of the board, or of every board of the group.
        handles: Lower-case handles in the message.
        sender_id: Who wrote it; nobody is told what he said himself.
        includes_all: Every agent is told.
    """
    told = []
    for agent in agents:
        mentioned = is_meant(agent, handles)
        if agent.id != sender_id and (includes_all or mentioned or agent.agent_type == LEAD):
            told.append((agent, mentioned))
    return told


def handle_of(name: str) -> str:
    """What to type after ``@`` so that an agent of that name is meant; empty if nothing is."""
    first = (name.split() or [""])[0]
    return first if rules.mentions(f"@{first}") == {first.lower()} else ""


def handle_of_person(email: str | None, preferred_name: str) -> str:
    """What to type after ``@`` so that a person is meant; empty if nothing is."""
    return handle_of(preferred_name) or handle_of((email or "").partition("@")[0])


def person_is_meant(email: str | None, preferred_name: str, handles: Collection[str]) -> bool:
    """Whether a person is mentioned: by the local part of the address or the preferred name."""
    local = (email or "").partition("@")[0].lower()
    return bool(local and local in handles) or rules.answers_to(preferred_name, handles)
