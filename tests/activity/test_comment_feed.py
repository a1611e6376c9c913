"""Comments of tasks as one feed."""

from __future__ import annotations

import pytest

from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def comments(world: World) -> World:
    """A person's, an agent's and a blank comment on A1, one on A2, one on B1."""
    task = factories.make_task(world.board, "Write it")
    factories.make_comment(task, "From a person")
    factories.make_comment(
        task, "From the lead", author_kind="agent", author_id=world.lead.id, author_name="LA"
    )
    factories.make_comment(task, "  \n ")
    factories.make_comment(factories.make_task(world.second_board), "On A2")
    factories.make_comment(factories.make_task(world.other_board), "On B1")
    return world


@pytest.mark.parametrize(
    ("who", "messages"),
    [
        ("as_ann", ["On A2", "From the lead", "From a person"]),
        ("as_bob", ["From the lead", "From a person"]),
        ("as_eve", ["On B1"]),
    ],
)
def test_readers_see_their_boards_newest_first(
    comments: World, who: str, messages: list[str]
) -> None:
    answer = getattr(comments, who).get("/activity/task-comments").expect(200)
    assert [c["message"] for c in answer.items] == messages
    assert answer.json["total"] == len(messages)


def test_an_agents_comment_names_agent_task_and_board(comments: World) -> None:
    item = comments.as_ann.get("/activity/task-comments?offset=1&limit=1").expect(200).items[0]
    assert (item["agent_id"], item["agent_name"], item["agent_role"]) == (
        str(comments.lead.id),
        "LA",
        "lead",
    )
    assert (item["task_title"], item["board_name"]) == ("Write it", "A1")


def test_a_board_narrows_and_a_foreign_one_is_empty(comments: World) -> None:
    own = comments.as_ann.get(f"/activity/task-comments?board_id={comments.second_board.id}")
    foreign = comments.as_ann.get(f"/activity/task-comments?board_id={comments.other_board.id}")
    assert [c["message"] for c in own.expect(200).items] == ["On A2"]
    assert foreign.expect(200).items == []


def test_agents_have_no_such_feed(comments: World) -> None:
    comments.as_lead.get("/activity/task-comments").expect(403)
