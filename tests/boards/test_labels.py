"""Tags and custom fields: their own API, and what tasks do with them."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any

import pytest

from activity.models import ActivityEvent
from boards import custom_fields
from boards.models import Board, Tag, Task
from tests import factories
from tests.clients import Answer
from tests.world import World


def make(world: World, title: str = "One", **fields: Any) -> Answer:
    """A task of board A1, by the owner."""
    return world.as_ann.post(f"/boards/{world.board.pk}/tasks", {"title": title, **fields})


def field(world: World, key: str = "cost", **facts: Any) -> dict[str, Any]:
    """A field of board A1, by its API."""
    body = {"field_key": key, "board_ids": [str(world.board.pk)], **facts}
    made: dict[str, Any] = (
        world.as_ann.post("/organizations/me/custom-fields", body).expect(200).json
    )
    return made


# --- tags -----------------------------------------------------------------------------------------


def test_a_tag_is_made_changed_and_deleted(world: World) -> None:
    made = world.as_ann.post("/tags", {"name": "Front End", "color": "#ABCDEF"}).expect(200)
    tag = made.json
    assert (tag["slug"], tag["color"], tag["task_count"]) == ("front-end", "abcdef", 0)
    assert made.headers["Location"] == f"/api/v1/tags/{tag['id']}"
    again = world.as_ann.post("/tags", {"name": "front end"}).expect(409)
    assert again.json["detail"] == "Tag slug already exists in this organization."
    task = make(world, tag_ids=[tag["id"]]).expect(200).json
    assert task["tags"] == [
        {"id": tag["id"], "name": "Front End", "slug": "front-end", "color": "abcdef"}
    ]
    assert world.as_bob.get(f"/tags/{tag['id']}").expect(200).json["task_count"] == 1
    world.as_ann.patch(f"/tags/{tag['id']}", {}).expect(422)
    world.as_ann.patch(f"/tags/{tag['id']}", {"name": None}).expect(422)
    world.as_ann.patch(f"/tags/{tag['id']}", {"name": "UI"}).expect(200)
    seen = world.as_ann.get(f"/tasks/{task['id']}").expect(200)
    assert seen.json["tags"][0]["name"] == "UI"
    world.as_ann.delete(f"/tags/{tag['id']}").expect(200)
    left = world.as_ann.get(f"/tasks/{task['id']}").expect(200).json
    assert (left["tag_ids"], left["version"]) == ([], 2)
    types = ActivityEvent.objects.filter(type__startswith="tag.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == [
        "tag.created", "tag.updated", "tag.deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"name": "x", "color": "red"}, "color"),
        ({"name": "x", "color": "#12345"}, "color"),
        ({"name": " "}, "name"),
        ({"name": "x", "slug": "No Good"}, "slug"),
        ({"name": "x", "shade": "ffffff"}, "shade"),
    ],
)
def test_tags_refuse_what_does_not_fit(world: World, body: dict[str, Any], name: str) -> None:
    answer = world.as_ann.post("/tags", body).expect(422)
    assert answer.json["errors"][0]["loc"][-1] == name


def test_a_name_without_letters_gets_a_slug(world: World) -> None:
    slugs = [
        world.as_ann.post("/tags", {"name": name}).expect(200).json["slug"]
        for name in ("前端", "后端")
    ]
    assert all(re.fullmatch(r"tag-[0-9a-f]{6}", slug) for slug in slugs)
    assert slugs[0] != slugs[1]
    world.as_ann.post("/tags", {"name": "前端"}).expect(409)


def test_tags_are_listed_by_name_with_counts(world: World) -> None:
    second, first = factories.make_tag(world.org, "zeta"), factories.make_tag(world.org, "Alpha")
    factories.make_tag(world.other_org, "foreign")
    for number in range(3):
        make(world, f"T{number}", tag_ids=[str(second.pk)]).expect(200)
    found = world.as_bob.get("/tags").expect(200).items
    assert [(row["name"], row["task_count"]) for row in found] == [("Alpha", 0), ("zeta", 3)]
    short = world.as_worker.get(f"/agent/boards/{world.board.pk}/tags").expect(200).json
    assert short[0] == {
        "id": str(first.pk), "name": "Alpha", "slug": first.slug, "color": "9e9e9e",
    }  # fmt: skip


def test_order_of_tags_is_kept_and_unknown_ones_are_named(world: World) -> None:
    tags = [str(factories.make_tag(world.org).pk) for _ in range(3)]
    foreign = str(factories.make_tag(world.other_org).pk)
    wanted = [tags[2], tags[0], tags[2], tags[1]]
    task = make(world, tag_ids=wanted).expect(200).json
    assert task["tag_ids"] == [tags[2], tags[0], tags[1]]
    refused = world.as_ann.patch(f"/tasks/{task['id']}", {"tag_ids": [tags[0], foreign]})
    assert refused.expect(404).json["missing_tag_ids"] == [foreign]
    make(world, "Two", tag_ids=[foreign]).expect(404)
    listed = world.as_ann.get(f"/boards/{world.board.pk}/tasks").expect(200).items
    assert [row["tag_ids"] for row in listed] == [[tags[2], tags[0], tags[1]]]
    card = world.as_ann.get(f"/boards/{world.board.pk}/snapshot").expect(200).json["tasks"][0]
    assert [tag["id"] for tag in card["tags"]] == [tags[2], tags[0], tags[1]]


@pytest.mark.parametrize("by", ["slug", "pk"])
def test_tasks_are_filtered_by_tag(world: World, by: str) -> None:
    tag, other = (factories.make_tag(world.org, name) for name in ("ops", "web"))
    make(world, "With", tag_ids=[str(other.pk), str(tag.pk)]).expect(200)
    make(world, "Without", tag_ids=[str(other.pk)]).expect(200)
    make(world, "Bare").expect(200)
    found = world.as_ann.get(f"/tasks?tag={getattr(tag, by)}").expect(200)
    assert [row["title"] for row in found.items] == ["With"]
    assert world.as_ann.get("/tasks?tag=nothing").expect(200).items == []


def test_a_changed_tag_list_is_told_and_versioned(world: World) -> None:
    tag = factories.make_tag(world.org, "ops")
    task = make(world).expect(200).json
    path = f"/tasks/{task['id']}"
    world.as_ann.patch(path, {"tag_ids": [str(tag.pk)]}).expect(200)
    event = ActivityEvent.objects.get(type="task.updated", task_id=task["id"])
    assert event.data["changes"]["tags"][0]["name"] == "ops"
    assert event.data["previous"]["tag_ids"] == []
    old = {"If-Match": '"1"'}
    world.as_ann.patch(path, {"tag_ids": []}, headers=old).expect(412)
    world.as_ann.patch(path, {"title": "Else"}, headers=old).expect(200)


def test_a_lead_tags_and_a_worker_does_not(world: World) -> None:
    tag = factories.make_tag(world.org)
    task = make(world, assigned_agent_id=str(world.worker.pk)).expect(200).json
    path, body = f"/agent/boards/{world.board.pk}/tasks/{task['id']}", {"tag_ids": [str(tag.pk)]}
    refused = world.as_worker.patch(path, body).expect(403)
    assert refused.code == "task_update_field_forbidden"
    world.as_lead.patch(path, body).expect(200)
    assert Task.objects.get(pk=task["id"]).tag_ids == [tag.pk]


# --- custom fields --------------------------------------------------------------------------------

VALUES = [
    ("text", "a", 1),
    ("text (long)", "a\nb", ["a"]),
    ("integer", 7, 7.5),
    ("integer", -1, True),
    ("decimal", 7.5, "7.5"),
    ("decimal", 7, False),
    ("true/false", False, 0),
    ("date", "2026-02-28", "2026-02-30"),
    ("date & time", "2026-02-28T10:00:00Z", "2026-02-28"),
    ("datetime", "2026-02-28T10:00:00+02:00", "yesterday"),
    ("url", "https://example.org/a?b", "ftp://example.org"),
    ("url", "http://localhost:8000", "https://"),
    ("json", {"a": [1]}, "{}"),
    ("json", [], 4),
]


@pytest.mark.parametrize(("kind", "good", "bad"), VALUES)
def test_values_have_their_type(world: World, kind: str, good: Any, bad: Any) -> None:
    made = field(world, field_type=kind)
    assert made["field_type"] == custom_fields.word(kind)
    task = make(world, custom_field_values={"cost": good}).expect(200).json
    assert task["custom_field_values"] == {"cost": good}
    shown = world.as_ann.get(f"/tasks/{task['id']}").expect(200).json
    assert shown["custom_field_values"] == {"cost": good}
    refused = make(world, "Two", custom_field_values={"cost": bad}).expect(422).json
    assert refused["detail"] == "Invalid custom field value."
    assert (refused["field_key"], refused["field_type"]) == ("cost", made["field_type"])
    assert refused["reason"]


def test_defaults_show_null_deletes_and_required_is_asked(world: World) -> None:
    field(world, "cost", field_type="integer", required=True)
    field(world, "place", default_value="Rome", required=True)
    missing = make(world).expect(422).json
    assert missing["missing_field_keys"] == ["cost"]
    task = make(world, custom_field_values={"cost": 4}).expect(200).json
    assert task["custom_field_values"] == {"cost": 4, "place": "Rome"}
    path = f"/tasks/{task['id']}"
    told = world.as_ann.patch(path, {"custom_field_values": {"place": "Oslo"}}).expect(200).json
    assert told["custom_field_values"] == {"cost": 4, "place": "Oslo"}
    back = world.as_ann.patch(path, {"custom_field_values": {"place": None}}).expect(200).json
    assert back["custom_field_values"] == {"cost": 4, "place": "Rome"}
    world.as_ann.patch(path, {"custom_field_values": {"cost": None}}).expect(422)
    Task.objects.filter(pk=task["id"]).update(custom_field_values={})
    world.as_ann.patch(path, {"title": "Renamed without values"}).expect(200)
    unknown = world.as_ann.patch(path, {"custom_field_values": {"x": 1, "a": 2}}).expect(422).json
    assert unknown["unknown_field_keys"] == ["a", "x"]
    assert unknown["detail"] == "Unknown custom field keys for this board."


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"field_type": "colour"}, "field_type"),
        ({"ui_visibility": "sometimes"}, "ui_visibility"),
        ({"field_type": "integer", "validation_regex": "1+"}, "validation_regex"),
        ({"validation_regex": "["}, "validation_regex"),
        ({"validation_regex": "(x{30000}){30000}"}, "validation_regex"),
        ({"validation_regex": "x" * 501}, "validation_regex"),
        ({"validation_regex": "[a-z]+", "default_value": "7"}, "default_value"),
        ({"field_type": "integer", "default_value": "7"}, "default_value"),
        ({"board_ids": []}, "board_ids"),
        ({"label": None, "required": None}, "required"),
    ],
)
def test_fields_refuse_what_does_not_fit(world: World, facts: dict[str, Any], name: str) -> None:
    body = {"field_key": "k", "board_ids": [str(world.board.pk)], **facts}
    refused = world.as_ann.post("/organizations/me/custom-fields", body).expect(422)
    assert refused.json["errors"][0]["loc"][-1] == name


def test_fields_belong_to_the_organization(world: World) -> None:
    made = field(world, ui_visibility="if set")
    assert made["ui_visibility"] == "if_set"
    body = {"field_key": "cost", "board_ids": [str(world.board.pk)]}
    world.as_ann.post("/organizations/me/custom-fields", body).expect(409)
    foreign = {"field_key": "k2", "board_ids": [str(world.board.pk), str(world.other_board.pk)]}
    refused = world.as_ann.post("/organizations/me/custom-fields", foreign).expect(422).json
    assert refused["invalid_board_ids"] == [str(world.other_board.pk)]
    world.as_bob.post("/organizations/me/custom-fields", body).expect(403)
    assert world.as_bob.get("/organizations/me/custom-fields").expect(200).json == [made]
    assert world.as_eve.get("/organizations/me/custom-fields").expect(200).json == []
    path = f"/organizations/me/custom-fields/{made['id']}"
    world.as_eve.patch(path, {"label": "x"}).expect(404)
    world.as_ann.patch(path, {"field_key": "x"}).expect(422)
    world.as_ann.patch(path, {}).expect(422)
    for name in ("label", "field_type", "ui_visibility", "required"):
        world.as_ann.patch(path, {name: None}).expect(422)


def test_a_type_that_values_refuse_is_refused(world: World) -> None:
    made = field(world, field_type="text")
    path = f"/organizations/me/custom-fields/{made['id']}"
    for value in ("7", "seven", "8"):
        make(world, value, custom_field_values={"cost": value}).expect(200)
    refused = world.as_ann.patch(path, {"field_type": "url"}).expect(409)
    assert (refused.code, refused.json["count"]) == ("values_incompatible", 3)
    world.as_ann.patch(path, {"field_type": "text_long", "label": "Price"}).expect(200)
    busy = world.as_ann.delete(path).expect(409)
    assert (busy.code, busy.json["count"]) == ("values_exist", 3)
    Task.objects.filter(board=world.board).update(custom_field_values={})
    world.as_ann.delete(path).expect(200)
    board = Board.objects.get(pk=world.board.pk)
    assert (board.custom_fields, board.custom_fields_digest) == ([], "")
    types = ActivityEvent.objects.filter(type__startswith="custom_field.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == [
        "custom_field.created", "custom_field.updated", "custom_field.deleted",
    ]  # fmt: skip


def test_values_of_an_unbound_field_are_kept_and_hidden(world: World) -> None:
    made = field(world)
    path = f"/organizations/me/custom-fields/{made['id']}"
    task = make(world, custom_field_values={"cost": "high"}).expect(200).json
    elsewhere, here = {"board_ids": [str(world.second_board.pk)]}, {"board_ids": [world.board.pk]}
    world.as_ann.patch(path, elsewhere).expect(200)
    assert world.as_ann.get(f"/tasks/{task['id']}").json["custom_field_values"] == {}
    world.as_ann.patch(f"/tasks/{task['id']}", {"custom_field_values": {"cost": 1}}).expect(422)
    world.as_ann.patch(path, here).expect(200)
    assert world.as_ann.get(f"/tasks/{task['id']}").json["custom_field_values"] == {"cost": "high"}


def test_agents_write_values_of_their_tasks(world: World) -> None:
    field(world, field_type="integer")
    task = make(world, assigned_agent_id=str(world.worker.pk)).expect(200).json
    path = f"/agent/boards/{world.board.pk}/tasks/{task['id']}"
    done = world.as_worker.patch(path, {"custom_field_values": {"cost": 3}}).expect(200).json
    assert done["custom_field_values"] == {"cost": 3}
    world.as_lead.patch(path, {"custom_field_values": {"cost": 4}}).expect(200)
    event = ActivityEvent.objects.filter(type="task.updated", task_id=task["id"]).latest("seq")
    assert event.data["changes"]["custom_field_values"] == {"cost": 4}
    assert event.data["previous"]["custom_field_values"] == {"cost": 3}


@pytest.mark.scenario("CORE-56")
def test_a_pattern_without_end_is_stopped(world: World) -> None:
    field(world, validation_regex="(a+)+$")
    task = make(world).expect(200).json
    body = {"custom_field_values": {"cost": "a" * 99 + "!"}}
    world.as_ann.get(f"/tasks/{task['id']}").expect(200)
    before = perf_counter()
    world.as_ann.patch(f"/tasks/{task['id']}", body).expect(422)
    assert perf_counter() - before < 0.4
    assert custom_fields.reason("text", "(?:a|aa)+$", "a" * 5_000 + "!")


def test_large_values_fit_into_events(world: World) -> None:
    for number in range(8):
        field(world, f"f{number}", field_type="text_long")
    values = {f"f{number}": "x" * 90_000 for number in range(2)}
    values |= {f"f{number}": "字" * 1_500 for number in range(2, 8)}
    task = make(world, custom_field_values=values).expect(200).json
    changed = {"custom_field_values": dict.fromkeys(values, "y" * 20_000)}
    world.as_ann.patch(f"/tasks/{task['id']}", changed).expect(200)
    assert ActivityEvent.objects.filter(task_id=task["id"]).count() == 2


def test_a_deleted_tag_leaves_no_row(world: World) -> None:
    tag = factories.make_tag(world.org)
    world.as_bob.delete(f"/tags/{tag.pk}").expect(403)
    world.as_eve.delete(f"/tags/{tag.pk}").expect(404)
    world.as_ann.delete(f"/tags/{tag.pk}").expect(200)
    assert not Tag.objects.filter(pk=tag.pk).exists()
