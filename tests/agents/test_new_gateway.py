"""Adding a gateway through the API waits until its own agent is set up (core 24.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from agents import lifecycle
from agents.api import waiting
from agents.models import Agent
from gateways.models import Gateway
from gateways.simulator.faults import Refused
from tests.agents.conftest import GATEWAY_TOKEN, Stage


@contextmanager
def worker() -> Iterator[None]:
    """Runs what is due for gateways' own agents, as a worker beside the web process does."""
    over = threading.Event()

    def work() -> None:
        try:
            while not over.wait(0.1):
                for pk in Agent.objects.filter(agent_type="main", work="provision").values_list(
                    "pk", flat=True
                ):
                    lifecycle.run(pk)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def body(stage: Stage) -> dict[str, Any]:
    return {"name": "New", "url": stage.simulator.url, "token": GATEWAY_TOKEN}


def own(name: str = "New") -> Agent:
    return Agent.objects.get(gateway__name=name, agent_type="main")


def test_the_answer_comes_when_the_own_agent_is_ready(stage: Stage) -> None:
    with worker():
        stage.world.as_ann.post("/gateways", body(stage)).expect(200)
        assert own().provisioned_at is not None


def test_a_failed_setup_is_told_and_keeps_the_gateway(stage: Stage) -> None:
    stage.sim.faults.refuse["agents.files.set"] = Refused(
        "disk full", code="INVALID_REQUEST", is_retryable=False
    )
    with worker():
        answer = stage.world.as_ann.post("/gateways", body(stage)).expect(502)
    assert answer.code == "provision_failed"
    assert answer.json["detail"].startswith("Gateway provision failed: ")
    assert Gateway.objects.filter(name="New").exists()
    assert own().status == "error"


@pytest.mark.parametrize("query", ["?wait=false", "?verify=false"])
def test_nobody_waits_who_does_not_want_to(
    stage: Stage, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 60.0)
    began = time.monotonic()
    stage.world.as_ann.post(f"/gateways{query}", body(stage)).expect(200)
    assert time.monotonic() - began < 30
    assert own().provisioned_at is None
