"""What boards and people do with a real gateway: interviews, costs, sessions, files, skills."""

from __future__ import annotations

import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from activity.models import ActivityEvent
from agents import onboarding_rules, sweeps, usage_ingest
from agents.models import Agent, Onboarding, Skill, SkillInstall, UsageEntry
from agents.services import tokens
from gateways import remote
from governance.models import Approval
from missioncontrol.kernel import clock
from tests.clients import Client
from tests.gateway.ground import Ground, until
from tests.gateways.linking import Holder, holding

ANSWERS = {"What is this board for?": ("I will type it", "Ship release 4")}
SKILL = "---\nname: release-notes\ndescription: Writes the notes of a release.\n---\n# Notes\n"


def interview(board: Any) -> Onboarding:
    return Onboarding.objects.filter(board=board).latest("created_at")


def as_agent(agent: Agent) -> Client:
    return Client(agent_token=tokens.token_to_write(agent))


@pytest.mark.django_db(transaction=True)
def test_the_gateways_agent_interviews_and_installs(ground: Ground, tmp_path: Path) -> None:
    main = ground.main()
    interviews_about_a_board(ground, main)
    with holding() as holder:
        until(lambda: holder.is_online(ground.gateway))
        installs_a_skill(ground, main, tmp_path)


def interviews_about_a_board(ground: Ground, main: Agent) -> None:
    path = f"/boards/{ground.board.pk}/onboarding"
    ground.ann.post(f"{path}/start", {}).expect(200)
    asked = 0
    while until(lambda: onboarding_rules.is_users_turn(interview(ground.board).messages)):
        row = interview(ground.board)
        if row.status != "active":
            break
        question = onboarding_rules.read(row.messages[-1]["content"])
        asked += 1
        ground.rested(main.session_key)
        answer, typed = ANSWERS.get(question["question"], (question["options"][0]["label"], None))
        body = {"answer": answer} | ({"other_text": typed} if typed else {})
        ground.ann.post(f"{path}/answer", body).expect(200)
    assert onboarding_rules.LEAST_QUESTIONS <= asked <= onboarding_rules.MOST_QUESTIONS
    draft = interview(ground.board).draft_goal
    assert "Ship release 4" in draft["objective"]
    goal = {key: draft[key] for key in ("board_type", "objective", "success_metrics")}
    assert ground.ann.post(f"{path}/confirm", goal).expect(200).json["warnings"] == []
    lead = ground.arrived(Agent.objects.get(board=ground.board, agent_type="lead"))
    assert lead.name == draft["lead_agent"]["name"]

    # Begun anew, the person is quicker than the agent and fills the form in.
    ground.ann.post(f"{path}/start", {}).expect(200)
    until(lambda: onboarding_rules.is_users_turn(interview(ground.board).messages))
    ground.rested(main.session_key)
    ground.ann.post(f"{path}/confirm", {"board_type": "general"}).expect(200)
    late = {"question": "Still there?", "options": [{"id": "a", "label": "Yes"}]}
    refused = as_agent(main).post(f"/agent{path}", late).expect(409)
    assert refused.code == "onboarding_confirmed"

    # A gateway that does not answer leaves nothing behind.
    count = Onboarding.objects.count()
    type(ground.gateway).objects.filter(pk=ground.gateway.pk).update(url="ws://127.0.0.1:9")
    assert ground.ann.post(f"{path}/start", {}).expect(502).code == "onboarding_dispatch_failed"
    assert Onboarding.objects.count() == count
    type(ground.gateway).objects.filter(pk=ground.gateway.pk).update(url=ground.gateway.url)


def repository(folder: Path) -> str:
    """A repository with one skill, as git clones it."""
    folder.mkdir()
    (folder / "SKILL.md").write_text(SKILL)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "skill")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return f"file://{folder}"


def decide(ground: Ground, words: str) -> None:
    """Approve the command that the gateway asks about next."""
    waiting = Approval.objects.filter(source="gateway", status="pending", command__contains=words)
    row = until(waiting.first)
    ground.ann.patch(f"/approvals/{row.pk}", {"status": "approved"}).expect(200)


def skills_on(ground: Ground, agent: Agent) -> set[str]:
    found = ground.call("skills.status", {"agentId": agent.remote_id})
    return {row["name"] for row in found["skills"]}


def installs_a_skill(ground: Ground, main: Agent, tmp_path: Path) -> None:
    skill = Skill.objects.create(
        organization=ground.world.org, name="release-notes",
        source_url=repository(tmp_path / "skills"), source="manual",
    )  # fmt: skip
    path = f"/skills/marketplace/{skill.pk}"
    rows = SkillInstall.objects.filter(skill=skill)
    ground.ann.post(f"{path}/install?gateway_id={ground.gateway.pk}").expect(200)
    assert rows.get().state == "requested"
    decide(ground, "git clone")
    until(lambda: rows.get().state == "installed")
    until(lambda: "release-notes" in skills_on(ground, main), seconds=60)
    ground.rested(main.session_key)
    ground.ann.post(f"{path}/uninstall?gateway_id={ground.gateway.pk}").expect(200)
    decide(ground, "rm -r")
    until(lambda: not rows.exists())
    until(lambda: "release-notes" not in skills_on(ground, main), seconds=60)
    ground.rested(main.session_key)


@pytest.mark.django_db(transaction=True)
def test_costs_are_read_and_limited(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: list[tuple[Any, str]] = []
    monkeypatch.setattr(usage_ingest, "wake", lambda *wish: wishes.append(wish))
    listed = ground.ann.get(f"{_of(ground)}/models").expect(200).json["models"]
    assert {row["id"] for row in listed} == {"echo-1", "echo-2"}
    body = {"name": "Ada", "board_id": str(ground.board.pk)}
    refused = ground.ann.post("/agents", {**body, "model": "rig/echo-9"}).expect(422)
    assert refused.json["offered"] == ["rig/echo-1", "rig/echo-2"]
    made = ground.ann.post("/agents", {**body, "model": "rig/echo-2"}).expect(200).json
    with holding() as holder:
        until(lambda: holder.is_online(ground.gateway))
        agent = ground.arrived(Agent.objects.get(pk=made["id"]))
        _beats_in_silence(ground, agent, holder, wishes)
    _agrees_with_the_gateway(ground, agent)
    _sums_and_limits(ground, agent)


def _of(ground: Ground) -> str:
    return f"/gateways/{ground.gateway.pk}"


def _beats_in_silence(
    ground: Ground, agent: Agent, holder: Holder, wishes: list[tuple[Any, str]]
) -> None:
    """The end of a silent heartbeat turn is heard, and what it took is read."""
    wish = (agent.pk, agent.session_key)
    until(lambda: wish in wishes)

    def has_beaten() -> bool:
        wishes.clear()
        ground.call("wake", {"mode": "now", "text": "look", "agentId": agent.remote_id})
        until(lambda: wish in wishes)  # also of a turn that a reload of the gateway spoilt
        ground.rested(agent.session_key)
        usage_ingest.run(f"{agent.pk}|{agent.session_key}")
        return UsageEntry.objects.filter(agent=agent, external_id__contains="@").exists()

    until(has_beaten)
    assert UsageEntry.objects.filter(agent=agent).exclude(external_id__contains="@").exists()
    assert usage_ingest.sweep_gateway(ground.gateway.pk) >= 1


def _agrees_with_the_gateway(ground: Ground, agent: Agent) -> None:
    """Tokens and money are those of the gateway's own books, however often they are read."""
    assert usage_ingest.run(f"{agent.pk}|{agent.session_key}") == 0
    rows = UsageEntry.objects.filter(agent=agent)
    key = {"key": agent.session_key}
    books = ground.call("sessions.usage.timeseries", key)["points"]
    read = [r.input_tokens + r.output_tokens + r.cached_tokens for r in rows]
    assert (len(read), sum(read)) == (len(books), books[-1]["cumulativeTokens"])
    spent = sum(r.cost or Decimal(0) for r in rows)
    assert abs(spent - Decimal(str(books[-1]["cumulativeCost"]))) < Decimal("0.0001")
    assert set(rows.values_list("model", "provider")) == {("echo-2", "rig")}
    ground.call("sessions.reset", key)  # the log of usage goes on, the transcript does not
    assert usage_ingest.run(f"{agent.pk}|{agent.session_key}") == 0


def _sums_and_limits(ground: Ground, agent: Agent) -> None:
    for group, key in (("agent", str(agent.pk)), ("board", str(ground.board.pk)),
                       ("model", "echo-2"), ("day", clock.now().date().isoformat())):  # fmt: skip
        answer = ground.ann.get(f"/usage?group_by={group}").expect(200)
        [row] = answer.items
        assert (row["key"], row["currency"]) == (key, "USD")
        assert Decimal(row["cost"]) > 0
    body = {"scope": "agent", "agent_id": str(agent.pk), "limit": "0.01", "period": "day"}
    budget = ground.ann.post("/budgets", body).expect(200).json
    assert ActivityEvent.objects.filter(type="budget.threshold_reached").exists()
    assert ground.fresh(agent).status == "paused"
    sweeps.sync_heartbeats(ground.gateway.pk)
    assert _heartbeat(ground, agent)["every"] == "0m"
    ground.ann.post(f"/agents/{agent.pk}/wake").expect(409)
    ground.ann.patch(f"/budgets/{budget['id']}", {"limit": "1000"}).expect(200)
    assert ground.fresh(agent).status == "online"
    sweeps.sync_heartbeats(ground.gateway.pk)
    assert _heartbeat(ground, agent)["every"] == "10m"


def _heartbeat(ground: Ground, agent: Agent) -> dict[str, Any]:
    config = ground.call("config.get")["config"]
    found: dict[str, Any] = config["agents"]["entries"][agent.remote_id]["heartbeat"]
    return found


@pytest.mark.django_db(transaction=True)
def test_people_look_and_speak_and_write(ground: Ground) -> None:
    agent = ground.agent("Bea")
    lead = ground.agent("Lea", agent_type="lead")
    _sessions(ground, agent)
    _orders(ground, agent, lead)
    _files(ground, agent)
    _synchronisation(ground, agent)
    _looks(ground)


def _sessions(ground: Ground, agent: Agent) -> None:
    key, of = agent.session_key, f"gateway_id={ground.gateway.pk}"
    ground.say(key, "SAY good morning")
    history = ground.ann.get(f"/gateways/sessions/{key}/history?{of}").expect(200)
    assert "good morning" in str(history.json)
    listed = ground.ann.get(f"/gateways/sessions?{of}").expect(200).json["sessions"]
    assert key in {row["key"] for row in listed}
    own = ground.ann.get(f"/agents/{agent.pk}/sessions").expect(200).items
    assert [row["key"] for row in own if row["isMain"]] == [key]
    ground.say(key, "/status")
    assert "OpenClaw 2026.9.6" in str(
        ground.ann.get(f"/agents/{agent.pk}/sessions/{key}/history").expect(200).json
    )


def _orders(ground: Ground, agent: Agent, lead: Agent) -> None:
    """Nudge, the board's pause in the chat, retry and wake: each reaches the agent."""
    path = f"/agent/boards/{ground.board.pk}/agents/{agent.pk}/nudge"
    as_agent(lead).post(path, {"message": "SAY I was nudged"}).expect(200)
    until(lambda: "I was nudged" in _said(ground, agent))
    ground.rested(agent.session_key)
    chat = f"/boards/{ground.board.pk}/memory"
    for word, is_paused in (("/pause", True), ("/resume", False)):
        ground.ann.post(chat, {"content": word, "tags": ["chat"]}).expect(200)
        ground.settle()
        ground.board.refresh_from_db()
        assert ground.board.paused is is_paused
        until(lambda word=word: word in _said(ground, agent))
        ground.rested(agent.session_key)
    for order in ("retry", "wake"):
        before = ground.fresh(agent).last_seen_at
        ground.ann.post(f"/agents/{agent.pk}/{order}").expect(200)
        ground.settle()
        until(lambda before=before: ground.fresh(agent).last_seen_at > before)
        ground.rested(agent.session_key)
        assert (ground.fresh(agent).status, ground.fresh(agent).work) == ("online", "")


def _said(ground: Ground, agent: Agent) -> str:
    found = ground.call("chat.history", {"sessionKey": agent.session_key, "limit": 50})
    return str([message["content"] for message in found["messages"]])


def _files(ground: Ground, agent: Agent) -> None:
    path = f"/agents/{agent.pk}/files"
    rows = {row["name"]: row for row in ground.ann.get(path).expect(200).items}
    assert set(rows) == {"AGENTS.md", "SOUL.md", "USER.md", "IDENTITY.md", "MEMORY.md"}
    assert not any(row["missing"] for row in rows.values())
    text = ground.ann.get(f"{path}/SOUL.md").expect(200).json["content"]
    assert text == ground.file(agent.remote_id, "SOUL.md")
    ground.ann.put(f"{path}/SOUL.md", {"content": "# Soul\n\nQuiet.\n"}).expect(200)
    assert ground.file(agent.remote_id, "SOUL.md") == "# Soul\n\nQuiet.\n"
    ground.ann.get(f"{path}/BOOTSTRAP.md").expect(404)
    browser = Browser()
    browser.force_login(ground.world.ann)
    body = {"content": "# Soul\n\nLoud.\n"}
    page = browser.post(f"{path}/SOUL.md", body)
    assert ("add", "Loud.") in page.context["lines"]
    assert ground.file(agent.remote_id, "SOUL.md") == "# Soul\n\nQuiet.\n"
    browser.post(f"{path}/SOUL.md", {**body, "confirmed": page.context["print"]})
    assert ground.file(agent.remote_id, "SOUL.md") == "# Soul\n\nLoud.\n"


def _synchronisation(ground: Ground, agent: Agent) -> None:
    """What the preview says happens, and nothing else; a session begins anew on wish."""
    with_own = {"agentId": agent.remote_id, "name": "AGENTS.md", "content": "# Mine\n"}
    ground.call("agents.files.set", with_own)
    ground.call("agents.files.set", {**with_own, "name": "MEMORY.md", "content": "# Notes\n"})
    preview = ground.ann.post(f"{_of(ground)}/templates/preview").expect(200).items
    row = next(row for row in preview if row["agent_id"] == str(agent.pk))
    assert {file["name"]: file["change"] for file in row["files"]} == {
        "AGENTS.md": "change", "SOUL.md": "same", "IDENTITY.md": "same", "USER.md": "same",
        "MEMORY.md": "keep",
    }  # fmt: skip
    assert ground.file(agent.remote_id, "AGENTS.md") == "# Mine\n"
    options = f"board_id={ground.board.pk}&reset_sessions=true"
    answer = ground.ann.post(f"{_of(ground)}/templates/sync?{options}").expect(200).json
    assert (answer["agents_updated"], answer["errors"]) == (2, [])
    assert "BASE_URL=" in ground.file(agent.remote_id, "AGENTS.md")
    assert ground.file(agent.remote_id, "MEMORY.md") == "# Notes\n"
    assert "good morning" not in _said(ground, agent)


def _looks(ground: Ground) -> None:
    answer = ground.ann.get(f"{_of(ground)}/logs?limit=20").expect(200).json
    lines = remote.log_lines(answer)
    assert lines
    assert all(line.at and line.text for line in lines)
    assert {line.level for line in lines} <= {"trace", "debug", "info", "warn", "error", "fatal"}
    ground.ann.post(f"{_of(ground)}/check").expect(200)
    rows = ground.ann.get("/gateways/versions").expect(200).items
    row = next(row for row in rows if row["gateway_id"] == str(ground.gateway.pk))
    assert (row["version"], row["is_compatible"]) == ("2026.9.6", True)
