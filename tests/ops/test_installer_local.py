"""``install.sh`` on this machine, for real: started, run again, removed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.ops.running import ROOT, data_folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The tracked files in a folder of their own, with this run's virtual environment."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if name.startswith("tests/") or not (ROOT / name).is_file():
            continue
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment with its own home and data; whatever still runs there is ended."""
    home = tmp_path_factory.mktemp("home")
    with data_folder() as data:
        yield {
            "PATH": os.environ["PATH"], "HOME": str(home), "DATA_DIR": str(data),
            "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        for process in psutil.process_iter():
            if str(data) in " ".join(_words(process)):
                process.send_signal(signal.SIGKILL)


def _words(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), *(f"{k}={v}" for k, v in process.environ().items())]
    except psutil.Error:
        return []


def _run(checkout: Path, place: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        ["sh", *words], cwd=checkout, env=place, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        return bool(answer.status == 200)


@pytest.mark.scenario("CORE-89")
def test_run_twice_it_keeps_token_and_data_and_is_removed_again(
    checkout: Path, place: dict[str, str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("./install.sh", "--yes", "--mode", "local", "--backend-port", str(port))
    said = _run(checkout, place, *words)
    assert _answers(port)
    settings, services = checkout / ".env", Path(place["DATA_DIR"]) / "services.json"
    before, state = settings.read_text(), services.read_text()
    token = before.split("LOCAL_AUTH_TOKEN=")[1].splitlines()[0]
    assert len(token) >= 50
    assert token not in said
    _run(checkout, place, *words)
    assert _answers(port)
    assert (settings.read_text(), services.read_text()) == (before, state)
    _run(checkout, place, "./uninstall.sh")
    with pytest.raises(OSError, match="refused"):
        _answers(port)
    assert services.exists()
