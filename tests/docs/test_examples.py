"""Every Python and shell example of the guides runs against a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from missioncontrol.settings.env import ROOT
from tests.docs import blocks
from tests.world import build_world

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 120


@pytest.fixture
def environment(live_server: Any, tmp_path: Path) -> dict[str, str]:
    """A user of a running installation: address, token in a file, ``mc`` on the path."""
    world = build_world()
    token = tmp_path / "token"
    token.write_text(world.ann_token)
    kept = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
    return {
        **kept,
        "PATH": f"{ROOT / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MC_ADDRESS": live_server.url,
        "MC_TOKEN_FILE": str(token),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def run(command: list[str], program: str, environment: dict[str, str], folder: Path) -> str:
    """Run a program given on standard input; its output, if it succeeds."""
    done = subprocess.run(
        command, input=program, env=environment, cwd=folder, text=True, timeout=SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("guide", sorted(file.name for file in blocks.GUIDES.glob("*.md")))
def test_examples_of_a_guide_run(guide: str, environment: dict[str, str], tmp_path: Path) -> None:
    python, shell = (blocks.program(guide, language) for language in ("python", "shell"))
    if not python + shell:
        pytest.skip("a guide without examples")
    if python:
        run([sys.executable, "-"], python, environment, tmp_path)
    if shell:
        shown = run(["bash", "-eu", "-o", "pipefail", "-s"], shell, environment, tmp_path)
        assert Path(environment["MC_TOKEN_FILE"]).read_text() not in shown
