"""pytest fixtures of the rig; load with ``pytest_plugins = ["tests.rig.fixtures"]``."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from .installation import Installation, Rig
from .subject import Subject

DIRECTORY_VARIABLE = "OPENCLAW_RIG_DIR"


@pytest.fixture(scope="session")
def rig() -> Generator[Rig]:
    """A rig for a gateway in mode ``ask`` on free ports, installed when needed, not yet started."""
    default = Path("/var/tmp/openclaw-rig")
    installation = Installation(Path(os.environ.get(DIRECTORY_VARIABLE) or default).resolve())
    installation.install()
    state = Path(tempfile.mkdtemp(prefix="openclaw-state-"))
    made = Rig(
        installation,
        state,
        port=free_port(),
        model_port=free_port(),
        token=secrets.token_urlsafe(24),
        trusts_proxy=True,
    )
    try:
        yield made
    finally:
        made.stop(is_thrown_away=True)
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="module")
def real_gateway(rig: Rig) -> Rig:
    """A real gateway on which nothing has happened before this module."""
    rig.start(fresh=True)
    return rig


@pytest.fixture
def subject(real_gateway: Rig) -> Subject:
    """The real gateway as the conformance list takes it."""
    return Subject(real_gateway.url, real_gateway.token)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
