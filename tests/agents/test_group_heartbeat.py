"""One heartbeat for a group: who sets it, which agents get it, what a gateway that is away does."""

from __future__ import annotations

import pytest

from agents import group_heartbeat, rules, services, sweeps
from agents.models import Agent
from boards.models import Board, BoardGroup
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound
from tests import factories

from .conftest import Stage
from .test_messages import actor_of
from .test_talk import add


@pytest.mark.parametrize(
    ("every", "stored"),
    [
        ("2m", "2m"),
        (" 1 H ", "1h"),
        ("30s", "30s"),
        ("2w", "14d"),
        ("3650d", "3650d"),
        ("520w", "3640d"),
    ],
)
def test_an_interval_is_stored_as_the_gateway_reads_it(every: str, stored: str) -> None:
    assert rules.beat_interval(every) == stored
    assert rules.interval_seconds(stored)


@pytest.mark.parametrize(
    "every", ["", "0m", "m", "10", "29s", "3651d", "1h30m", "-5m", "10ms", "1.5h", "9" * 12 + "d"]
)
def test_what_is_no_interval_is_refused(every: str) -> None:
    with pytest.raises(ValueError, match=r"interval|range"):
        rules.beat_interval(every)


@pytest.fixture
def group(stage: Stage) -> BoardGroup:
    """A group of the board and a board without a gateway."""
    made = factories.make_group(stage.world.org, "Platform")
    Board.objects.filter(pk=stage.board.pk).update(board_group=made)
    factories.make_board(stage.world.org, "Quiet", board_group=made)
    return made


def every(agent: Agent) -> str:
    return str(rules.heartbeat_of(Agent.objects.get(pk=agent.pk).heartbeat_config)["every"])


def test_workers_get_it_on_their_gateway_and_leads_when_asked(
    stage: Stage, group: BoardGroup
) -> None:
    lead, worker = add(stage, "Lea", stage.board, "lead"), add(stage, "Atlas", stage.board)
    quiet = Board.objects.get(name="Quiet")
    draft = factories.make_agent(stage.world.org, "Draft", board=quiet, status="draft")
    Agent.objects.filter(pk=worker.pk).update(heartbeat_config={"every": "5m", "model": "x"})
    client = stage.world.as_ann
    answer = client.post(f"/board-groups/{group.pk}/heartbeat", {"every": "2m"}).expect(200).json
    assert set(answer["updated_agent_ids"]) == {str(worker.pk), str(draft.pk)}
    assert answer["failed_agent_ids"] == []
    assert answer["requested"] == {"every": "2m", "include_board_leads": False}
    assert answer["board_group_id"] == str(group.pk)
    assert (every(worker), every(lead), every(draft)) == ("2m", "10m", "2m")
    stored = stage.fresh(worker).heartbeat_config
    assert stored == {"every": "2m", "model": "x", "target": "last"}
    assert stage.heartbeat(worker)["every"] == "2m"
    patches = len(stage.methods("config.patch"))
    client.post(
        f"/board-groups/{group.pk}/heartbeat", {"every": "1h", "include_board_leads": True}
    ).expect(200)
    assert (stage.heartbeat(worker)["every"], stage.heartbeat(lead)["every"]) == ("1h", "1h")
    assert len(stage.methods("config.patch")) == patches + 1


def test_a_gateway_that_is_away_gets_it_later(stage: Stage, group: BoardGroup) -> None:
    worker = add(stage, "Atlas", stage.board)
    url = stage.gateway.url
    gateways = type(stage.gateway).objects.filter(pk=stage.gateway.pk)
    gateways.update(url="ws://127.0.0.1:9")
    who = stage.world.actor(stage.world.ann)
    ids = services.set_group_heartbeat(who, group.pk, every="3m")
    written = group_heartbeat.write(ids)
    assert (written.updated, written.failed) == ([], [worker.pk])
    assert every(worker) == "3m"
    assert stage.fresh(worker).heartbeat_sync_pending
    gateways.update(url=url)
    sweeps.sync_heartbeats(stage.gateway.pk)
    assert stage.heartbeat(worker)["every"] == "3m"
    assert group_heartbeat.write(ids).failed == []


def test_who_may_set_it(stage: Stage, group: BoardGroup) -> None:
    lead, worker = add(stage, "Lea", stage.board, "lead"), add(stage, "Atlas", stage.board)
    assert services.set_group_heartbeat(actor_of(lead), group.pk, every="2m") == [worker.pk]
    world = stage.world
    with pytest.raises(Forbidden):
        services.set_group_heartbeat(actor_of(worker), group.pk, every="2m")
    with pytest.raises(NotFound):
        services.set_group_heartbeat(world.actor(world.eve), group.pk, every="2m")
    with pytest.raises(NotFound):
        services.set_group_heartbeat(actor_of(world.lead), group.pk, every="2m")
    factories.grant(stage.board, world.bob, "write")
    with pytest.raises(Forbidden):
        services.set_group_heartbeat(world.actor(world.bob), group.pk, every="2m")
    with pytest.raises(Invalid):
        services.set_group_heartbeat(world.actor(world.ann), group.pk, every="often")


def test_a_call_that_may_be_repeated_leaves_the_gateway_to_a_worker(
    stage: Stage, group: BoardGroup
) -> None:
    worker = add(stage, "Atlas", stage.board)
    path, key = f"/board-groups/{group.pk}/heartbeat", {"Idempotency-Key": "k"}
    patches = len(stage.methods("config.patch"))
    answer = stage.world.as_ann.post(path, {"every": "4m"}, headers=key).expect(200).json
    assert answer["failed_agent_ids"] == [str(worker.pk)]
    assert len(stage.methods("config.patch")) == patches
    again = stage.world.as_ann.post(path, {"every": "4m"}, headers=key).expect(200)
    assert again.headers["Idempotent-Replay"] == "true"
    sweeps.sync_heartbeats(stage.gateway.pk)
    assert stage.heartbeat(worker)["every"] == "4m"
