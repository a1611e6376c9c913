"""Rules of what is said: tags, commands, mentions. No database."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from boards import rules, talk


@dataclass(frozen=True)
class Someone:
    name: str
    agent_type: str
    id: UUID


LEAD = Someone("Board Lead", "lead", uuid4())
ATLAS = Someone("Atlas", "worker", uuid4())
SAGE = Someone("Sage of the North", "worker", uuid4())


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/pause", "pause"),
        ("  /PAUSE \n", "pause"),
        ("/Resume", "resume"),
        ("/pause now", ""),
        ("pause", ""),
        ("/ pause", ""),
    ],
)
def test_a_command_is_the_whole_message(text: str, command: str) -> None:
    assert talk.command_of(text) == command


@pytest.mark.parametrize(
    ("tags", "cleaned"),
    [
        (None, None),
        ([], None),
        ([" ", ""], None),
        ([" chat ", "chat", "plan"], ["chat", "plan"]),
    ],
)
def test_tags_are_trimmed_and_named_once(tags: list[str] | None, cleaned: list[str] | None) -> None:
    assert talk.clean_tags(tags) == cleaned


def test_a_tag_is_known_in_any_case() -> None:
    assert talk.has_tag(["Chat"], "chat")
    assert not talk.has_tag(["chats"], "chat")
    assert not talk.has_tag(None, "chat")


@pytest.mark.parametrize(
    ("text", "told", "mentioned"),
    [
        ("good morning", {"Board Lead"}, set()),
        ("@atlas please look", {"Board Lead", "Atlas"}, {"Atlas"}),
        ("@ATLAS", {"Board Lead", "Atlas"}, {"Atlas"}),
        (
            "@sage and (@Atlas)",
            {"Board Lead", "Atlas", "Sage of the North"},
            {"Atlas", "Sage of the North"},
        ),
        ("@lead", {"Board Lead"}, {"Board Lead"}),
        ("@board", {"Board Lead"}, {"Board Lead"}),
        ("mail to x@atlas.example", {"Board Lead"}, set()),
        ("@north", {"Board Lead"}, set()),
        ("@all", {"Board Lead"}, set()),
    ],
)
def test_the_lead_and_the_mentioned_are_told(
    text: str, told: set[str], mentioned: set[str]
) -> None:
    found = talk.hearers((LEAD, ATLAS, SAGE), rules.mentions(text), sender_id=uuid4())
    assert {agent.name for agent, _ in found} == told
    assert {agent.name for agent, is_meant in found if is_meant} == mentioned


def test_the_sender_is_never_told() -> None:
    handles = rules.mentions("@atlas @lead")
    assert talk.hearers((ATLAS, LEAD), handles, sender_id=ATLAS.id) == [(LEAD, True)]
    assert talk.hearers((ATLAS, LEAD), handles, sender_id=LEAD.id, includes_all=True) == [
        (ATLAS, True)
    ]


@pytest.mark.parametrize(
    ("tags", "text", "is_broadcast"),
    [
        (["chat"], "hello", False),
        (["broadcast"], "hello", True),
        (["chat"], "@all hello", True),
        (None, "all hello", False),
    ],
)
def test_broadcast_is_a_tag_or_all(tags: list[str] | None, text: str, is_broadcast: bool) -> None:
    assert talk.is_broadcast(tags, rules.mentions(text)) is is_broadcast


@pytest.mark.parametrize(
    ("email", "preferred", "text", "is_meant"),
    [
        ("ann@example.org", "", "@ann", True),
        ("ann@example.org", "Annie", "@annie", True),
        ("ann@example.org", "Annie Oak", "@Annie", True),
        ("ann@example.org", "", "@anna", False),
        (None, "", "@ann", False),
        ("", "", "", False),
    ],
)
def test_people_are_meant_by_address_or_preferred_name(
    email: str | None, preferred: str, text: str, is_meant: bool
) -> None:
    assert talk.person_is_meant(email, preferred, rules.mentions(text)) is is_meant


@pytest.mark.parametrize(
    ("name", "handle"),
    [("Atlas", "Atlas"), ("Sage of", "Sage"), ("林岚", ""), ("", ""), ("7up", "")],
)
def test_a_handle_is_what_a_mention_finds(name: str, handle: str) -> None:
    assert talk.handle_of(name) == handle
    assert not handle or rules.answers_to(name, rules.mentions(f"@{handle}"))


@pytest.mark.parametrize(
    ("email", "preferred", "handle"),
    [
        ("ann@example.org", "", "ann"),
        ("ann@example.org", "Annie Oak", "Annie"),
        ("a.nn@example.org", "", ""),
        (None, "林", ""),
    ],
)
def test_the_handle_of_a_person_is_what_a_mention_finds(
    email: str | None, preferred: str, handle: str
) -> None:
    assert talk.handle_of_person(email, preferred) == handle
    assert not handle or talk.person_is_meant(email, preferred, rules.mentions(f"@{handle}"))
