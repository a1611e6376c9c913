"""Bodies and queries that no honest client sends: every route refuses them by name, none breaks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client as Browser

from gateways.models import Gateway
from governance.models import Approval
from tests import factories
from tests.clients import Answer, Client
from tests.world import World

DEEP = b'{"a":' * 100 + b"1" + b"}" * 100
HOSTILE: tuple[Any, ...] = (
    None, True, -1, 2**31, 2**63, 1e308, "", "   ", "a\x00b", "x" * 600, "x" * 100_001,
    [1], ["\x00"], {"\x00": 1}, {"a": "\x00"}, {"a": 1e300}, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "0000-00-00", [str(uuid.uuid4())] * 10_000, "\u202e\x1b[31m",
    "a\r\nSet-Cookie: x=1",
)  # fmt: skip
RAW_VALUES = (b'"\\ud800"', b"1e999", b"NaN", b"1" + b"0" * 40, b'{"a":1' + b"0" * 40 + b"}", DEEP)
RAW_BODIES = (
    b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":"\xff"}', b"[" * 100_000, DEEP, b"\x00",
    b"\xef\xbb\xbf{}",
)  # fmt: skip
#: Answers that a hostile call may get; 502 and 503 only from a gateway that is not there.
REMOTE = {502, 503}
JUNK_QUERIES = (
    "q=%00", "limit=0", "limit=x", "offset=-1", "offset=99999999999", "since=nonsense",
    "since=0001-01-01T00:00:00%2B14:00", "board_id=x", "status=%00", "page=%C2%B2", "before=%C2%B2",
)  # fmt: skip


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    """Values for the variables of paths: rows of the caller's own organization."""
    Gateway.objects.update(url="ws://127.0.0.1:9")
    task = factories.make_task(world.board, "Target")
    approval = Approval.objects.create(
        organization=world.org, board_id=world.board.pk, action_type="deploy", confidence=50
    )
    rows: dict[str, Any] = {
        "board_id": world.board.pk,
        "task_ref": task.pk,
        "agent_id": world.worker.pk,
        "gateway_id": world.gateway.pk,
        "approval_id": approval.pk,
        "organization_id": world.org.pk,
        "key": "agent:main",
        "name": "SOUL.md",
    }
    return {name: str(value) for name, value in rows.items()}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of the canonical mount."""
    for path, item in document["paths"].items():
        if path.startswith("/api/v1/") and "/auth/" not in path:
            for method, details in item.items():
                if method in ("get", "post", "patch", "put"):
                    yield method.upper(), path, details


def filled(path: str, ids: dict[str, str]) -> str:
    """A path with the variables replaced; unknown ones by a random id."""
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    while "{" in path:
        head, _brace, rest = path.partition("{")
        path = head + str(uuid.uuid4()) + rest.partition("}")[2]
    return path


def properties(document: dict[str, Any], details: dict[str, Any]) -> list[str]:
    """Names of the fields of a request's body."""
    content = details.get("requestBody", {}).get("content", {})
    shape = content.get("application/json", {}).get("schema", {})
    name = shape.get("$ref", "").rpartition("/")[2]
    return sorted(document["components"]["schemas"].get(name, shape).get("properties", {}))


def bodies(names: list[str]) -> Iterator[bytes]:
    """Broken bodies, then fields in turn with one hostile value each."""
    yield from RAW_BODIES
    for name in names[:3]:
        for raw in RAW_VALUES:
            yield b'{"%b":%b}' % (name.encode(), raw)
    for number, value in enumerate(HOSTILE if names else ()):
        yield orjson.dumps({names[number % len(names)]: value})


def expect_handled(answer: Answer, place: str) -> None:
    """Not broken: the client has checked the form of the refusal already."""
    if answer.status >= 500:
        assert answer.status in REMOTE, place
        assert "gateway" in answer.json["detail"].lower(), place


def schema(caller: Client) -> dict[str, Any]:
    """The published schema, as clients load it."""
    answer = caller.http.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = orjson.loads(answer.content)
    assert document["openapi"].startswith("3.")
    return document


@pytest.mark.scenario("CORE-55")
def test_no_body_breaks_a_route(world: World, ids: dict[str, str], settings: Any) -> None:
    settings.RATE_LIMIT_BACKEND = "memory"
    caller = world.as_ann
    document = schema(caller)
    asked = 0
    for method, path, details in operations(document):
        if method == "GET":
            continue
        for body in bodies(properties(document, details)):
            place = f"{method} {path} {body[:80]!r}"
            expect_handled(caller.request(method, filled(path, ids), body), place)
            asked += 1
    assert asked > 700


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        (
            "POST", "/approvals",
            {"action_type": "x", "lead_reasoning": "y", "rubric_scores": {"a\x00b": 5}},
        ),
        ("PUT", "/memory/a%00b", {"content": "x"}),
        ("GET", "/events?since_seq=%C2%B2", None),
    ],
    ids=["key of scores", "key of a note", "digit that is no number"],
)  # fmt: skip
def test_what_looks_well_formed_is_refused_by_name(
    world: World, method: str, path: str, body: dict[str, Any] | None
) -> None:
    refused = world.as_ann.request(method, f"/boards/{world.board.pk}{path}", body).expect(422)
    assert refused.json["errors"]


def test_no_query_breaks_a_list(world: World, ids: dict[str, str]) -> None:
    caller = world.as_ann
    for method, path, _details in operations(schema(caller)):
        for query in JUNK_QUERIES if method == "GET" else ():
            address = f"{filled(path, ids)}?{query}"
            expect_handled(caller.get(address), address)


def test_no_query_breaks_a_page(world: World) -> None:
    browser = Browser()
    browser.force_login(world.ann)
    places = ("/boards", "/agents", "/activity", "/approvals", "/dashboard", "/gateways")
    for place in (*places, f"/boards/{world.board.pk}"):
        for query in JUNK_QUERIES:
            answer = browser.get(f"{place}?{query}")
            assert answer.status_code == (422 if "%00" in query else 200), (place, query)


def test_a_number_from_elsewhere_does_not_hide_its_row(world: World) -> None:
    Gateway.objects.filter(pk=world.gateway.pk).update(metadata={"port": 10**30})
    answer = world.as_ann.get(f"/gateways/{world.gateway.pk}").expect(200)
    assert answer.json["metadata"] == {"port": str(10**30)}


def test_what_is_not_json_is_named_by_its_kind(world: World) -> None:
    browser = world.as_ann.http
    headers = {"Authorization": f"Bearer {world.ann_token}"}
    for kind, body, status in (
        ("application/x-www-form-urlencoded", "title=x", 415),
        ("application/xml", "<a/>", 415),
        ("application/json", "title=x", 422),
        ("application/merge-patch+json", "title=x", 422),
    ):
        answer = browser.post("/api/v1/boards", body, content_type=kind, headers=headers)
        assert answer.status_code == status, kind


def test_a_refused_method_is_a_problem_with_a_readable_title(world: World) -> None:
    for method in ("DELETE", "PUT", "TRACE", "PROPFIND"):
        answer = world.as_ann.request(method, "/tasks").expect(405)
        assert answer.json["title"] == "Method Not Allowed"
        assert answer.headers["Allow"]


def test_a_browser_sees_the_browsable_form_of_the_api(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.ann_token}", "Accept": "text/html"}
    answer = world.as_ann.http.get("/api/v1/boards", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


def test_another_host_is_refused_in_the_form_of_the_address(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["mission.example"]
    browser = Browser(raise_request_exception=False)
    api = browser.get("/api/v1/boards", headers={"Host": "evil.example"})
    assert api.status_code == 400
    assert api["Content-Type"].startswith("application/problem+json")
    assert api.json()["request_id"] == api["X-Request-Id"]
    page = browser.get("/sign-in", headers={"Host": "evil.example"})
    assert page.status_code == 400
    assert "evil.example" not in page.content.decode() + str(page.headers)
