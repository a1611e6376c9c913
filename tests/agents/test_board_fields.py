"""Agents know from their files which fields the tasks of their board have."""

from __future__ import annotations

from agents import workspace
from agents.models import Agent
from boards import services as boards
from tests import factories
from tests.world import World

from .conftest import Stage
from .test_setup import ready


def test_fields_of_the_board_stand_in_the_file(world: World) -> None:
    factories.make_field(world.board, "cost", field_type="integer", required=True)
    factories.make_field(world.board, "link", field_type="url", description="Where\nit is")
    lead = Agent.objects.select_related("board", "gateway").get(pk=world.lead.pk)
    text = workspace.render_files(lead)["AGENTS.md"]
    assert "- cost: integer, needed\n" in text
    assert "- link: url (Where it is)\n" in text


def test_the_most_fields_still_fit(world: World) -> None:
    for number in range(60):
        factories.make_field(world.board, f"f{number}" + "x" * 190, description="d" * 9_000)
    lead = Agent.objects.select_related("board", "gateway").get(pk=world.lead.pk)
    assert len(workspace.render_files(lead)["AGENTS.md"]) <= 20_000


def test_a_new_field_reaches_the_agents(stage: Stage) -> None:
    agent = ready(stage)
    who = stage.world.actor(stage.world.ann)
    field = boards.create_custom_field(who, field_key="cost", board_ids=[stage.board.id])
    stage.drain()
    assert stage.fresh(agent).work == Agent.Work.UPDATE
    stage.settle()
    boards.delete_custom_field(who, field.id)
    stage.drain()
    assert stage.fresh(agent).work == Agent.Work.UPDATE
