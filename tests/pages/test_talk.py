"""Chat, notes and heartbeat on the pages of boards and groups."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Agent
from boards.models import Board, BoardGroup, BoardMemory, GroupMemory
from tests import factories
from tests.world import World

from .conftest import HTMX

pytestmark = pytest.mark.django_db
EVIL = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"


@pytest.fixture
def group(world: World) -> BoardGroup:
    """A group of board A1."""
    made = factories.make_group(world.org, "Platform")
    Board.objects.filter(pk=world.board.pk).update(board_group=made)
    return made


def test_a_message_is_sent_and_shown(world: World, ann: Client) -> None:
    page = f"/boards/{world.board.pk}/chat"
    sent = ann.post(page, {"content": "Is **rc2** ready, @wa?"})
    assert (sent.status_code, sent["Location"]) == (302, page)
    memory = BoardMemory.objects.get()
    assert (memory.is_chat, memory.tags) == (True, ["chat"])
    html = ann.get(page).content.decode()
    assert "<strong>rc2</strong>" in html
    assert f'id="memory-{memory.pk}"' in html
    assert 'data-handles="lead LA WA ann bob"' in html


def test_a_script_gets_no_page_back(world: World, ann: Client) -> None:
    page = f"/boards/{world.board.pk}/chat"
    assert ann.post(page, {"content": "hello"}, **HTMX).status_code == 204
    refused = ann.post(page, {"content": "  "}, **HTMX)
    assert (refused.status_code, refused["HX-Retarget"]) == (422, "#toasts")
    fragment = ann.get(f"{page}/messages").content.decode()
    assert "hello" in fragment
    assert "<html" not in fragment
    assert BoardMemory.objects.count() == 1


def test_the_same_form_sent_twice_says_it_once(world: World, ann: Client) -> None:
    page = f"/boards/{world.board.pk}/chat"
    for _again in range(2):
        ann.post(page, {"content": "once", "form_key": "k1"})
    assert BoardMemory.objects.count() == 1


def test_a_pause_from_the_page(world: World, ann: Client) -> None:
    ann.post(f"/boards/{world.board.pk}/chat", {"content": "/pause"})
    world.board.refresh_from_db()
    assert world.board.paused


def test_a_reader_reads_and_does_not_write(world: World, bob: Client, eve: Client) -> None:
    for path in ("chat", "memory"):
        page = f"/boards/{world.board.pk}/{path}"
        html = bob.get(page).content.decode()
        assert "<textarea" not in html
        assert eve.get(page).status_code == 404
    assert bob.post(f"/boards/{world.board.pk}/chat", {"content": "x"}, **HTMX).status_code == 403
    assert not BoardMemory.objects.exists()


@pytest.mark.scenario("CORE-54")
def test_nothing_in_a_message_or_note_is_executed(world: World, ann: Client) -> None:
    for path in ("chat", "memory"):
        page = f"/boards/{world.board.pk}/{path}"
        ann.post(page, {"content": EVIL, "tags": "<b>bold</b>"})
        html = ann.get(page).content.decode()
        assert "<img" not in html.partition("<main")[2].partition("</main>")[0].replace(
            "&lt;img", ""
        )
        assert 'href="javascript:' not in html
        assert "<b>bold</b>" not in html


def test_a_note_with_tags(world: World, ann: Client) -> None:
    page = f"/boards/{world.board.pk}/memory"
    assert ann.post(page, {"content": "Frozen", "tags": "decision, chat , api"}).status_code == 302
    note = BoardMemory.objects.get()
    assert (note.is_chat, note.tags) == (False, ["decision", "api"])
    assert "Frozen" in ann.get(page).content.decode()
    assert "Frozen" not in ann.get(f"/boards/{world.board.pk}/chat").content.decode()
    assert ann.post(page, {"content": "", "tags": ""}).status_code == 422
    alone = ann.get(page, **HTMX).content.decode()
    assert "Frozen" in alone
    assert "<html" not in alone
    assert "<form" not in alone


def test_older_messages_have_a_page(world: World, ann: Client) -> None:
    BoardMemory.objects.bulk_create(
        BoardMemory(
            organization=world.org, board=world.board, content=f"number {n}.", is_chat=True,
            author_kind="user", author_name="Ann",
        )
        for n in range(101)
    )  # fmt: skip
    page = f"/boards/{world.board.pk}/chat"
    first, second = (ann.get(f"{page}{q}").content.decode() for q in ("", "?page=2"))
    assert "?page=2" in first
    assert first.count("<article") == 100
    assert second.count("<article") == 1
    assert "<textarea" not in second


def test_the_old_address_of_the_chat_leads_there(world: World, ann: Client) -> None:
    answer = ann.get(f"/boards/{world.board.pk}?panel=chat")
    assert (answer.status_code, answer["Location"]) == (302, f"/boards/{world.board.pk}/chat")


# --- groups -----------------------------------------------------------------------------


def test_a_group_is_written_to(world: World, group: BoardGroup, ann: Client, bob: Client) -> None:
    page = f"/board-groups/{group.pk}/chat"
    ann.post(page, {"content": "Hello"})
    ann.post(page, {"content": "All hands", "broadcast": "1"})
    tags = list(GroupMemory.objects.order_by("created_at").values_list("tags", flat=True))
    assert tags == [["chat"], ["chat", "broadcast"]]
    html = bob.get(page).content.decode()
    assert html.index("Hello") < html.index("All hands")
    assert "<textarea" not in html
    assert 'data-handles="all LA WA ann bob"' in ann.get(page).content.decode()


def test_notes_of_a_group(world: World, group: BoardGroup, ann: Client, eve: Client) -> None:
    page = f"/board-groups/{group.pk}/memory"
    assert ann.post(page, {"content": "One **name** for all", "tags": ""}).status_code == 302
    assert "<strong>name</strong>" in ann.get(page).content.decode()
    for part in ("memory", "chat", "chat/messages", "heartbeat"):
        assert eve.get(f"/board-groups/{group.pk}/{part}").status_code == 404


def test_the_heartbeat_of_a_group(
    world: World, group: BoardGroup, ann: Client, bob: Client
) -> None:
    page = f"/board-groups/{group.pk}/heartbeat"
    assert "WA" in ann.get(page).content.decode()
    assert ann.post(page, {"every": "often"}).status_code == 422
    assert ann.post(page, {"every": "2m", "include_board_leads": "on"}).status_code == 302
    for agent in (world.worker, world.lead):
        assert Agent.objects.get(pk=agent.pk).heartbeat_config["every"] == "2m"
    assert 'type="submit">Set' not in bob.get(page).content.decode()
    assert bob.post(page, {"every": "3m"}).status_code == 403


def test_the_timeline_leads_to_what_was_said(world: World, group: BoardGroup, ann: Client) -> None:
    ann.post(f"/boards/{world.board.pk}/chat", {"content": "Hello"})
    ann.post(f"/board-groups/{group.pk}/memory", {"content": "Noted", "tags": ""})
    html = ann.get("/activity").content.decode()
    assert f'href="/boards/{world.board.pk}/chat"' in html
    assert f'href="/board-groups/{group.pk}/memory"' in html


def test_a_group_shows_what_its_boards_work_on(
    world: World, group: BoardGroup, ann: Client, bob: Client
) -> None:
    Board.objects.filter(pk=world.second_board.pk).update(board_group=group)
    for number in range(6):
        factories.make_task(world.board, f"Open {number}", assigned_agent=world.worker)
    factories.make_task(world.board, "Finished", status="done")
    factories.make_task(world.second_board, "Elsewhere")
    html = ann.get(f"/board-groups/{group.pk}").content.decode()
    assert len(re.findall(r">Open \d<", html)) == 5
    assert "Finished" not in html
    assert "Elsewhere" in html
    assert "Elsewhere" not in bob.get(f"/board-groups/{group.pk}").content.decode()


def test_tabs_lead_through_board_and_group(world: World, group: BoardGroup, ann: Client) -> None:
    board = ann.get(f"/boards/{world.board.pk}").content.decode()
    for path in ("chat", "memory"):
        assert f'href="/boards/{world.board.pk}/{path}"' in board
    detail = ann.get(f"/board-groups/{group.pk}").content.decode()
    for path in ("chat", "memory", "heartbeat"):
        assert f'href="/board-groups/{group.pk}/{path}"' in detail


@pytest.mark.parametrize(
    "path",
    [
        "boards/{board}/chat",
        "boards/{board}/memory",
        "board-groups/{group}/chat",
        "board-groups/{group}/heartbeat",
    ],
)
def test_a_page_costs_the_same_with_more_rows(
    world: World, group: BoardGroup, ann: Client, path: str
) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            row = {"organization": world.org, "content": f"n {number}", "author_kind": "user",
                   "author_name": "Ann", "is_chat": "chat" in path}  # fmt: skip
            BoardMemory.objects.create(board=world.board, **row)
            GroupMemory.objects.create(board_group=group, **row)
            factories.make_agent(world.org, board=world.board, gateway=world.gateway)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert ann.get(address).status_code == 200
        return len(seen)

    address = "/" + path.format(board=world.board.pk, group=group.pk)
    fill(1)
    ann.get(address)
    few = cost()
    fill(12)
    assert cost() == few
