"""Writing the files of a gateway's agents: what is kept, what is skipped, by a job."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from activity.models import ActivityEvent
from agents.models import Agent, ImportedToken, TemplateSync
from agents.services import crud, syncs
from gateways.wire import client
from tests.agents.conftest import Stage


def ready(stage: Stage, name: str = "Wim") -> Agent:
    ann = stage.world.actor(stage.world.ann)
    return stage.run(crud.create_agent(ann, name=name, board_id=stage.board.pk))


def path(stage: Stage) -> str:
    return f"/gateways/{stage.gateway.pk}/templates/sync"


def test_a_forced_bootstrap_leaves_what_agents_keep(stage: Stage) -> None:
    files = stage.sim.world.agents[ready(stage).remote_id].files
    files["MEMORY.md"] = "What I learnt."
    stage.world.as_ann.post(f"{path(stage)}?force_bootstrap=true").expect(200)
    assert files["MEMORY.md"] == "What I learnt."
    stage.world.as_ann.post(f"{path(stage)}?overwrite=true").expect(200)
    assert files["MEMORY.md"] != "What I learnt."


def test_async_leaves_it_to_a_job(stage: Stage) -> None:
    agent = ready(stage)
    stage.sim.world.agents[agent.remote_id].files["SOUL.md"] = "old"
    asked = f"{path(stage)}?async=true&lead_only=false&board_id={stage.board.pk}"
    answer = stage.world.as_ann.post(asked).expect(202)
    job = TemplateSync.objects.get(pk=answer.json["id"])
    assert answer.headers["Location"].endswith(f"/templates/syncs/{job.pk}")
    assert job.options["board_id"] == str(stage.board.pk)
    assert stage.sim.world.agents[agent.remote_id].files["SOUL.md"] == "old"
    syncs.run(job.pk)
    done = stage.world.as_ann.get(answer.headers["Location"]).expect(200).json
    assert (done["state"], done["result"]["agents_updated"]) == ("done", 1)
    assert stage.sim.world.agents[agent.remote_id].files["SOUL.md"] != "old"
    stage.world.as_bob.post(asked).expect(403)


def test_a_gateway_that_goes_silent_ends_the_sync(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _second, _third = ready(stage, "One"), ready(stage, "Two"), ready(stage, "Three")
    monkeypatch.setattr(client, "CALL_TIMEOUT_SECONDS", 0.3)
    stage.sim.faults.method_delay_seconds["agents.files.get"] = 5
    found = stage.world.as_ann.post(path(stage)).expect(200).json
    assert (found["agents_updated"], found["agents_skipped"]) == (0, 3)
    said = {e["agent_name"]: e["message"] for e in found["errors"]}
    assert set(said) == {"One", "Two", "Three"}
    assert said["Two"] == said["Three"] == "Skipped: the gateway gave no answer in time."
    assert stage.fresh(first).last_provision_code == "timeout"


def test_an_agent_that_moved_in_gets_a_new_token_only_on_request(stage: Stage) -> None:
    agent = ready(stage)
    Agent.objects.filter(pk=agent.pk).update(token_sealed="", token_hash=None)
    ImportedToken.objects.create(agent=agent, stored="pbkdf2_sha256$1$AAAA$AAAA")
    found = stage.world.as_ann.post(path(stage)).expect(200).json
    assert (found["agents_updated"], found["agents_skipped"]) == (0, 1)
    assert "rotate_tokens" in found["errors"][0]["message"]
    assert stage.fresh(agent).pending_token_hash is None
    found = stage.world.as_ann.post(f"{path(stage)}?rotate_tokens=true").expect(200).json
    assert (found["agents_updated"], found["errors"]) == (1, [])
    assert stage.fresh(agent).token_hash is not None


def test_the_command_writes_and_says_what_it_could_not(stage: Stage) -> None:
    agent = ready(stage)
    stage.sim.world.agents[agent.remote_id].files["SOUL.md"] = "old"
    out = StringIO()
    words = ["sync_gateway_templates", "--gateway-id", str(stage.gateway.pk)]
    call_command(*words, "--no-include-main", "--user-id", str(stage.world.ann.pk), stdout=out)
    assert "agents updated: 1" in out.getvalue()
    assert stage.sim.world.agents[agent.remote_id].files["SOUL.md"] != "old"
    event = ActivityEvent.objects.get(type="gateway.templates_synced")
    assert (event.actor_kind, event.actor_id) == ("user", stage.world.ann.pk)
    Agent.objects.filter(pk=agent.pk).update(token_sealed="")
    with pytest.raises(CommandError, match="1 could not be written"):
        call_command(*words, stdout=out)
    assert f"{agent.name}: Its token" in out.getvalue()
    with pytest.raises(CommandError, match="no gateway"):
        call_command("sync_gateway_templates", "--gateway-id", str(agent.pk), stdout=out)
