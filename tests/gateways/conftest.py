"""A simulated gateway for tests that dial one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateways import installation
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel import ratelimit
from tests.gateways.linking import TOKEN


@pytest.fixture
def simulator() -> Iterator[SimulatedGatewayThread]:
    """A gateway that speaks protocol 4, on a free port of this host."""
    with SimulatedGatewayThread(token=TOKEN) as running:
        yield running


@pytest.fixture(autouse=True)
def _on_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Advice differs inside a container, which the machine that runs the tests may be."""
    monkeypatch.setattr(installation, "in_container", lambda: False)


@pytest.fixture(autouse=True)
def _no_old_probes() -> None:
    """Limits begin anew with each test."""
    ratelimit.memory.clear()
