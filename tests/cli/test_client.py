"""The client for programs: retries, idempotency, versions, pages, streams, kinds of refusal."""

from __future__ import annotations

import httpx
import pytest

from missioncontrol import client
from tests import factories
from tests.cli.server import ADDRESS, Clock, Server, problem, stream
from tests.world import World


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def calling(server: Server, clock: Clock, token: str = "x") -> client.Client:
    return client.Client(ADDRESS, token=token, transport=server, pause=clock)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "unauthenticated", client.NotSignedIn),
        (403, "forbidden", client.ApiError),
        (404, "not_found", client.NotFound),
        (409, "approval_required", client.ApprovalRequired),
        (412, "version_conflict", client.VersionConflict),
        (422, "invalid", client.ApiError),
        (500, "internal_error", client.ServerError),
        (502, "remote_failed", client.Unavailable),
    ],
)
def test_a_refusal_has_its_kind(
    server: Server, clock: Clock, status: int, code: str, kind: type[client.ApiError]
) -> None:
    server.prepared = [problem(status, code)]
    with pytest.raises(kind) as caught:
        calling(server, clock).get("/tasks")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    assert str(caught.value) == f"Not now. ({code}, request r-1)"
    assert clock.pauses == []


def test_503_is_tried_again_with_growing_pauses(server: Server, clock: Clock) -> None:
    server.prepared = [problem(503), problem(503), httpx.Response(200, json={"ok": True})]
    assert calling(server, clock).post("/tasks", {"title": "x"}) == {"ok": True}
    keys = {request.headers["Idempotency-Key"] for request in server.asked}
    assert len(server.asked) == 3
    assert len(keys) == 1
    assert 0 < clock.pauses[0] < clock.pauses[1]


def test_retry_after_is_obeyed_and_attempts_end(server: Server, clock: Clock) -> None:
    server.prepared = [problem(429, "rate_limited", **{"Retry-After": "7"}) for _ in range(9)]
    with pytest.raises(client.ApiError) as caught:
        calling(server, clock).get("/tasks")
    assert caught.value.status == 429
    assert clock.pauses == [7.0, 7.0, 7.0]


@pytest.mark.parametrize(("method", "calls"), [("GET", 4), ("POST", 4), ("PATCH", 1)])
def test_a_broken_connection_is_tried_again_where_that_is_safe(
    server: Server, clock: Clock, method: str, calls: int
) -> None:
    server.prepared = [httpx.ConnectError("refused") for _ in range(9)]
    with pytest.raises(client.CannotConnect):
        calling(server, clock).call(method, "/tasks")
    assert len(server.asked) == calls


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(
    server: Server, clock: Clock
) -> None:
    server.prepared = [httpx.Response(500, text="<html>", headers={"X-Request-Id": "abc"})]
    with pytest.raises(client.ServerError, match=r"answered 500. \(request abc\)"):
        calling(server, clock).get("/tasks")


@pytest.mark.django_db
def test_rows_come_page_after_page(world: World, server: Server, clock: Clock) -> None:
    for _ in range(5):
        factories.make_task(world.board)
    caller = calling(server, clock, world.ann_token)
    assert len(list(caller.rows("/tasks", limit=2))) == 5
    assert [request.url.params["offset"] for request in server.asked] == ["0", "2", "4"]
    assert len(list(caller.rows("/tasks", limit=2, most=3))) == 3
    assert len(list(caller.rows("/organizations/me/list"))) == 1


@pytest.mark.django_db
def test_a_key_makes_a_post_happen_once(world: World, server: Server, clock: Clock) -> None:
    caller = calling(server, clock, world.ann_token)
    body = {"board_id": str(world.board.pk), "title": "Once"}
    first, again = (caller.call("POST", "/tasks", body, key="k-1") for _ in range(2))
    assert (first.is_replay, again.is_replay) == (False, True)
    assert first.body["id"] == again.body["id"]


@pytest.mark.django_db
def test_a_stale_version_is_refused(world: World, server: Server, clock: Clock) -> None:
    caller = calling(server, clock, world.ann_token)
    task = caller.create_task(str(world.board.pk), "Versioned")
    seen = caller.call("GET", f"/tasks/{task['key']}").version
    caller.patch(f"/tasks/{task['id']}", {"title": "Other"}, version=seen)
    with pytest.raises(client.VersionConflict):
        caller.patch(f"/tasks/{task['id']}", {"title": "Third"}, version=seen)


@pytest.mark.django_db
def test_a_board_is_found_by_id_key_or_name(world: World, server: Server, clock: Clock) -> None:
    caller = calling(server, clock, world.ann_token)
    for name in (str(world.board.pk), world.board.key.lower(), world.board.name):
        assert caller.board(name)["id"] == str(world.board.pk)
    with pytest.raises(client.NotFound):
        caller.board("nothing")


def test_a_stream_resumes_after_the_last_record(server: Server, clock: Clock) -> None:
    server.prepared = [
        stream('retry: 50\n\nid: a\nevent: activity\ndata: {"n": 1}\n\n: ping\n\nid: b\n\n'),
        httpx.ConnectError("gone"),
        problem(503),
        stream('id: c\ndata: {"n":\ndata: 2}\n\n'),
        problem(401, "unauthenticated"),
    ]
    found: list[tuple[str, str, int]] = []
    events = calling(server, clock).events("/activity/stream")
    shown = ((event.id, event.name, event.data["n"]) for event in events)
    with pytest.raises(client.NotSignedIn):
        found.extend(shown)
    assert found == [("a", "activity", 1), ("c", "message", 2)]
    last = [request.headers.get("Last-Event-ID") for request in server.asked]
    assert last == [None, "b", "b", "b", "c"]
    assert clock.pauses[0] == pytest.approx(0.05)
    assert clock.pauses[1] < clock.pauses[2]


def test_a_stream_ends_when_it_is_told_to(server: Server, clock: Clock) -> None:
    server.prepared = [stream("id: a\ndata: 1\n\nid: b\ndata: 2\n\n")]
    found: list[str] = []
    events = calling(server, clock).events("/activity/stream", stop=lambda: len(found) == 1)
    found.extend(event.id for event in events)
    assert found == ["a"]
