"""The installation under test: one database, copied for every process that makes calls."""

from __future__ import annotations

import cProfile
import gc
import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import schemathesis
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client as DjangoClient
from schemathesis.config import SchemathesisConfig

from agents.api import waiting
from agents.services import saying
from gateways.simulator.thread import SimulatedGatewayThread
from tests.clients import Client
from tests.fuzz.callers import Callers
from tests.fuzz.cases import Reach
from tests.fuzz.ground import GATEWAY_TOKEN, Ground, attach, lay
from tests.fuzz.pools import harvest
from tests.fuzz.runner import Report, Runner

PROFILE = Path("test-results/fuzz/profile.out")
CONTENT = {"x-content-media-type": "contentMediaType", "x-content-schema": "contentSchema"}
#: What a process that was forked works with; set once in each.
_runner: Runner | None = None
_open = ExitStack()


@dataclass
class Work:
    """What all processes share."""

    ground: Ground
    document: dict[str, Any]
    schema: Any
    pools: dict[str, list[str]]
    cases: int
    seed: int

    @classmethod
    def prepare(cls, cases: int, seed: int) -> Work:
        """Migrate, lay the ground, read the document."""
        call_command("migrate", verbosity=0)
        ground = lay()
        callers = Callers(ground)
        clients = [Client(headers=callers.headers(who)) for who in ("owner", "lead", "main")]
        document = DjangoClient().get("/openapi.json").json()
        first = {"board_id": ground.board_id, "gateway_id": ground.gateway_id}
        pools = harvest(clients, document, first)
        config = SchemathesisConfig()
        schema = schemathesis.openapi.from_dict(readable(document), config=config)
        schema.config.generation.update(with_security_parameters=False)
        return cls(ground, document, schema, pools, cases, seed)

    def labels(self) -> list[str]:
        """Every operation, ``METHOD /path``."""
        return [result.ok().label for result in self.schema.get_all_operations()]

    def run(self, labels: list[str], *, processes: int, profile: bool) -> Iterator[Report]:
        """Run the operations; each process takes one after the other."""
        names = _copies(1 if profile else processes)
        if profile:
            _begin(self, names)
            with cProfile.Profile() as profiler:
                yield from [_one(label) for label in labels]
            profiler.dump_stats(PROFILE)
            return
        gc.freeze()  # what is shared needs no collecting in every process
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        for name in names:
            queue.put(name)
        with context.Pool(processes, _take, (self, queue)) as pool:
            yield from pool.imap_unordered(_one, labels)


def readable(node: Any) -> Any:
    """The document with the content of event data under the names of OpenAPI 3.2."""
    if isinstance(node, list):
        return [readable(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {CONTENT.get(name, name): readable(one) for name, one in node.items()}


def _copies(count: int) -> list[str]:
    """Copies of the database, which nobody may be connected to meanwhile."""
    described = connection.settings_dict
    original = described["NAME"]
    names = [f"{original}_{number}" for number in range(count)]
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    kept = {
        k: v for k, v in parameters.items() if k in ("host", "port", "user", "password", "dbname")
    }
    connections.close_all()
    with psycopg.connect(**kept, autocommit=True) as maintenance:
        for name in names:
            maintenance.execute(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    return names


def _take(work: Work, queue: Any) -> None:
    _begin(work, [queue.get()])


def _begin(work: Work, names: list[str]) -> None:
    """Make this process ready: its own database, its own gateway, no way out of this machine."""
    global _runner  # noqa: PLW0603 - one per process, by fork
    connections["default"].settings_dict["NAME"] = names[0]
    _stay_here()
    waiting.WAIT_SECONDS = 0.0  # nobody works off the queues here
    saying.PATIENCE_SECONDS = 0.0
    simulator = _open.enter_context(SimulatedGatewayThread(token=GATEWAY_TOKEN))
    attach(work.ground, simulator)
    _runner = Runner(
        work.schema, work.document, Callers(work.ground), Reach.of(work.pools, work.document),
        work.cases, work.seed,
    )  # fmt: skip
    _runner.door.watch_the_api()


def _one(label: str) -> Report:
    assert _runner is not None
    return _runner.run(label)


def _stay_here() -> None:
    """Nothing leaves this machine: no names of others are asked for, and no git is found."""
    os.environ["PATH"] = os.devnull
    found = socket.getaddrinfo

    def ask(host: Any, *rest: Any, **words: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text in ("localhost", "127.0.0.1", "::1"):
            return found(host, *rest, **words)
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    socket.getaddrinfo = ask
