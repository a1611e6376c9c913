"""Agents that the real gateway had before: adopted, seen alive, asked about, and let go whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents import lifecycle, rules
from agents.models import Agent
from gateways import cleanup
from gateways.models import GatewayCleanup
from governance.models import Approval
from missioncontrol.kernel import clock
from tests.gateway.ground import Ground, until
from tests.gateways.linking import holding

OWN = "# Rules of the house\n"


def adopted(ground: Ground, name: str) -> Agent:
    """An agent of the gateway that works for the board now."""
    remote_id = ground.stranger(name)
    ask = f"/agents/discover?gateway_id={ground.gateway.pk}"
    found = {row["remote_agent_id"]: row for row in ground.ann.get(ask).expect(200).items}
    assert {"main", remote_id} <= set(found)
    assert found[remote_id]["is_leftover"] is False
    body = {
        "gateway_id": str(ground.gateway.pk), "remote_agent_id": remote_id,
        "board_id": str(ground.board.pk),
    }  # fmt: skip
    made = ground.ann.post("/agents/link", body).expect(200).json
    agent = ground.arrived(Agent.objects.get(pk=made["id"]))
    text = ground.file(remote_id, "AGENTS.md")
    assert text.startswith(OWN)
    assert "BASE_URL=" in text
    return agent


def shown(ground: Ground, agent: Agent) -> str:
    return rules.displayed(ground.fresh(agent), now=clock.now())


@pytest.mark.django_db(transaction=True)
def test_an_agent_of_the_gateway_is_adopted_and_let_go(ground: Ground) -> None:
    agent = adopted(ground, "Old Hand")
    long_ago = clock.now() - timedelta(hours=2)
    with holding() as holder:
        until(lambda: holder.is_online(ground.gateway))
        Agent.objects.filter(pk=agent.pk).update(last_seen_at=long_ago, gateway_seen_at=None)
        assert shown(ground, agent) == "offline"
        # Listed without a heartbeat, in facts that the gateway gathers once a minute.
        until(lambda: shown(ground, agent) == "online", seconds=90)
        _shows_that_it_works(ground, agent, long_ago)
        _asks_about_a_command(ground, agent)
    answer = ground.ann.post(f"/agents/{agent.pk}/unlink").expect(200).json
    assert (answer["status"], answer["board_id"]) == ("draft", None)
    assert ground.file(agent.remote_id, "AGENTS.md") == OWN
    assert ground.file(agent.remote_id, "BOOTSTRAP.md") == ""


def _shows_that_it_works(ground: Ground, agent: Agent, long_ago: Any) -> None:
    """A run in another session of it counts at once, and is no call of the agent."""
    Agent.objects.filter(pk=agent.pk).update(gateway_seen_at=long_ago)
    ground.say(f"agent:{agent.remote_id}:elsewhere", "SAY I am here")
    until(lambda: shown(ground, agent) == "online", seconds=20)
    assert ground.fresh(agent).last_seen_at == long_ago


def _asks_about_a_command(ground: Ground, agent: Agent) -> None:
    key = agent.session_key
    path = f"/gateways/sessions/{key}/message?gateway_id={ground.gateway.pk}"
    ground.ann.post(path, {"content": "EXEC echo allowed here"}).expect(200)
    rows = Approval.objects.filter(source="gateway", command="echo allowed here")
    row = until(rows.first)
    assert (row.agent_id, row.board_id) == (agent.pk, ground.board.pk)
    ground.ann.patch(f"/approvals/{row.pk}", {"status": "approved"}).expect(200)
    until(lambda: rows.get().answer_state == "sent")
    ground.rested(key)
    said = ground.call("chat.history", {"sessionKey": key, "limit": 10})
    assert "RESULT: allowed here" in str(said["messages"])


def _is_clean() -> bool:
    """After one more try, whatever the pause."""
    GatewayCleanup.objects.update(next_attempt_at=None)
    cleanup.sweep()
    return not GatewayCleanup.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_removed_gateway_loses_our_agents_and_keeps_its_own(ground: Ground) -> None:
    agent = adopted(ground, "Older Hand")
    ours = ground.agent("Cleo")
    removed = ground.gateway.pk
    type(ground.gateway).objects.filter(pk=removed).update(url="ws://127.0.0.1:9")
    ground.ann.delete(f"/gateways/{removed}").expect(409)
    ground.ann.delete(f"/gateways/{removed}?force=true").expect(200)
    row = GatewayCleanup.objects.get()
    assert (row.remote_ids, row.adopted_ids) == ([ours.remote_id], [agent.remote_id])
    assert not cleanup.run(row.pk)  # the gateway is away
    assert ground.ann.get("/gateways/cleanups").expect(200).items[0]["last_error"]
    GatewayCleanup.objects.update(url=ground.gateway.url)
    until(_is_clean)
    for left in (agent, ours):
        lifecycle.run(left.pk)
        assert ground.fresh(left).status == "draft"

    ground.again()
    listed = {row["id"] for row in ground.call("agents.list")["agents"]}
    assert {"main", agent.remote_id} <= listed
    assert ours.remote_id not in listed
    assert ground.file(agent.remote_id, "AGENTS.md") == OWN
    assert ground.file(agent.remote_id, "BOOTSTRAP.md") == ""
