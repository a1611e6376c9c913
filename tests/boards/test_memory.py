"""Memory and chat of boards and groups through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity.models import ActivityEvent
from boards.models import Board, BoardGroup, BoardMemory, GroupMemory
from orgs.models import User
from tests import factories
from tests.clients import Client
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(world: World) -> BoardGroup:
    """A group of boards A1 and A2."""
    made = factories.make_group(world.org, "Platform")
    Board.objects.filter(pk__in=[world.board.pk, world.second_board.pk]).update(board_group=made)
    return made


def say(client: Client, path: str, content: str, *tags: str, **extra: Any) -> Any:
    body = {"content": content, **({"tags": list(tags)} if tags else {}), **extra}
    return client.post(path, body)


def test_a_note_and_a_message_are_told_apart(world: World) -> None:
    path = f"/boards/{world.board.pk}/memory"
    note = say(world.as_ann, path, "  The API is frozen.  ", "decision").expect(200).json
    said = say(world.as_ann, path, "Hello all", "chat").expect(200).json
    assert (note["content"], note["is_chat"], note["tags"], note["source"]) == (
        "The API is frozen.", False, ["decision"], None,
    )  # fmt: skip
    assert (said["is_chat"], said["source"], said["author_type"]) == (True, "Ann", "user")
    assert said["author_id"] == str(world.ann.pk)
    listed = world.as_bob.get(path).expect(200).items
    assert [m["id"] for m in listed] == [said["id"], note["id"]]
    assert [m["id"] for m in world.as_bob.get(f"{path}?is_chat=true").items] == [said["id"]]
    assert [m["id"] for m in world.as_bob.get(f"{path}?is_chat=false").items] == [note["id"]]
    events = ActivityEvent.objects.filter(board_id=world.board.pk).order_by("seq")
    assert list(events.values_list("type", flat=True)) == ["board.noted", "board.chatted"]
    assert "Hello" not in str(list(events.values_list("data", flat=True)))


@pytest.mark.parametrize(
    "body",
    [
        {"content": "  "},
        {},
        {"content": "x", "tags": ["t" * 65]},
        {"content": "x", "tags": [str(n) for n in range(51)]},
        {"content": "x" * 100_001},
        {"content": "x", "is_chat": True},
        {"content": "x", "tags": "chat"},
    ],
)
def test_what_does_not_fit_is_refused(world: World, body: dict[str, Any]) -> None:
    world.as_ann.post(f"/boards/{world.board.pk}/memory", body).expect(422)
    assert not BoardMemory.objects.exists()


def test_an_agent_is_always_its_own_source(world: World) -> None:
    path = f"/agent/boards/{world.board.pk}/memory"
    written = say(world.as_worker, path, "Done", source="Ann").expect(200).json
    assert (written["source"], written["author_type"]) == ("WA", "agent")
    through_people = say(world.as_worker, f"/boards/{world.board.pk}/memory", "Done", source="x")
    assert through_people.expect(200).json["source"] == "WA"
    said = say(world.as_ann, f"/boards/{world.board.pk}/memory", "x", "chat", source="Release call")
    assert said.json["source"] == "Release call"
    assert said.json["author_name"] == "Ann"


@pytest.mark.scenario("CORE-27")
@pytest.mark.parametrize("path", ["/boards/{board}/memory", "/boards/{board}/group-memory"])
def test_strangers_find_nothing(world: World, group: BoardGroup, path: str) -> None:
    path = path.format(board=world.board.pk)
    for client in (world.as_eve, world.as_other_lead):
        client.get(path).expect(404)
        say(client, path, "x").expect(404)
    assert say(world.as_bob, path, "x").expect(403).code == "forbidden"


@pytest.mark.scenario("CORE-26")
def test_a_group_of_strangers_is_not_there(world: World, group: BoardGroup) -> None:
    for call in ("", "/memory", "/snapshot", "/memory/stream"):
        world.as_eve.get(f"/board-groups/{group.pk}{call}").expect(404)
    say(world.as_eve, f"/board-groups/{group.pk}/memory", "x").expect(404)
    for client in (world.as_eve, world.as_other_lead):
        client.post(f"/board-groups/{group.pk}/heartbeat", {"every": "10m"}).expect(404)


@pytest.mark.parametrize(("text", "paused"), [("/pause", True), (" /PAUSE ", True)])
def test_a_pause_in_the_chat_pauses_the_board(world: World, text: str, paused: bool) -> None:
    path = f"/boards/{world.board.pk}/memory"
    say(world.as_ann, path, text, "chat").expect(200)
    world.board.refresh_from_db()
    assert world.board.paused is paused
    assert world.as_ann.get(f"/boards/{world.board.pk}").json["paused"] is paused
    say(world.as_lead, path, "/resume", "chat").expect(200)
    world.board.refresh_from_db()
    assert not world.board.paused
    types = ActivityEvent.objects.filter(type__startswith="board.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == [
        "board.paused", "board.chatted", "board.resumed", "board.chatted",
    ]  # fmt: skip


def test_a_pause_in_a_note_is_a_note(world: World) -> None:
    say(world.as_ann, f"/boards/{world.board.pk}/memory", "/pause").expect(200)
    world.board.refresh_from_db()
    assert not world.board.paused


def test_a_worker_does_not_pause_its_board(world: World) -> None:
    refused = say(world.as_worker, f"/boards/{world.board.pk}/memory", "/pause", "chat")
    assert refused.expect(403).code == "lead_only"
    world.board.refresh_from_db()
    assert not world.board.paused
    assert not BoardMemory.objects.exists()


def test_the_snapshot_holds_the_chat_oldest_first(world: World) -> None:
    path = f"/boards/{world.board.pk}/memory"
    for text in ("one", "two", "three"):
        say(world.as_ann, path, text, "chat").expect(200)
    say(world.as_ann, path, "a note").expect(200)
    snapshot = world.as_bob.get(f"/boards/{world.board.pk}/snapshot").expect(200).json
    assert [m["content"] for m in snapshot["chat_messages"]] == ["one", "two", "three"]


def test_blank_rows_of_old_are_hidden(world: World) -> None:
    for content in ("", " \n\t", "seen"):
        BoardMemory.objects.create(
            organization=world.org, board=world.board, content=content, author_kind="user",
            author_name="Ann",
        )  # fmt: skip
    page = world.as_ann.get(f"/boards/{world.board.pk}/memory").expect(200).json
    assert ([m["content"] for m in page["items"]], page["total"]) == (["seen"], 1)


def test_a_value_is_read_and_written_by_its_key(world: World) -> None:
    path = f"/boards/{world.board.pk}/memory"
    assert world.as_bob.get(f"{path}?key=rc").expect(404).code == "not_found"
    first = world.as_lead.put(f"{path}/rc", {"content": "rc1"}).expect(200).json
    assert (first["tags"], first["is_chat"]) == (["key:rc"], False)
    again = world.as_ann.put(f"{path}/rc", {"content": " rc1 "}).expect(200).json
    assert again["id"] == first["id"]
    world.as_ann.put(f"{path}/rc", {"content": "rc2"}).expect(200)
    world.as_ann.put(f"{path}/other", {"content": "x"}).expect(200)
    found = world.as_bob.get(f"{path}?key=rc").expect(200).json
    assert (found["content"], found["author_name"]) == ("rc2", "Ann")
    assert world.as_worker.get(f"/agent{path}?key=rc").expect(200).json["content"] == "rc2"
    assert ActivityEvent.objects.filter(type="board.noted").count() == 3
    world.as_ann.put(f"{path}/{'k' * 61}", {"content": "x"}).expect(422)
    world.as_bob.put(f"{path}/rc", {"content": "x"}).expect(403)
    world.as_eve.put(f"{path}/rc", {"content": "x"}).expect(404)


# --- groups -----------------------------------------------------------------------------


def test_a_group_has_one_memory_whichever_way_it_is_reached(
    world: World, group: BoardGroup
) -> None:
    say(world.as_ann, f"/board-groups/{group.pk}/memory", "By the group", "plan").expect(200)
    by_board = say(world.as_lead, f"/boards/{world.board.pk}/group-memory", "By a board", "chat")
    assert by_board.expect(200).json["source"] == "LA"
    for client, path in (
        (world.as_bob, f"/board-groups/{group.pk}/memory"),
        (world.as_bob, f"/boards/{world.board.pk}/group-memory"),
        (world.as_worker, f"/boards/{world.board.pk}/group-memory"),
        (world.as_ann, f"/boards/{world.second_board.pk}/group-memory"),
    ):
        found = client.get(path).expect(200).items
        assert [m["content"] for m in found] == ["By a board", "By the group"]
    assert {m["board_group_id"] for m in found} == {str(group.pk)}


def test_a_board_without_a_group_has_none(world: World) -> None:
    path = f"/boards/{world.board.pk}/group-memory"
    page = world.as_lead.get(path).expect(200).json
    assert (page["items"], page["total"]) == ([], 0)
    refused = say(world.as_lead, path, "x").expect(422)
    assert refused.json["detail"] == "Board is not in a board group"


def test_who_may_write_on_no_board_may_not_write_to_the_group(
    world: World, group: BoardGroup
) -> None:
    path = f"/board-groups/{group.pk}/memory"
    say(world.as_bob, path, "x").expect(403)
    factories.grant(world.second_board, world.bob, "write")
    say(world.as_bob, path, "x").expect(200)
    world.as_worker.get(path).expect(403)
    say(world.as_worker, path, "x").expect(403)


@pytest.mark.parametrize(
    ("content", "tags", "event"),
    [
        ("plan", [], "board_group.noted"),
        ("hi", ["chat"], "board_group.chatted"),
        ("hi", ["broadcast"], "board_group.chatted"),
        ("@all hi", [], "board_group.chatted"),
    ],
)
def test_a_group_is_told_of_chat_broadcast_and_all(
    world: World, group: BoardGroup, content: str, tags: list[str], event: str
) -> None:
    written = say(world.as_ann, f"/board-groups/{group.pk}/memory", content, *tags).json
    assert written["is_chat"] is ("chat" in tags)
    assert written["source"] == (None if event.endswith("noted") else "Ann")
    assert ActivityEvent.objects.filter(type=event, target_id=group.pk).count() == 1


def test_a_deleted_group_takes_its_memory_along(world: World, group: BoardGroup) -> None:
    say(world.as_ann, f"/board-groups/{group.pk}/memory", "x").expect(200)
    world.as_ann.delete(f"/board-groups/{group.pk}").expect(200)
    assert not GroupMemory.objects.exists()
    assert Board.objects.filter(pk=world.board.pk).exists()


def test_the_question_before_says_what_is_lost(world: World, group: BoardGroup) -> None:
    window = browser(world.ann)
    page = f"/board-groups/{group.pk}/delete"
    assert "shared memory" not in window.get(page).content.decode()
    for tags in ([], [], ["chat"]):
        world.as_ann.post(
            f"/board-groups/{group.pk}/memory", {"content": "x", "tags": tags}
        ).expect(200)
    html = window.get(page).content.decode()
    assert "shared memory is deleted for good" in html
    assert "2 notes" in html
    assert "1 chat message<" in html
    assert f"/board-groups/{group.pk}/memory" in html


def test_the_empty_group_belongs_to_admins(world: World) -> None:
    empty = factories.make_group(world.org)
    say(world.as_ann, f"/board-groups/{empty.pk}/memory", "x").expect(200)
    world.as_bob.get(f"/board-groups/{empty.pk}/memory").expect(404)


# --- people -----------------------------------------------------------------------------


def mentioned() -> list[str]:
    found = ActivityEvent.objects.filter(type="user.mentioned").order_by("seq")
    return [str(data["user_id"]) for data in found.values_list("data", flat=True)]


def test_readers_are_told_that_they_were_mentioned(world: World) -> None:
    User.objects.filter(pk=world.bob.pk).update(preferred_name="Bobby")
    path = f"/boards/{world.board.pk}/memory"
    said = say(world.as_ann, path, "@bobby @ann @eve look at x@bob.example", "chat").json
    assert mentioned() == [str(world.bob.pk)]
    event = ActivityEvent.objects.get(type="user.mentioned")
    assert (event.data["memory_id"], event.data["place"]) == (said["id"], "board")
    assert event.board_id == world.board.pk
    say(world.as_ann, f"/boards/{world.second_board.pk}/memory", "@bob", "chat").expect(200)
    assert len(mentioned()) == 1


def test_a_comment_and_a_group_mention_people_too(world: World, group: BoardGroup) -> None:
    task = factories.make_task(world.board)
    world.as_ann.post(f"/tasks/{task.pk}/comments", {"message": "@bob?"}).expect(200)
    say(world.as_ann, f"/board-groups/{group.pk}/memory", "@bob?", "chat").expect(200)
    assert mentioned() == [str(world.bob.pk)] * 2
    places = ActivityEvent.objects.filter(type="user.mentioned").values_list("data", flat=True)
    assert [p["place"] for p in places.order_by("seq")] == ["task", "board_group"]


# --- cost -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("as_ann", "/boards/{board}/memory"),
        ("as_bob", "/boards/{board}/memory?is_chat=true"),
        ("as_worker", "/agent/boards/{board}/memory"),
        ("as_worker", "/boards/{board}/group-memory"),
        ("as_bob", "/board-groups/{group}/memory"),
    ],
)
def test_a_list_costs_the_same_with_more_rows(
    world: World, group: BoardGroup, who: str, path: str
) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            row = {"organization": world.org, "content": f"n {number}", "is_chat": True,
                   "author_kind": "user", "author_name": "Ann"}  # fmt: skip
            BoardMemory.objects.create(board=world.board, **row)
            GroupMemory.objects.create(board_group=group, **row)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(address).expect(200)
        return len(seen)

    client = getattr(world, who)
    address = path.format(board=world.board.pk, group=group.pk)
    fill(1)
    client.get(address).expect(200)
    few = cost()
    fill(20)
    assert cost() == few
    assert few <= 5
