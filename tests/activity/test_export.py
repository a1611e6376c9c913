"""The feed as a file: who may have it, both forms, filters, every event once."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import orjson
import pytest

from activity.api import export
from activity.publish import Target, publish
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.unit import service
from tests.clients import Answer, Client
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db


@service
def record(world: World, title: str, *, kind: str = "agent.updated", **more: Any) -> None:
    publish(
        kind,
        actor=more.pop("actor", SystemActor("test")),
        target=Target("agent", uuid.uuid4(), title),
        organization_id=more.pop("organization_id", world.org.id),
        **more,
    )


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.expect(200).content.decode())))


def test_a_file_holds_what_the_feed_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    for number in range(5):
        record(world, f"Nr {number}", board_id=world.board.pk)
    record(world, "Elsewhere", organization_id=world.other_org.id)
    listed = world.as_ann.get("/activity").items
    answer = world.as_ann.get("/activity/export?format=jsonl").expect(200)
    assert [orjson.loads(line) for line in answer.content.splitlines()] == listed
    assert "attachment" in answer.headers["Content-Disposition"]
    assert ".jsonl" in answer.headers["Content-Disposition"]
    found = rows_of(world.as_ann.get("/activity/export"))
    assert [row["id"] for row in found] == [event["id"] for event in listed]
    assert [row["message"] for row in found] == [event["message"] for event in listed]
    assert found[0]["created_at"] == listed[0]["created_at"]
    assert orjson.loads(found[0]["metadata"]) == listed[0]["metadata"]


def test_the_filters_of_the_feed_hold(world: World) -> None:
    record(world, "Wanted", board_id=world.board.pk)
    record(world, "Other kind", kind="agent.paused", board_id=world.board.pk)
    record(world, "Other board", board_id=world.second_board.pk)
    path = f"/activity/export?event_type=agent.updated&board_id={world.board.pk}"
    assert [row["resource_name"] for row in rows_of(world.as_ann.get(path))] == ["Wanted"]
    world.as_ann.get("/activity/export?format=xlsx").expect(422)
    world.as_ann.get("/activity/export?resource_type=spaceship").expect(422)


def test_only_admins_of_the_organization_have_it(world: World) -> None:
    record(world, "Ours")
    world.as_bob.get("/activity/export").expect(403)
    world.as_worker.get("/activity/export").expect(403)
    Client().get("/activity/export").expect(401)
    assert "Ours" not in world.as_eve.get("/activity/export").expect(200).content.decode()


def test_no_cell_is_a_formula(world: World) -> None:
    someone: Actor = SystemActor("=HYPERLINK(1)")
    record(world, "@SUM(A1)", actor=someone)
    found = rows_of(world.as_ann.get("/activity/export?event_type=agent.updated"))
    assert found[0]["resource_name"] == "'@SUM(A1)"
    assert found[0]["actor_name"] == "'=HYPERLINK(1)"


def test_the_page_offers_it_to_admins_with_its_filters(world: World) -> None:
    address = f"/activity?kind=agent&q=One&board={world.board.pk}"
    shown = browser(world.ann).get(address).content.decode()
    assert "/api/v1/activity/export?" in shown
    for part in ("event_type=agent.%2A", "q=One", f"board_id={world.board.pk}"):
        assert part in shown
    assert "/activity/export" not in browser(world.bob).get("/activity").content.decode()
    # A browser asks for HTML first; it gets the file all the same.
    answer = browser(world.ann).get("/api/v1/activity/export?format=csv", HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
