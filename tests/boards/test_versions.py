"""``If-Match`` where something goes: nobody takes away what he has not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import factories
from tests.world import World


def _task(world: World) -> tuple[str, dict[str, Any]]:
    return f"/tasks/{factories.make_task(world.board).pk}", {"title": "New"}


def _board(world: World) -> tuple[str, dict[str, Any]]:
    return f"/boards/{factories.make_board(world.org).pk}", {"name": "New"}


def _group(world: World) -> tuple[str, dict[str, Any]]:
    return f"/board-groups/{factories.make_group(world.org).pk}", {"name": "New"}


def _tag(world: World) -> tuple[str, dict[str, Any]]:
    return f"/tags/{factories.make_tag(world.org).pk}", {"name": "New"}


def _field(world: World) -> tuple[str, dict[str, Any]]:
    field = factories.make_field(world.board)
    return f"/organizations/me/custom-fields/{field.pk}", {"label": "New"}


def _webhook(world: World) -> tuple[str, dict[str, Any]]:
    path = f"/boards/{world.board.pk}/webhooks"
    made = world.as_ann.post(path, {"description": "d"}).expect(200).json
    return f"{path}/{made['id']}", {"description": "New"}


@pytest.mark.parametrize("make", [_task, _board, _group, _tag, _field, _webhook])
def test_what_was_changed_since_is_not_deleted(
    world: World, make: Callable[[World], tuple[str, dict[str, Any]]]
) -> None:
    path, change = make(world)
    changed = world.as_ann.patch(path, change).expect(200)
    refused = world.as_ann.delete(path, headers={"If-Match": '"1"'}).expect(412)
    assert (refused.code, refused.json["current"]["version"]) == ("version_conflict", 2)
    seen = changed.headers["ETag"]
    assert world.as_ann.delete(path, headers={"If-Match": seen}).expect(200).json == {"ok": True}
    world.as_ann.delete(path).expect(404)


def test_a_task_that_was_changed_since_stays_on_its_board(world: World) -> None:
    path, change = _task(world)
    world.as_ann.patch(path, change).expect(200)
    body = {"board_id": str(world.second_board.pk)}
    world.as_ann.post(f"{path}/move", body, headers={"If-Match": '"1"'}).expect(412)
    assert world.as_ann.get(path).json["board_id"] == str(world.board.pk)
    world.as_ann.post(f"{path}/move", body, headers={"If-Match": '"2"'}).expect(200)
