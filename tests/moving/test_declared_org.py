"""An organization kept in a file: described, planned, applied, watched for drift."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from activity.models import ActivityEvent
from boards.models import Board, BoardGroup, CustomField, Tag
from tests.world import World

pytestmark = pytest.mark.django_db

FILE = """
groups:
  - name: Everything
    description: 全部
tags:
  - slug: urgent
    name: Urgent
    color: ff0000
boards:
  - key: OPS
    name: Operations
    group: Everything
    require_approval_for_done: false
    max_agents: 4
custom_fields:
  - field_key: severity
    label: Severity
    field_type: integer
    boards: [OPS]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file above."""
    path = tmp_path / "org.yaml"
    path.write_text(FILE)
    return path


def told(verb: str, world: World, *rest: str) -> str:
    """Run the command and return what it prints."""
    out = StringIO()
    call_command("declared_org", verb, world.board.organization.name, *rest, stdout=out)
    return out.getvalue()


def test_a_plan_changes_nothing(world: World, file: Path) -> None:
    text = told("plan", world, str(file))
    assert "+ boards OPS" in text
    assert "max_agents: 4" in text
    assert not Board.objects.filter(key="OPS").exists()


def test_apply_makes_it_so_and_says_who(world: World, file: Path) -> None:
    told("apply", world, str(file))
    board = Board.objects.get(key="OPS")
    assert (board.name, board.max_agents, board.require_approval_for_done) == (
        "Operations",
        4,
        False,
    )
    assert board.board_group == BoardGroup.objects.get(name="Everything")
    assert Tag.objects.get(slug="urgent").color == "ff0000"
    assert list(CustomField.objects.get(field_key="severity").boards.all()) == [board]
    assert told("plan", world, str(file)) == "Nothing differs.\n"
    assert (
        ActivityEvent.objects.get(type="board.created", target_id=board.pk).actor_kind == "system"
    )


def test_drift_is_named_and_ends_with_its_own_code(world: World, file: Path) -> None:
    told("apply", world, str(file))
    told("drift", world, str(file))
    Board.objects.filter(key="OPS").update(max_agents=9)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("declared_org", "drift", world.board.organization.name, str(file), stdout=out)
    assert ended.value.code == 2
    assert "max_agents: 9 → 4" in out.getvalue()
    told("apply", world, str(file))
    assert Board.objects.get(key="OPS").max_agents == 4


def test_what_is_described_differs_in_nothing(world: World, file: Path, tmp_path: Path) -> None:
    told("apply", world, str(file))
    described = tmp_path / "described.yaml"
    described.write_text(told("describe", world))
    assert told("plan", world, str(described), "--prune") == "Nothing differs.\n"


def test_only_pruning_deletes(world: World, file: Path) -> None:
    told("apply", world, str(file))
    wanted = yaml.safe_load(FILE) | {"tags": []}
    file.write_text(yaml.safe_dump(wanted))
    told("apply", world, str(file))
    assert Tag.objects.filter(slug="urgent").exists()
    assert "- tags urgent" in told("plan", world, str(file), "--prune")
    wanted.pop("boards")
    wanted.pop("groups")
    file.write_text(yaml.safe_dump(wanted))
    told("apply", world, str(file), "--prune")
    assert not Tag.objects.filter(slug="urgent").exists()
    assert Board.objects.filter(key="OPS").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bords: []", "Unknown list 'bords'"),
        ("boards: [{key: OPS, colour: red}]", "unknown field 'colour'"),
        ("boards: [{name: Nameless}]", "entry 1: it needs key"),
        ("tags: [{slug: a}, {slug: a}]", "it stands there twice"),
        ("boards: {", "cannot be read"),
        ("- a", "holds no lists"),
    ],
)
def test_a_faulty_file_is_refused(world: World, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "org.yaml"
    path.write_text(text)
    with pytest.raises(CommandError, match=reason):
        told("apply", world, str(path))


def test_a_step_that_is_refused_takes_the_others_back(world: World, tmp_path: Path) -> None:
    path = tmp_path / "org.yaml"
    path.write_text("tags: [{slug: one}]\nboards: [{key: OPS, group: Nowhere}]")
    with pytest.raises(CommandError, match="no board group 'Nowhere'"):
        told("apply", world, str(path))
    assert not Tag.objects.filter(slug="one").exists()
