"""The feed: who reads what, filters, totals, cost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from activity import feed
from activity.jobs import purge_older_than
from activity.models import ActivityEvent, AuditEntry
from activity.publish import Target, publish
from boards.models import Board
from governance.models import ApprovalTask
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.unit import service
from orgs.models import Organization
from tests import factories
from tests.world import World

pytestmark = pytest.mark.django_db
SYSTEM = SystemActor("test")


@service
def record(
    kind: str,
    organization: Organization,
    *,
    board: Board | None = None,
    actor: Actor = SYSTEM,
    target: Any = None,
    count: int = 1,
    **more: Any,
) -> None:
    for _ in range(count):
        publish(
            kind,
            actor=actor,
            target=target or Target("agent", uuid.uuid4(), "Some thing"),
            organization_id=organization.id,
            board_id=board.id if board else None,
            **more,
        )


@pytest.fixture
def events(world: World) -> World:
    """One event in every place where readers differ."""
    record(
        "task.created",
        world.org,
        board=world.board,
        target=factories.make_task(world.board, "In A1"),
    )
    record(
        "task.created",
        world.org,
        board=world.second_board,
        target=Target("task", uuid.uuid4(), "In A2"),
    )
    record("gateway.updated", world.org, target=world.gateway)
    record(
        "task.created",
        world.other_org,
        board=world.other_board,
        target=Target("task", uuid.uuid4(), "In B1"),
    )
    record(
        "agent.updated", world.org, board=world.board, target=world.worker, agent_id=world.worker.id
    )
    return world


@pytest.mark.parametrize(
    ("who", "titles"),
    [
        pytest.param("as_ann", ["WA", "GA", "In A2", "In A1"], id="owner"),
        pytest.param("as_bob", ["WA", "In A1"], id="grant on one board"),
        pytest.param("as_eve", ["In B1"], id="other tenant"),
        pytest.param("as_worker", ["WA"], id="agent"),
        pytest.param("as_other_lead", [], id="foreign agent"),
    ],
)
def test_everybody_reads_his_own(events: World, who: str, titles: list[str]) -> None:
    answer = getattr(events, who).get("/activity").expect(200)
    # An agent's first call is recorded as its check-in.
    items = [item for item in answer.items if item["event_type"] != "agent.heartbeat"]
    seen = [item["resource_name"].removeprefix(f"{events.board.key}-1 ") for item in items]
    assert seen == titles
    assert answer.json["total"] == len(answer.items)


def test_a_member_with_all_boards_reads_no_matters_of_the_organization(events: World) -> None:
    dora = factories.make_user("dora")
    factories.make_member(events.org, dora, all_boards_read=True)
    client = events.as_ann
    client.bearer = factories.make_token(dora)
    answer = client.get("/activity?limit=2").expect(200)
    assert [i["event_type"] for i in answer.items] == ["agent.updated", "task.created"]
    assert answer.json["total"] == 3


def test_an_event_says_everything(events: World) -> None:
    item = events.as_ann.get("/activity?resource_type=agent").expect(200).items[0]
    event = ActivityEvent.objects.get(type="agent.updated")
    assert item == {
        "id": str(event.id),
        "event_type": "agent.updated",
        "message": "test changed the agent WA",
        "agent_id": str(events.worker.id),
        "task_id": None,
        "board_id": str(events.board.id),
        "created_at": event.at.isoformat().replace("+00:00", "Z"),
        "route_name": "board",
        "route_params": {"boardId": str(events.board.id)},
        "organization_id": str(events.org.id),
        "seq": 4,
        "actor_type": "system",
        "actor_id": None,
        "actor_name": "test",
        "resource_type": "agent",
        "resource_id": str(events.worker.id),
        "resource_name": "WA",
        "metadata": {},
        "request_id": event.request_id,
    }


@pytest.mark.parametrize(
    ("kind", "data", "wire", "route"),
    [
        ("task.moved", {"to": "done"}, "task.status_changed", "board"),
        ("approval.resolved", {"status": "approved"}, "approval.approved", "board.approvals"),
        ("approval.requested", {}, "approval.created", "board.approvals"),
        ("agent.checked_in", {}, "agent.heartbeat", "board"),
        ("task.commented", {"comment_id": "c1"}, "task.comment", "board"),
    ],
)
def test_types_have_their_earlier_names(
    world: World, kind: str, data: dict[str, str], wire: str, route: str
) -> None:
    task = factories.make_task(world.board)
    record(kind, world.org, board=world.board, target=task, task_id=task.id, data=data)
    item = world.as_ann.get(f"/activity?event_type={wire}").expect(200).items[0]
    assert (item["event_type"], item["route_name"]) == (wire, route)
    assert item["route_params"]["boardId"] == str(world.board.id)
    assert item["route_params"].get("commentId") == data.get("comment_id")


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        pytest.param("resource_type=gateway", ["GA"], id="resource type alone"),
        pytest.param("event_type=task.*", ["In A2", "In A1"], id="prefix"),
        pytest.param("event_type=gateway.updated", ["GA"], id="type"),
        pytest.param("event_type=webhook.received", [], id="type of another part"),
        pytest.param("actor_type=system", ["WA", "GA", "In A2", "In A1"], id="actor type"),
        pytest.param("actor_type=nobody", [], id="unknown actor type"),
        pytest.param("q=a1", ["In A1"], id="text"),
        pytest.param("q=%25", [], id="no wildcard"),
        pytest.param("until=2020-01-01T00:00:00", [], id="until"),
        pytest.param("since=2020-01-01", None, id="date without time"),
        pytest.param(f"actor_id={uuid.uuid4()}", [], id="unknown actor"),
        pytest.param(f"resource_id={uuid.uuid4()}", [], id="unknown resource"),
        pytest.param("limit=1&offset=1", ["GA"], id="page"),
    ],
)
def test_filters(events: World, query: str, titles: list[str] | None) -> None:
    answer = events.as_ann.get(f"/activity?{query}").expect(200)
    seen = [item["resource_name"].removeprefix(f"{events.board.key}-1 ") for item in answer.items]
    assert seen == (["WA", "GA", "In A2", "In A1"] if titles is None else titles)


@pytest.mark.parametrize(
    "query",
    ["resource_type=nonsense", "event_type=nonsense", "event_type=foo.bar", "since=yesterday",
     "board_id=7", "limit=0", "offset=-1"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(world: World, query: str) -> None:
    world.as_ann.get(f"/activity?{query}").expect(422)


def test_a_task_brings_its_comments_and_approvals(world: World) -> None:
    task, other = factories.make_task(world.board), factories.make_task(world.board)
    approval = factories.make_approval(world.org, world.board)
    ApprovalTask.objects.create(approval=approval, task_id=task.id, title=task.title)
    record("task.created", world.org, board=world.board, target=task, task_id=task.id)
    record("task.commented", world.org, board=world.board, target=task, task_id=task.id)
    record("approval.requested", world.org, board=world.board, target=approval)
    record("task.created", world.org, board=world.board, target=other, task_id=other.id)

    seen = world.as_ann.get(f"/activity?resource_type=task&resource_id={task.id}").expect(200)

    assert [i["event_type"] for i in seen.items] == [
        "approval.created",
        "task.comment",
        "task.created",
    ]


def test_a_named_row_is_found_in_every_own_organization(events: World) -> None:
    factories.make_member(events.other_org, events.ann, all_boards_read=True)
    assert events.as_ann.get("/activity").json["total"] == 4
    found = events.as_ann.get(f"/activity?board_id={events.other_board.id}").expect(200)
    assert [i["resource_name"] for i in found.items] == ["In B1"]


@pytest.mark.parametrize("query", ["", "&board_id={board}", "&board_id={board}&q=in"])
@pytest.mark.parametrize("who", ["as_ann", "as_bob"])
def test_pages_side_by_side_are_the_list(events: World, who: str, query: str) -> None:
    client, filters = getattr(events, who), query.format(board=events.board.id)
    whole = client.get(f"/activity?limit=200{filters}").expect(200).items
    pages = [
        client.get(f"/activity?limit=2&offset={start}{filters}").expect(200).items
        for start in range(0, len(whole) + 2, 2)
    ]
    assert whole
    assert [item for page in pages for item in page] == whole


@pytest.mark.scenario("CORE-33")
@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("name", ["resource_id", "board_id", "task_id", "agent_id", "actor_id"])
def test_foreign_ids_give_an_empty_page(events: World, name: str, offset: int) -> None:
    ids = {
        "resource_id": events.gateway.id,
        "board_id": events.board.id,
        "task_id": factories.make_task(events.board).id,
        "agent_id": events.worker.id,
        "actor_id": events.ann.id,
    }
    answer = events.as_eve.get(f"/activity?{name}={ids[name]}&offset={offset}").expect(200)
    assert (answer.items, answer.json["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("who", "query", "total"),
    [
        pytest.param("as_ann", "", 40, id="whole organization"),
        pytest.param("as_ann", "&board_id={board}", 20, id="one board"),
        pytest.param("as_bob", "", 20, id="granted boards"),
        pytest.param("as_ann", "&event_type=task.*", 20, id="filtered"),
    ],
)
def test_totals_are_exact_also_from_the_counters(
    world: World, who: str, query: str, total: int
) -> None:
    record("task.created", world.org, board=world.board, count=20)
    record("gateway.updated", world.org, count=20)
    query = query.format(board=world.board.id)
    answer = getattr(world, who).get(f"/activity?limit=5{query}").expect(200)
    assert (len(answer.items), answer.json["total"]) == (5, total)


def test_totals_follow_retention(world: World) -> None:
    record("gateway.updated", world.org, count=10)
    old = timezone.now() - timedelta(days=10)
    _age(old, upto=4)

    assert purge_older_than(5) == 4

    answer = world.as_ann.get("/activity?limit=2").expect(200)
    assert answer.json["total"] == 6
    assert AuditEntry.objects.filter(organization_id=world.org.id).count() == 10


def _age(moment: Any, *, upto: int) -> None:
    """Make the first events old, past the guard of the table."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activity_activityevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE activity_activityevent SET at = %s WHERE seq <= %s", [moment, upto])
        cursor.execute("ALTER TABLE activity_activityevent ENABLE TRIGGER USER")


@pytest.mark.parametrize(("who", "queries"), [("as_ann", 3), ("as_bob", 4)])
def test_a_page_costs_the_same_with_one_row_and_with_two_hundred(
    world: World, who: str, queries: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    record("task.created", world.org, board=world.board)
    client = getattr(world, who)
    client.get("/activity").expect(200)
    with django_assert_max_num_queries(queries):
        client.get("/activity").expect(200)
    record("task.created", world.org, board=world.board, count=250)
    with django_assert_max_num_queries(queries):
        assert len(client.get("/activity").expect(200).items) == 200


def test_there_is_no_way_to_change_an_event(events: World) -> None:
    for method in ("post", "patch", "put", "delete"):
        getattr(events.as_ann, method)("/activity").expect(405)


def test_scopes_say_the_same_row_by_row_and_as_a_query(events: World) -> None:
    from activity.api.scope import scopes_of

    rows = feed.fetch(ActivityEvent.objects.order_by("seq"))
    for user in (events.ann, events.bob, events.eve):
        scopes = scopes_of(events.actor(user))
        queried = {r.id for r in feed.fetch(feed.events_in(scopes))}
        assert {r.id for r in rows if any(s.admits(r) for s in scopes)} == queried
        assert queried
