"""Workspace files: complete, short, free of secrets where they do not belong, strict."""

from __future__ import annotations

import re

import pytest

from agents import workspace
from agents.models import Agent
from missioncontrol.kernel.errors import Invalid
from tests import factories
from tests.world import World


def make(world: World, kind: str, **fields: object) -> Agent:
    board = None if kind == "main" else world.second_board
    agent = factories.make_agent(
        world.org, f"Agent {kind}", agent_type=kind, board=board, gateway=world.gateway, **fields
    )
    return Agent.objects.select_related("board", "gateway").get(pk=agent.pk)


@pytest.mark.parametrize("kind", ["worker", "lead", "main"])
def test_files_are_complete_and_short(world: World, kind: str) -> None:
    files = workspace.render_files(make(world, kind), workspace="/srv/w")
    assert set(files) == set(workspace.FILE_NAMES)
    for name, text in files.items():
        assert 0 < len(text) <= 20_000, name
        assert text.endswith("\n")
        assert "{{" not in text
        assert "None" not in text, name
    assert "\nAUTH_HEADER_FILE=BOOTSTRAP.md\n" in files["AGENTS.md"]
    assert "\nBASE_URL=http://testserver\n" in files["AGENTS.md"]
    assert not any("mca_" in text or "AUTH_TOKEN" in text for text in files.values())
    assert "NO_REPLY" in files["AGENTS.md"]


@pytest.mark.parametrize("kind", ["worker", "lead", "main"])
def test_commands_are_single_plain_and_quoted(world: World, kind: str) -> None:
    """The gateway refuses compound and redirected lines (gateway protocol 4.9)."""
    text = workspace.render_files(make(world, kind))["AGENTS.md"]
    commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    assert len(commands) >= 3
    for command in commands:
        assert command.startswith("curl -s ")
        assert " -H @BOOTSTRAP.md" in command
        outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", command)
        assert not re.search(r"[;&|<>`$]", outside), command
        assert re.search(r'"http://testserver/api/v1/(agent|boards)/[^"]+"', command), command


def test_the_longest_inputs_still_fit(world: World) -> None:
    world.second_board.objective = "o" * 50_000
    world.second_board.success_metrics = {f"k{n}": "v" * 500 for n in range(200)}
    world.second_board.save()
    world.ann.notes = world.ann.context = "n" * 90_000
    world.ann.save()
    agent = make(
        world, "worker", description="d" * 90_000, capabilities=["c" * 64] * 50,
        config={"k": "v" * 60_000},
        identity_profile=dict.fromkeys(("purpose", "personality"), "p" * 20_000),
    )  # fmt: skip
    files = workspace.render_files(agent)
    assert max(len(text) for text in files.values()) <= 20_000


def test_own_templates_replace_soul_and_identity(world: World) -> None:
    agent = make(world, "worker", soul_template="Soul of {{ agent_name }}", identity_template="I")
    files = workspace.render_files(agent)
    assert files["SOUL.md"] == "Soul of Agent worker\n"
    assert files["IDENTITY.md"] == "I\n"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing_of_that_name }}",
        "{{ auth_token }}",
        "{% for %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ agent_name.__init__.__globals__ }}",
        "{{ 1 / 0 }}",
        "{% include '/etc/passwd' %}",
        "{{ 'x' * 30000 }}",
    ],
)
def test_templates_that_do_not_render_are_refused_with_the_field(
    world: World, template: str
) -> None:
    agent = make(world, "worker", soul_template=template)
    with pytest.raises(Invalid) as refusal:
        workspace.check_templates(agent)
    assert refusal.value.extra["errors"][0]["loc"] == ["body", "soul_template"]


def test_values_are_data_and_never_rendered(world: World) -> None:
    agent = make(world, "worker", description="{{ auth_token }} {% raw %}")
    text = workspace.render_files(agent)["AGENTS.md"]
    assert "{{ auth_token }}" in text


def test_the_prompt_carries_undelivered_messages(world: World) -> None:
    prompt = workspace.heartbeat_prompt(make(world, "worker"), undelivered=["APPROVAL RESOLVED x"])
    assert "APPROVAL RESOLVED x" in prompt
    assert "NO_REPLY" in prompt
