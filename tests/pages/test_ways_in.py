"""Ways to a place: the start page, deep links, sorted tables, what a board says about itself."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from boards.models import Board
from tests import factories as f
from tests.world import World

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def rows_of(html: str) -> list[str]:
    """Texts of the links that open the rows of a table."""
    return re.findall(r"data-mc-row-open>(?:<[^>]+>)?([^<]+)", html)


def test_strangers_read_what_this_is_and_others_go_on(world: World, ann: Client) -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    html = answer.content.decode()
    assert html.count("<h1") == 1
    assert 'href="/sign-in"' in html
    assert ann.get("/")["Location"] == "/dashboard"


def test_a_deep_link_leads_to_the_task_and_the_comment(world: World, ann: Client) -> None:
    task = f.make_task(world.board)
    comment = f.make_comment(task)
    board = f"/boards/{world.board.id}"
    answer = ann.get(board, {"taskId": str(task.id), "commentId": str(comment.id)})
    assert answer["Location"] == f"{board}?task={task.key}#comment-{comment.id}"
    assert f'id="comment-{comment.id}"' in ann.get(answer["Location"]).content.decode()
    answer = ann.get(board, {"taskId": str(task.id), "commentId": "no id"})
    assert answer["Location"] == f"{board}?task={task.key}"


@pytest.mark.parametrize("name", ["task", "taskId"])
def test_a_link_to_the_wrong_board_finds_the_task(world: World, ann: Client, name: str) -> None:
    task = f.make_task(world.second_board)
    for value in (str(task.id), task.key.lower()):
        answer = ann.get(f"/boards/{world.board.id}", {name: value})
        assert answer["Location"] == f"/boards/{world.second_board.id}?task={task.key}"


def test_a_task_that_may_not_be_read_is_said_to_be_away(world: World, bob: Client) -> None:
    hidden, foreign = f.make_task(world.second_board), f.make_task(world.other_board)
    for value in (str(hidden.id), hidden.key, str(foreign.id), UNKNOWN, "NO-1"):
        answer = bob.get(f"/boards/{world.board.id}", {"task": value})
        assert answer.status_code == 200
        assert "This task is not on the board, or was deleted." in answer.content.decode()


@pytest.mark.parametrize(
    ("panel", "to"), [("chat", "/boards/{}/chat"), ("approvals", "/approvals?board={}")]
)
def test_a_deep_link_leads_to_a_part(world: World, ann: Client, panel: str, to: str) -> None:
    answer = ann.get(f"/boards/{world.board.id}", {"panel": panel})
    assert answer["Location"] == to.format(world.board.id)


def test_a_comment_in_the_timeline_leads_to_itself(world: World, ann: Client) -> None:
    task = f.make_task(world.board)
    address = f"/boards/{world.board.id}/tasks/{task.id}/comments"
    ann.post(address, {"message": "Read me."})
    comment = task.comments.get()
    assert f"?task={task.id}#comment-{comment.id}" in ann.get("/activity").content.decode()


def test_a_board_says_what_it_is_about(world: World, ann: Client) -> None:
    board = world.board
    Board.objects.filter(pk=board.pk).update(
        objective="Sell <more> hats", success_metrics={"hats": 20}, require_approval_for_done=True
    )
    f.make_task(board, status="done")
    f.make_task(board, "Other")
    html = ann.get(f"/boards/{board.id}?q=nothing-like-it").content.decode()
    about = html[html.index('class="mc-about"') : html.index('class="mc-filter"')]
    assert "Sell &lt;more&gt; hats" in about
    assert "1 of 2 done" in about
    assert re.search(r"hats</dt><dd[^>]*>20<", about)
    assert "Approval before Done" in about


def test_the_agents_of_a_board_come_as_a_fragment(world: World, ann: Client, eve: Client) -> None:
    html = ann.get(f"/agents/on-board/{world.board.id}").content.decode()
    assert f"/agents/{world.lead.id}" in html
    assert f"/agents/{world.worker.id}" in html
    assert (
        f"/agents/{world.lead.id}"
        not in eve.get(f"/agents/on-board/{world.board.id}").content.decode()
    )
    empty = ann.get(f"/agents/on-board/{world.second_board.id}").content.decode()
    assert f"/agents/new?board={world.second_board.id}" in empty


def test_a_paused_board_says_so_and_how_to_go_on(world: World, ann: Client, bob: Client) -> None:
    board = f"/boards/{world.board.id}"
    words = "The agents of this board are paused."
    assert words not in ann.get(board).content.decode()
    ann.post(f"{board}/pause", {"paused": "1"})
    mine, readers = ann.get(board).content.decode(), bob.get(board).content.decode()
    assert words in mine
    assert words in readers
    assert mine.count(f'action="{board}/pause"') == 2
    assert f'action="{board}/pause"' not in readers


@pytest.mark.parametrize("address", ["/boards", "/board-groups", "/tags", "/custom-fields"])
def test_tables_are_sorted_by_the_address(world: World, ann: Client, address: str) -> None:
    for name in ("b two", "A one", "c three"):
        board = f.make_board(world.org, name)
        f.make_group(world.org, name)
        f.make_tag(world.org, name)
        f.make_field(board, name.replace(" ", "_").lower(), label=name)
    up = rows_of(ann.get(address).content.decode())
    down_page = ann.get(f"{address}?sort=-name").content.decode()
    assert up == sorted(up, key=str.lower)
    assert len(up) >= 3
    assert rows_of(down_page) == up[::-1]
    assert 'aria-sort="descending"' in down_page
    assert ann.get(f"{address}?sort=nonsense").status_code == 200
