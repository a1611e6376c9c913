"""Work without a caller: order keys, viewers of killed processes, commands, deliveries."""

from __future__ import annotations

import time
import uuid

import orjson
import pytest
from redis import Redis

from activity.models import ActivityEvent
from boards import jobs, presence, services
from boards.models import Task
from missioncontrol.kernel import commands, hub
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.errors import Invalid, NotFound
from tests import factories
from tests.world import World


def test_grown_keys_are_shortened_in_order(world: World) -> None:
    long = "a0" + "V" * 50
    rows = [
        factories.make_task(world.board, title, rank=rank)
        for title, rank in (("A", "a0"), ("B", long), ("C", "a1"))
    ]
    assert jobs.rerank.body() == 1
    ordered = Task.objects.filter(board=world.board).order_by("rank")
    assert list(ordered.values_list("pk", flat=True)) == [row.pk for row in rows]
    assert max(len(rank) for rank in ordered.values_list("rank", flat=True)) <= 2
    assert ActivityEvent.objects.get().data["changes"] == {"ranks": "todo"}
    assert jobs.rerank.body() == 0


def test_viewers_of_a_killed_process_are_removed(
    world: World, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(
        hub, "whisper", lambda topic, text: told.append((topic, orjson.loads(text)))
    )
    key = presence.key_of(world.board.pk)
    actor = world.actor(world.ann)
    for connection, age in (("old", 60), ("young", 5)):
        entry = {**presence.entry_of(actor, connection), "at": time.time() - age}
        redis_client.hset(key, connection, orjson.dumps(entry))
    redis_client.sadd(presence.BOARDS, str(world.board.pk))
    assert jobs.sweep_presence.body() == 1
    assert redis_client.hkeys(key) == [b"young"]
    assert [(topic, frame["type"], frame["connection"]) for topic, frame in told] == [
        (f"board.{world.board.pk}", "presence.leave", "old")
    ]


def test_commands_call_the_services(world: World) -> None:
    actor = SystemActor("proposal 7")
    made = commands.run(
        "boards.create_task", {"board_id": str(world.board.pk), "title": "Planned"}, actor
    )
    commands.run("boards.move_task", {"task_id": str(made.pk), "to": "in_progress"}, actor)
    assert Task.objects.get(pk=made.pk).status == "in_progress"
    names = ActivityEvent.objects.order_by("seq").values_list("type", "actor_kind", "actor_name")
    assert list(names) == [
        ("task.created", "system", "proposal 7"), ("task.moved", "system", "proposal 7"),
    ]  # fmt: skip
    with pytest.raises(Invalid):
        commands.run("boards.move_task", {"task_id": "x", "to": "done"}, actor)
    with pytest.raises(NotFound):
        commands.run("boards.move_task", {"task_id": str(uuid.uuid4()), "to": "done"}, actor)


def test_code_finishes_without_being_a_person(world: World) -> None:
    task = factories.make_task(world.board)
    services.move_task(SystemActor("rule"), task.pk, to="done")
    assert not ActivityEvent.objects.filter(type="task.decided").exists()


def test_a_delivery_is_noted_without_a_new_version(world: World) -> None:
    task = factories.make_task(world.board)
    services.record_delivery(SystemActor("x"), task.pk, state="failed", detail="no route")
    task.refresh_from_db()
    assert (task.delivery, task.delivery_detail, task.version) == ("failed", "no route", 1)
    with pytest.raises(ValueError, match="somewhere"):
        services.record_delivery(SystemActor("x"), task.pk, state="somewhere")
