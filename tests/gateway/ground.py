"""The product in this process beside a real gateway: agents there call a server of this test."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from activity import subscribe
from agents import delivery, lifecycle, services
from agents.models import Agent, AgentNotification
from agents.services import placement
from boards.models import Board
from gateways import rpc
from gateways.models import Gateway
from gateways.wire import provisioning
from missioncontrol.kernel import leases
from missioncontrol.kernel.errors import GatewayUnavailable
from missioncontrol.kernel.secrets import seal
from tests import factories
from tests.rig.installation import Rig
from tests.story.places import Place, allow_calls
from tests.world import World, build_world

PATIENCE_SECONDS = 240.0


def until(ask: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for a true answer and return it."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.3)
    return found


@dataclass
class Ground:
    """Two tenants, and a board of the first one on the real gateway."""

    world: World
    gateway: Gateway
    board: Board

    @property
    def ann(self) -> Any:
        """Client of the owner."""
        return self.world.as_ann

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """A call of the gateway itself; a slow one is asked again."""
        for _try in range(4):
            with contextlib.suppress(GatewayUnavailable):
                return rpc.call(self.gateway.pk, method, params or {})
            time.sleep(1)
        return rpc.call(self.gateway.pk, method, params or {})

    def fresh(self, agent: Agent) -> Agent:
        """The agent as stored."""
        return Agent.objects.select_related("gateway", "board").get(pk=agent.pk)

    def settle(self) -> None:
        """Run what is due: listeners, setups, messages."""
        for _round in range(4):
            subscribe.drain(self.world.org.pk)
            agents = leases.due(Agent.objects.filter(gateway=self.gateway).exclude(work=""))
            waiting = leases.due(AgentNotification.objects.filter(state="waiting"))
            for agent in agents:
                lifecycle.run(agent.pk)
            for note in waiting:
                delivery.deliver(note.pk)

    def agent(self, name: str, **facts: Any) -> Agent:
        """A worker of the board that was set up and has called."""
        who = self.world.actor(self.world.ann)
        made = services.create_agent(who, name=name, board_id=self.board.pk, **facts)
        return self.arrived(made)

    def main(self) -> Agent:
        """The gateway's own agent, set up and arrived."""
        made = placement.ensure_main_agent(self.gateway.pk)
        assert made is not None
        return self.arrived(made)

    def arrived(self, agent: Agent) -> Agent:
        """Run the agent's setup, as often as it takes, and wait for its own first call."""
        waiting = Agent.objects.filter(pk=agent.pk).exclude(work="")

        def has_called() -> bool:
            if leases.due(waiting).exists():
                lifecycle.run(agent.pk)
            return self.fresh(agent).last_seen_at is not None

        until(has_called)
        agent = self.fresh(agent)
        assert (agent.last_provision_error, agent.work) == ("", "")
        self.rested(agent.session_key)
        return agent

    def rested(self, key: str) -> None:
        """Wait until a session works on nothing."""
        params = {"sessionKey": key, "limit": 1}
        until(lambda: not self.call("chat.history", params)["sessionInfo"].get("hasActiveRun"))

    def say(self, key: str, text: str) -> None:
        """Write into a session as an operator, and wait for the end of the run."""
        path = f"/gateways/sessions/{key}/message?gateway_id={self.gateway.pk}"
        self.ann.post(path, {"content": text}).expect(200)
        time.sleep(0.3)
        self.rested(key)

    def stranger(self, name: str) -> str:
        """An agent that somebody made on the gateway itself."""
        remote_id = str(self.call("agents.create", {"name": name})["agentId"])
        with rpc.session(self.gateway.pk) as session:
            files = {"AGENTS.md": "# Rules of the house\n"}
            session.run(lambda client: provisioning.write_files(client, remote_id, files))
        return remote_id

    def file(self, remote_id: str, name: str) -> str:
        """Text of a workspace file as the gateway has it."""
        found = self.call("agents.files.get", {"agentId": remote_id, "name": name})["file"]
        return str(found.get("content") or "")

    def again(self) -> None:
        """Add the gateway once more, after it was removed."""
        self.gateway = factories.make_gateway(
            self.world.org, "Again", url=self.gateway.url, token_sealed=self.gateway.token_sealed,
            status="online",
        )  # fmt: skip


@pytest.fixture
def ground(rig: Rig, live_server: Any, settings: Any) -> Ground:
    """The board ``Live`` on a fresh real gateway; agents may use ``curl`` unasked."""
    rig.start(fresh=True)
    settings.BASE_URL = live_server.url
    allow_calls(Place(rig.url, rig.token))
    world = build_world()
    gateway = factories.make_gateway(
        world.org, "Real", url=rig.url, token_sealed=seal(rig.token),
        status="online",
    )  # fmt: skip
    board = factories.make_board(world.org, "Live", gateway=gateway)
    return Ground(world, gateway, board)
