"""The first command finds out what is missing before it starts any work."""

import subprocess
from pathlib import Path

import pytest

from missioncontrol.run import bootstrap
from tests.ops.running import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements.txt").write_text("one==1\n# remark\ntwo==2\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\nthree==3\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setenv("VENV", str(tmp_path / "venv"))
    return tmp_path


def installed(project: Path, name: str) -> None:
    (project / "venv/bin").mkdir(parents=True, exist_ok=True)
    (project / "venv/bin/python").touch()
    bootstrap.stamp_of(project / "venv", [project / name]).touch()


def current(project: Path, name: str) -> bool:
    return bootstrap.is_current(project / "venv", [project / name])


def test_pins_that_changed_are_installed_again(project: Path) -> None:
    assert not current(project, "requirements.txt")
    installed(project, "requirements.txt")
    assert current(project, "requirements.txt")
    assert not current(project, "requirements-dev.txt")
    (project / "requirements.txt").write_text("one==2\n")
    assert not current(project, "requirements.txt")


def test_development_pins_hold_the_others(project: Path) -> None:
    installed(project, "requirements-dev.txt")
    assert current(project, "requirements.txt")
    (project / "requirements.txt").write_text("one==2\n")
    assert not current(project, "requirements-dev.txt")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["error: command 'gcc' failed: No such file or directory"], "build-essential"),
        (["fatal error: Python.h: No such file or directory"], "python3-dev"),
        (["ERROR: No matching distribution found for one==1"], "not offered"),
        (["ConnectionError: Max retries exceeded"], "cannot be reached"),
        (["OSError: [Errno 28] No space left on device"], "disk is full"),
        (["something else"], "stands above"),
    ],
)
def test_failed_installation_says_what_to_do(words: list[str], expected: str) -> None:
    assert expected in bootstrap._reason(words)


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_missing_module_names_the_package(
    project: Path,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bootstrap, "_has", lambda name: name != module)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name == "apt-get")
    assert bootstrap.main(["requirements.txt"]) == 1
    assert "apt install python3." in capsys.readouterr().err
    assert not (project / "venv").exists()


def test_old_python_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    assert bootstrap.main(["requirements.txt"]) == 1
    assert "Python 99.0 or newer is needed" in capsys.readouterr().err
    assert not (project / "venv").exists()


def test_make_says_so_when_there_is_no_python(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-C", ROOT, "run", "PYTHON="], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is missing" in done.stdout
