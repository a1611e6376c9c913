"""Tags, custom fields, dependencies, comments and many tasks at once, by their pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from boards.models import CustomField, Tag, Task, TaskComment, TaskDependency
from missioncontrol.kernel import clock
from tests import factories as f
from tests.pages.conftest import HTMX, browser
from tests.world import World


@pytest.fixture
def task(world: World) -> Task:
    return f.make_task(world.board, "Ship it", created_by=world.ann)


def address(task: Task, part: str) -> str:
    return f"/boards/{task.board_id}/tasks/{task.id}/{part}"


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


# --- settings -------------------------------------------------------------------------------------


def test_a_tag_lives_on_its_pages(world: World, ann: Client, bob: Client) -> None:
    assert ann.post("/tags/new", {"name": "Ops", "color": "#aa0000"}).status_code == 302
    tag = Tag.objects.get()
    assert (tag.slug, tag.color) == ("ops", "aa0000")
    again = ann.post("/tags/new", {"name": "ops", "color": "#aa0000"})
    assert again.status_code == 422
    assert "Tag slug already exists" in text(again)
    assert "Ops" in text(bob.get("/tags"))
    assert bob.get(f"/tags/{tag.id}/edit").status_code == 403
    edited = ann.post(f"/tags/{tag.id}/edit", {"name": "Ops", "slug": "ops", "color": "#00aa00"})
    assert edited.status_code == 302
    f.make_task(world.board, tag_ids=[tag.id])
    assert "1 task carries it" in text(ann.get(f"/tags/{tag.id}/delete"))
    assert ann.post(f"/tags/{tag.id}/delete").status_code == 302
    assert not Tag.objects.exists()
    assert Task.objects.get().tag_ids == []


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("text", "Rome", "Rome"),
        ("integer", "7", 7),
        ("decimal", "7.5", 7.5),
        ("boolean", "true", True),
        ("date", "2026-02-03", "2026-02-03"),
        ("json", '{"a": 1}', {"a": 1}),
        ("text", "", None),
    ],
)
def test_a_field_is_made_with_its_default(
    world: World, ann: Client, kind: str, typed: str, stored: object
) -> None:
    answer = ann.post(
        "/custom-fields/new",
        {
            "label": "Cost",
            "field_key": "cost",
            "field_type": kind,
            "ui_visibility": "always",
            "default_value": typed,
            "board_ids": [str(world.board.id)],
        },
    )
    assert answer.status_code == 302, text(answer)
    field = CustomField.objects.get()
    assert field.default_value == stored
    page = text(ann.get(f"/custom-fields/{field.id}/edit"))
    assert "cost" in page
    assert "Cost" in text(ann.get("/custom-fields"))


def test_a_field_with_values_is_not_deleted(world: World, ann: Client, bob: Client) -> None:
    field = f.make_field(world.board, "cost")
    f.make_task(world.board, custom_field_values={"cost": "7"})
    refused = ann.post(f"/custom-fields/{field.id}/delete")
    assert refused.status_code == 409
    assert "1 task has a value" in text(refused)
    assert bob.get(f"/custom-fields/{field.id}/edit").status_code == 403
    wrong = {"label": "C", "field_type": "integer", "ui_visibility": "always", "board_ids": []}
    assert ann.post(f"/custom-fields/{field.id}/edit", wrong).status_code == 422
    wrong["board_ids"] = [str(world.board.id)]
    refused = ann.post(f"/custom-fields/{field.id}/edit", wrong)
    assert "values that do not fit" in text(refused)


# --- on tasks -------------------------------------------------------------------------------------


def test_a_task_form_asks_for_tags_and_fields(world: World, ann: Client) -> None:
    tag = f.make_tag(world.org, "Ops")
    f.make_field(world.board, "cost", field_type="integer", required=True)
    f.make_field(world.board, "when", field_type="date_time")
    f.make_field(world.board, "secret", ui_visibility="hidden")
    page = text(ann.get(f"/boards/{world.board.id}/tasks/new"))
    assert 'name="cf_cost"' in page
    assert 'type="number"' in page
    assert "datetime-local" in page
    assert "cf_secret" not in page
    body = {"title": "With", "priority": "high", "status": "todo", "tags": [str(tag.id)]}
    missing = ann.post(f"/boards/{world.board.id}/tasks/new", body)
    assert missing.status_code == 422
    assert "This field needs a value." in text(missing)
    body |= {"cf_cost": "12", "cf_when": "2026-02-03T10:00:00"}
    assert ann.post(f"/boards/{world.board.id}/tasks/new", body).status_code == 302
    task = Task.objects.get(title="With")
    assert task.tag_ids == [tag.id]
    assert task.custom_field_values == {"cost": 12, "when": "2026-02-03T10:00:00Z"}
    edit = {**body, "cf_cost": "13", "version": task.version, "cf_when": ""}
    assert ann.post(address(task, "edit"), edit).status_code == 302
    task.refresh_from_db()
    assert task.custom_field_values == {"cost": 13}
    card = text(ann.get(f"/boards/{world.board.id}"))
    assert "Ops" in card


def test_values_change_in_the_panel(world: World, ann: Client, task: Task) -> None:
    f.make_field(world.board, "cost", field_type="integer", default_value=3)
    f.make_field(world.board, "link", field_type="url", ui_visibility="if_set")
    panel = text(ann.get(address(task, "panel")))
    assert 'value="3"' in panel
    assert "cf_link" not in panel
    facts = {"status": "todo", "priority": "medium", "version": "1", "cf_cost": "4"}
    assert ann.post(address(task, "facts"), facts, **HTMX).status_code == 200
    task.refresh_from_db()
    assert task.custom_field_values == {"cost": 4}
    facts |= {"cf_cost": "x", "version": "2"}
    assert ann.post(address(task, "facts"), facts, **HTMX).status_code == 422


def test_tags_change_in_the_panel(world: World, ann: Client, bob: Client, task: Task) -> None:
    first, second = f.make_tag(world.org, "A"), f.make_tag(world.org, "B")
    Task.objects.filter(pk=task.pk).update(tag_ids=[second.id])
    chosen = {"tags": [str(first.id), str(second.id)]}
    assert ann.post(address(task, "tags"), chosen, **HTMX).status_code == 200
    task.refresh_from_db()
    assert task.tag_ids == [second.id, first.id]
    assert bob.post(address(task, "tags"), chosen, **HTMX).status_code == 403
    found = text(ann.get(f"/boards/{world.board.id}?tag={first.id}"))
    assert task.key in found
    nothing = f.make_tag(world.org, "C")
    assert f'id="task-{task.id}"' not in text(ann.get(f"/boards/{world.board.id}?tag={nothing.id}"))


def test_dependencies_are_found_added_and_removed(world: World, ann: Client, task: Task) -> None:
    other = f.make_task(world.board, "Build it")
    done = f.make_task(world.board, "Build long ago", status="done")
    found = text(ann.get(address(task, "needs") + "?q=build", **HTMX))
    assert other.key in found
    assert str(done.id) not in found
    assert ann.post(address(task, "needs"), {"add": str(other.id)}, **HTMX).status_code == 200
    assert TaskDependency.objects.filter(task=task, depends_on=other).exists()
    cycle = ann.post(address(other, "needs"), {"add": str(task.id)}, **HTMX)
    assert cycle.status_code == 409
    assert "Dependency cycle detected" in text(cycle)
    assert ann.post(address(task, "needs"), {"remove": str(other.id)}).status_code == 302
    assert not TaskDependency.objects.exists()


def test_the_form_keeps_what_was_chosen_while_searching(world: World, ann: Client) -> None:
    first, second = f.make_task(world.board, "First"), f.make_task(world.board, "Second")
    search = f"/boards/{world.board.id}/tasks/search?q=sec&depends_on={first.id}"
    found = text(ann.get(search, **HTMX))
    assert found.index(str(first.id)) < found.index(str(second.id))
    assert found.count("checked") == 1
    kept = ann.post(
        f"/boards/{world.board.id}/tasks/new",
        {"title": "T", "priority": "low", "depends_on": [str(first.id)], "q": "sec", "find": "1"},
    )
    assert kept.status_code == 200
    assert 'value="T"' in text(kept)
    made = ann.post(
        f"/boards/{world.board.id}/tasks/new",
        {"title": "T", "priority": "low", "depends_on": [str(first.id)]},
    )
    assert made.status_code == 302
    assert TaskDependency.objects.get().depends_on_id == first.id


def test_a_duplicate_is_named(world: World, ann: Client) -> None:
    body = {"title": "Same", "priority": "low", "status": "todo"}
    ann.post(f"/boards/{world.board.id}/tasks/new", body)
    first = Task.objects.get(title="Same")
    answer = ann.post(f"/boards/{world.board.id}/tasks/new", body, follow=True)
    assert f"{first.key} is open and says the same." in text(answer)
    assert "Another open task says the same" in text(answer)
    quick = ann.post(f"/boards/{world.board.id}/tasks/new", body, **HTMX)
    assert str(first.id) in text(quick)


def test_comments_are_corrected_and_taken_back(world: World, ann: Client, task: Task) -> None:
    ann.post(address(task, "comments"), {"message": "Frist"}, **HTMX)
    comment = TaskComment.objects.get()
    edit = address(task, f"comments/{comment.id}/edit")
    changed = ann.post(edit, {"message": "First"}, **HTMX)
    assert changed.status_code == 200
    assert "edited" in text(changed)
    assert "changed a comment" in text(changed)
    writer = f.make_user("wanda")
    f.make_member(world.org, writer)
    f.grant(world.board, writer, "write")
    other = browser(writer)
    assert edit not in text(other.get(address(task, "panel")))
    assert other.post(edit, {"message": "Mine"}, **HTMX).status_code == 403
    old = clock.now() - timedelta(minutes=16)
    TaskComment.objects.update(created_at=old)
    late = ann.post(edit, {"message": "Later"}, **HTMX)
    assert late.status_code == 409
    assert "15 minutes" in text(late)
    delete = address(task, f"comments/{comment.id}/delete")
    assert other.post(delete, **HTMX).status_code == 403
    gone = ann.post(delete, **HTMX)
    assert gone.status_code == 200
    assert "deleted a comment" in text(gone)
    assert not TaskComment.objects.exists()


def test_a_task_moves_to_another_board(world: World, ann: Client, bob: Client, task: Task) -> None:
    page = text(ann.get(address(task, "relocate")))
    assert world.second_board.name in page
    assert world.other_board.name not in page
    assert bob.post(
        address(task, "relocate"), {"board_id": str(world.second_board.id)}
    ).status_code in (403, 422)
    wrong = {"board_id": str(world.other_board.id)}
    assert ann.post(address(task, "relocate"), wrong).status_code == 422
    moved = ann.post(address(task, "relocate"), {"board_id": str(world.second_board.id)})
    assert moved.status_code == 302
    task.refresh_from_db()
    assert task.board_id == world.second_board.id


# --- many at once ---------------------------------------------------------------------------------


def test_the_list_sorts_filters_and_chooses(world: World, ann: Client, bob: Client) -> None:
    low, high = f.make_task(world.board, "Low", priority="low"), f.make_task(world.board, "High")
    page = text(ann.get(f"/boards/{world.board.id}/list?sort=-priority"))
    assert page.index(low.key) < page.index(f">{high.key}<")
    assert "data-mc-select-bar" in page
    f.make_task(world.board, "Zanzibar", status="done")
    assert "Zanzibar" not in text(ann.get(f"/boards/{world.board.id}/list?status=todo"))
    assert "data-mc-select-bar" not in text(bob.get(f"/boards/{world.board.id}/list"))
    assert ann.get(f"/boards/{world.second_board.id}/list?sort=nothing&q=x").status_code == 200


def test_many_change_and_refusals_are_named(world: World, ann: Client) -> None:
    tag = f.make_tag(world.org, "Ops")
    free, stuck = f.make_task(world.board, "Free"), f.make_task(world.board, "Stuck")
    TaskDependency.objects.create(task=stuck, depends_on=f.make_task(world.board, "Before"))
    bulk, ids = f"/boards/{world.board.id}/tasks/bulk", [str(free.id), str(stuck.id)]
    assert ann.post(bulk, {"ids": ids, "change": f"add:{tag.id}"}).status_code == 302
    answer = ann.post(bulk, {"ids": ids, "change": "status:in_progress"})
    assert answer.status_code == 409
    page = text(answer)
    assert "Task is blocked by incomplete dependencies." in page
    free.refresh_from_db()
    stuck.refresh_from_db()
    assert (free.status, stuck.status) == ("in_progress", "todo")
    assert free.tag_ids == stuck.tag_ids == [tag.id]
    assert f'value="{stuck.id}" aria-label="Choose {stuck.key}" checked' in page
    assert ann.post(bulk, {"ids": ids, "change": ""}).status_code == 422


def test_many_are_deleted_after_a_question(world: World, ann: Client) -> None:
    tasks = [f.make_task(world.board) for _ in range(2)]
    body = {"ids": [str(task.id) for task in tasks], "change": "delete"}
    bulk = f"/boards/{world.board.id}/tasks/bulk"
    asked = ann.post(bulk, body)
    assert "Delete 2 tasks?" in text(asked)
    assert Task.objects.count() == 2
    assert ann.post(bulk, {**body, "confirm": "1"}).status_code == 302
    assert not Task.objects.exists()


@pytest.mark.scenario("CORE-54")
def test_names_and_values_are_shown_as_text(world: World, ann: Client, bob: Client) -> None:
    evil = "<img src=x onerror=alert(1)>"
    tag = f.make_tag(world.org, evil)
    f.make_field(world.board, "note", label=evil, description=evil)
    f.make_field(world.board, "data", field_type="json")
    values = {"note": evil, "data": {"a": evil}}
    task = f.make_task(world.board, evil, tag_ids=[tag.id], custom_field_values=values)
    pages = [
        f"/boards/{world.board.id}", f"/boards/{world.board.id}/list", "/tags", "/custom-fields",
        f"/boards/{world.board.id}/tasks/search?q=", address(task, "panel"),
    ]  # fmt: skip
    for reader in (ann, bob):
        for page in pages:
            shown = text(reader.get(page))
            assert "<img" not in shown, page
    assert "<img" not in text(ann.get(address(task, "edit")))
    assert "&lt;img" in text(bob.get(address(task, "panel")))
