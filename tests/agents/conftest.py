"""A simulated gateway in a thread, and a way to run everything that is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from activity import subscribe
from agents import delivery, dispatch, lifecycle
from agents.models import Agent, AgentNotification, Execution
from boards.models import Board
from gateways.models import Gateway
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel import leases
from tests import factories
from tests.world import World, build_world

GATEWAY_TOKEN = "gateway-token-S3CRET-0123456789"


@dataclass
class Stage:
    """The world with a gateway that answers."""

    world: World
    simulator: SimulatedGatewayThread
    gateway: Gateway
    board: Board

    @property
    def sim(self) -> Any:
        """The simulated gateway."""
        return self.simulator.gateway

    def run(self, agent: Agent) -> Agent:
        """Run the agent's due work once; returns it fresh."""
        lifecycle.run(agent.pk)
        return self.fresh(agent)

    def fresh(self, agent: Agent) -> Agent:
        """The agent as stored."""
        return Agent.objects.get(pk=agent.pk)

    def make_due(self, agent: Agent) -> None:
        """Let the agent's pause pass."""
        Agent.objects.filter(pk=agent.pk).update(next_attempt_at=None)

    def drain(self) -> None:
        """Give every listener what happened."""
        subscribe.drain(self.world.org.id)

    def settle(self) -> None:
        """Run everything that is due until nothing is."""
        for _round in range(6):
            self.drain()
            due = [
                *((lifecycle.run, a) for a in leases.due(Agent.objects.exclude(work=""))),
                *(
                    (dispatch.dispatch, e)
                    for e in leases.due(
                        Execution.objects.filter(status__in=["waiting", "queued"], started_at=None)
                    )
                ),
                *(
                    (delivery.deliver, n)
                    for n in leases.due(AgentNotification.objects.filter(state="waiting"))
                ),
            ]
            if not any(run(row.pk) for run, row in due):
                break

    def heartbeat(self, agent: Agent) -> Any:
        """The agent's heartbeat block as the gateway's configuration holds it."""
        return self.sim.world.config["agents"]["entries"][agent.remote_id]["heartbeat"]

    def methods(self, name: str) -> list[Any]:
        """Calls of one method that the gateway got."""
        return [call for call in self.sim.calls if call.method == name]

    def chats(self) -> list[str]:
        """Messages that the gateway got; commands of the gateway itself are none."""
        said = [call.params["message"] for call in self.methods("chat.send")]
        return [text for text in said if not text.startswith("/")]


@pytest.fixture
def simulator() -> Iterator[SimulatedGatewayThread]:
    """A gateway that speaks protocol 4 on loopback."""
    with SimulatedGatewayThread(token=GATEWAY_TOKEN) as running:
        yield running


@pytest.fixture
def stage(transactional_db: None, simulator: SimulatedGatewayThread) -> Stage:
    """Two tenants; organization A's board ``Live`` runs on the simulated gateway."""
    return make_stage(simulator)


def make_stage(simulator: SimulatedGatewayThread) -> Stage:
    """The rows around a running simulated gateway."""
    from missioncontrol.kernel.secrets import seal

    world = build_world()
    gateway = factories.make_gateway(
        world.org, "Sim", url=simulator.url, token_sealed=seal(GATEWAY_TOKEN), status="online",
        is_simulated=True,
    )  # fmt: skip
    board = factories.make_board(world.org, "Live", gateway=gateway, max_agents=1)
    return Stage(world, simulator, gateway, board)
