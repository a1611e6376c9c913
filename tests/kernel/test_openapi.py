"""The published document: what every operation has in common, and names that do not collide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from missioncontrol.kernel.openapi_parameters import reading_of
from tests import factories
from tests.reference.pages import document
from tests.world import World


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return document()


def operations(api: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Operations of the API; probes of health stand outside of it."""
    for path, item in api["paths"].items():
        if path.startswith("/api/v1/"):
            for method, operation in item.items():
                yield method, path, operation


def names(operation: dict[str, Any], place: str) -> set[str]:
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == place}


def test_every_operation_names_its_refusals_and_its_credentials(api: dict[str, Any]) -> None:
    for method, path, operation in operations(api):
        place = f"{method} {path}"
        assert {"403", "404", "422", "429", "503"} <= set(operation["responses"]), place
        assert operation["security"], place
        asks = operation["security"] != [{}] or path.startswith("/api/v1/auth/")
        assert ("401" in operation["responses"]) <= asks, place
        assert asks <= ("401" in operation["responses"]) or path.endswith("/options"), place


def test_every_success_but_a_stream_says_its_shape(api: dict[str, Any]) -> None:
    silent = [
        f"{method} {path}"
        for method, path, operation in operations(api)
        for status, answer in operation["responses"].items()
        if status.startswith("2") and not answer.get("content")
    ]
    assert silent == []


def test_ids_of_operations_are_distinct(api: dict[str, Any]) -> None:
    ids = Counter(operation["operationId"] for _method, _path, operation in operations(api))
    assert [name for name, count in ids.items() if count > 1] == []


def test_names_of_shapes_are_distinct() -> None:
    """Two shapes of one name would silently become one in the document."""
    document()  # imports every adapter
    places: dict[str, set[str]] = {}
    for shape in _all(BaseModel):
        if shape.__module__.partition(".")[2].startswith(("api", "kernel")):
            places.setdefault(shape.__name__, set()).add(shape.__module__)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def _all(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in kind.__subclasses__():
        yield child
        yield from _all(child)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers"),
    [
        ("get", "/tasks", {"status", "limit", "offset", "board_id", "q"}, set()),
        ("patch", "/tasks/{task_ref}", set(), {"If-Match"}),
        ("post", "/tasks", set(), {"Idempotency-Key"}),
        ("get", "/agents", {"status", "board_id", "limit", "offset"}, set()),
        ("delete", "/agents/{agent_id}", {"force", "wait"}, set()),
    ],
)
def test_parameters_follow_from_what_is_read(
    api: dict[str, Any], method: str, path: str, query: set[str], headers: set[str]
) -> None:
    operation = api["paths"][f"/api/v1{path}"][method]
    assert query <= names(operation, "query")
    assert names(operation, "header") == headers


def test_what_cannot_be_read_has_no_parameters() -> None:
    found = reading_of(len)
    assert (found.query, found.expects_version) == ({}, False)


@pytest.mark.django_db
def test_an_address_with_a_variable_called_key_takes_an_idempotency_key(world: World) -> None:
    path = f"/gateways/sessions/main/message?gateway_id={world.gateway.pk}"
    answer = world.as_ann.post(path, {"content": "Hi"}, headers={"Idempotency-Key": "k-1"})
    assert answer.status == 502


@pytest.mark.django_db
def test_a_task_may_be_moved_to_the_board_that_it_is_on(world: World) -> None:
    task = factories.make_task(world.board)
    body = {"board_id": str(world.board.pk)}
    answer = world.as_ann.post(f"/tasks/{task.pk}/move", body).expect(200)
    assert (answer.json["key"], answer.json["version"]) == (task.key, task.version)
