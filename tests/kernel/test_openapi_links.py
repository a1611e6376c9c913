"""Links of the published document: made rows are read, changed and deleted by their id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.pages import document


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return document()


def links(api: dict[str, Any], path: str) -> dict[str, dict[str, str]]:
    """Parameters by the operation that the links of a creation lead to."""
    answers = api["paths"][f"/api/v1{path}"]["post"]["responses"].values()
    found = [link for answer in answers for link in answer.get("links", {}).values()]
    return {link["operationId"]: link["parameters"] for link in found}


def test_the_id_of_an_answer_goes_into_the_address_of_the_row(api: dict[str, Any]) -> None:
    found = links(api, "/tags")
    assert set(found) == {"get_tags_by_tag_id", "patch_tags_by_tag_id", "delete_tags_by_tag_id"}
    assert set(map(str, found.values())) == {"{'tag_id': '$response.body#/id'}"}


def test_parents_come_from_the_answer_or_from_the_call(api: dict[str, Any]) -> None:
    webhook = links(api, "/boards/{board_id}/webhooks")
    name = "get_boards_by_board_id_webhooks_by_webhook_id"
    assert webhook[name] == {
        "board_id": "$response.body#/board_id",
        "webhook_id": "$response.body#/id",
    }
    comment = links(api, "/tasks/{task_ref}/comments")
    assert comment["delete_tasks_by_task_ref_comments_by_comment_id"] == {
        "task_ref": "$request.path.task_ref",
        "comment_id": "$response.body#/id",
    }


def test_rows_are_known_by_their_shape_wherever_they_are_made(api: dict[str, Any]) -> None:
    assert "post_executions_by_execution_id_cancel" in links(api, "/tasks/{task_ref}/execute")
    assert "get_tasks_by_task_ref" in links(api, "/boards/{board_id}/tasks")


def test_what_acts_on_a_row_makes_none(api: dict[str, Any]) -> None:
    assert links(api, "/agents/{agent_id}/pause") == {}


def test_callers_of_a_link_may_follow_it(api: dict[str, Any]) -> None:
    assert not [name for name in links(api, "/tasks") if "_agent_" in name]


def test_every_link_leads_somewhere(api: dict[str, Any]) -> None:
    operations = {
        one["operationId"]: path for path, item in api["paths"].items() for one in item.values()
    }
    for path, item in api["paths"].items():
        if "post" in item:
            for name, parameters in links(api, path.removeprefix("/api/v1")).items():
                assert {f"{{{one}}}" in operations[name] for one in parameters} <= {True}
