"""What generated calls are judged by: a check that finds nothing would always be content."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response

from tests.fuzz import chains, streams
from tests.fuzz.calls import Door, answered

ID = "6ab37df7-1e77-4018-9083-d483916f9b3c"
SHAPE = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
JSON = [("Content-Type", "application/json")]


def made(content: bytes, status: int = 200, headers: Any = ()) -> Response:
    request = requests.Request("GET", "http://testserver/rows").prepare()
    return answered(request, status, list(headers), content)


@pytest.mark.parametrize(
    ("content", "is_sound"),
    [
        (f"retry: 3000\n\nid: {ID}\nevent: task\ndata: {{}}\n\n: ping\n\n", True),
        (f"retry: 3000\n\nid: {ID}\n\n", True),
        ("event: task\ndata: {}\n\n", False),
        ("retry: soon\n\n", False),
        ("retry: 3000\n\nid: 7\nevent: task\ndata: {}\n\n", False),
        ("retry: 3000\n\nevent: task\ndata: []\n\n", False),
        ("retry: 3000\n\ndata: {}\n\n", False),
        ("retry: 3000\n\nevent: task\ndata: {", False),
        ("retry: 3000\n\n<html>\n\n", False),
    ],
)
def test_frames(content: str, is_sound: bool) -> None:
    assert (streams.faults(made(content.encode())) == []) == is_sound


def judged(response: Response, statuses: tuple[str, ...] = ("200",)) -> set[str]:
    content = {"application/json": {"schema": SHAPE}}
    answers = {status: {"description": "", "content": content} for status in statuses}
    document = {
        "openapi": "3.0.3", "info": {"title": "", "version": "1"},
        "paths": {"/rows": {"get": {"operationId": "get_rows", "responses": answers}}},
    }  # fmt: skip
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    case = schema["/rows"]["GET"].Case()
    return {found.title for found in Door().findings(case, response)}


def test_answers() -> None:
    assert judged(made(b'{"id": "1"}', headers=JSON)) == set()
    assert judged(made(b'{"name": "1"}', headers=JSON)) == {"Response violates schema"}
    assert judged(made(b"1", headers=[("Content-Type", "text/html")])) == {
        "Undocumented Content-Type"
    }
    assert judged(made(b'{"id": "1"}', 201, JSON)) == {"Undocumented status code"}
    for status in (500, 503, 504):
        assert judged(made(b'{"id": "1"}', status, JSON), (str(status),)) == {"server error"}
    assert judged(made(b'{"id": "1"}', 503, JSON), ("502", "503")) == set()


def test_links_are_followed_in_the_order_of_a_life() -> None:
    link = {"parameters": {"row_id": "$response.body#/id", "board_id": "$request.path.board_id"}}
    names = ("delete_row", "patch_row", "get_row")
    made_here = {"responses": {"200": {"links": {n: {**link, "operationId": n} for n in names}}}}
    item = {name.partition("_")[0]: {"operationId": name} for name in names}
    found = chains.steps({"paths": {"/rows/{row_id}": item}}, made_here)
    assert [step.method for step in found] == ["get", "patch", "delete"]
    answer: Any = SimpleNamespace(content=b'{"id": "7"}')
    assert chains.filled(found[0], answer, {"board_id": "3"}) == {"row_id": "7", "board_id": "3"}
    assert chains.filled(found[0], answer, {}) is None


@pytest.mark.parametrize(
    ("status", "content", "is_deleted", "wrong"),
    [
        (200, b"{}", True, "deleted, and still there"),
        (200, b'{"status":"deleting"}', True, ""),
        (404, b"{}", True, ""),
        (404, b"{}", False, "made, and not there"),
        (200, b"{}", False, ""),
    ],
)
def test_the_life_of_a_row(status: int, content: bytes, is_deleted: bool, wrong: str) -> None:
    step = chains.steps(
        {"paths": {"/rows/{row_id}": {"get": {"operationId": "get_row"}}}},
        {
            "responses": {
                "200": {"links": {"get_row": {"operationId": "get_row", "parameters": {}}}}
            }
        },
    )[0]
    answer: Any = SimpleNamespace(status_code=status, content=content)
    assert chains.fault(step, answer, is_deleted=is_deleted) == wrong
