"""Number of statements: the same with one and with twenty rows, and never more than eight."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from boards.models import Board, Task, TaskDependency
from boards.querysets import board_q, board_sql
from boards.rows import Where
from governance.models import ApprovalTask
from missioncontrol.kernel.actors import Actor, SystemActor
from missioncontrol.kernel.credentials import from_agent_token
from tests import factories
from tests.clients import Client
from tests.world import World


def fill(world: World, count: int) -> None:
    """Tasks with dependencies, tags, values, comments, approvals; further boards in a group."""
    tags = [factories.make_tag(world.org).pk for _ in range(3)]
    before = Task.objects.filter(board=world.board).first()
    for number in range(count):
        task = factories.make_task(
            world.board, f"Row {number}", assigned_agent=world.worker, tag_ids=tags
        )
        Task.objects.filter(pk=task.pk).update(custom_field_values={"cost": number})
        if before is not None:
            TaskDependency.objects.create(task=task, depends_on=before)
            factories.make_comment(before)
        approval = factories.make_approval(world.org, world.board)
        ApprovalTask.objects.create(approval=approval, task_id=task.pk, title=task.title)
        before = before or task
        factories.make_board(world.org, board_group=world.board.board_group)
        factories.make_group(world.org)


def statements(client: Client, path: str) -> int:
    """Statements of one GET."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        client.get(path).expect(200)
    return len(seen)


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("as_ann", "/boards"),
        ("as_ann", "/board-groups"),
        ("as_ann", "/board-groups/{group}/snapshot"),
        ("as_ann", "/boards/{board}"),
        ("as_ann", "/boards/{board}?include=none"),
        ("as_ann", "/boards/{board}/snapshot"),
        ("as_ann", "/boards/{board}/group-snapshot?include_self=true"),
        ("as_ann", "/boards/{board}/tasks"),
        ("as_ann", "/boards/{board}/approvals"),
        ("as_ann", "/boards/{board}/events"),
        ("as_ann", "/tasks"),
        ("as_ann", "/tasks/{task}"),
        ("as_ann", "/tasks/{task}/comments"),
        ("as_ann", "/tasks?tag=tag-1"),
        ("as_ann", "/tags"),
        ("as_ann", "/organizations/me/custom-fields"),
        ("as_worker", "/agent/boards/{board}/tags"),
        ("as_bob", "/boards/{board}/snapshot"),
        ("as_bob", "/tasks"),
        ("as_worker", "/agent/boards/{board}/tasks"),
        ("as_worker", "/agent/boards/{board}/tasks/{task}/comments"),
    ],
)
def test_lists_cost_the_same_with_more_rows(world: World, who: str, path: str) -> None:
    world.board.board_group = factories.make_group(world.org)
    world.board.save()
    factories.make_field(world.board, "cost", field_type="integer")
    factories.make_field(world.board, "place", default_value="Rome")
    fill(world, 1)
    first = Task.objects.get(board=world.board)
    names = {"board": world.board.pk, "task": first.pk, "group": world.board.board_group_id}
    address, client = path.format(**names), getattr(world, who)
    client.get(address).expect(200)
    few = statements(client, address)
    fill(world, 20)
    assert statements(client, address) == few
    assert few <= 8


@pytest.mark.parametrize(("body", "most"), [({"status": "in_progress"}, 10), ({"title": "New"}, 9)])
def test_a_change_costs_few_statements(world: World, body: dict[str, str], most: int) -> None:
    fill(world, 3)
    task = Task.objects.filter(board=world.board).earliest("created_at")
    client = world.as_ann
    client.get("/boards").expect(200)
    with CaptureQueriesContext(connection) as seen:
        client.patch(f"/tasks/{task.pk}", body).expect(200)
    assert len(seen) <= most, [query["sql"][:90] for query in seen]


@pytest.mark.parametrize("right", ["read", "write"])
def test_both_forms_of_visibility_say_the_same(world: World, right: str) -> None:
    factories.grant(world.second_board, world.bob, "write")
    token = "mca_" + "m" * 43
    factories.make_agent(
        world.org, "MA", gateway=world.gateway, agent_type="main", token=token, status="online"
    )
    actors: list[Actor | None] = [
        *(world.actor(user) for user in (world.ann, world.bob, world.eve)),
        from_agent_token(world.worker_token),
        from_agent_token(token),
        SystemActor("test"),
    ]
    for actor in actors:
        assert actor is not None
        sql, parameters = board_sql(actor, right, board="b")  # type: ignore[arg-type]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT b.id FROM boards_board b WHERE {sql}", parameters)
            by_hand = {row[0] for row in cursor.fetchall()}
        condition: Q = board_q(actor, right)  # type: ignore[arg-type]
        assert by_hand == set(Board.objects.filter(condition).values_list("pk", flat=True))
    assert Where().sql == "TRUE"
