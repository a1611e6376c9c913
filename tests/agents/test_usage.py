"""Tokens and money: read from transcripts once, summed, limited, and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from activity.models import ActivityEvent
from agents import usage_ingest, usage_rules
from agents.models import Agent, AgentNotification, Budget, UsageEntry
from agents.services import budgets, orders, usage
from agents.usage_rules import Used
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import SystemActor
from tests import factories
from tests.world import World

from .conftest import Stage
from .test_setup import ready

NOW = datetime(2026, 3, 12, 10, 30, tzinfo=UTC)
MESSAGE = {
    "role": "assistant", "model": "m-1", "provider": "p", "timestamp": 1_700_000_000_000,
    "usage": {"input": 10, "output": 4, "cacheRead": 3, "cacheWrite": 2,
              "cost": {"input": 0.001, "total": 0.0023456789}},
    "__openclaw": {"id": "a-1", "runId": "r-1", "seq": 2},
}  # fmt: skip


def used(
    cost: str | None = "1", *, at: datetime | None = None, key: str = "", **facts: Any
) -> Used:
    made = Decimal(cost) if cost is not None else None
    number = UsageEntry.objects.count()
    return Used(
        external_id=key or f"u{number}", at=at or clock.now(), cost=made, input_tokens=10,
        output_tokens=5, model="m-1", **facts,
    )  # fmt: skip


# --- rules ----------------------------------------------------------------------------------------


def test_a_message_says_what_it_took() -> None:
    found = usage_rules.used_in(MESSAGE, session_key="agent:x:main", now=NOW)
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.cached_tokens) == (10, 4, 5)
    assert (found.cost, found.external_id, found.run_id) == (Decimal("0.002346"), "a-1", "r-1")
    assert found.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [{"role": "user"}, {"usage": None}, {"usage": {}}, {"usage": {"input": -4, "output": True}}],
)
def test_others_say_nothing(change: dict[str, Any]) -> None:
    message = {**MESSAGE, **change}
    assert usage_rules.used_in(message, session_key="k", now=NOW) is None


@pytest.mark.parametrize(
    ("raw", "amount"),
    [("0.1", "0.100000"), (2, "2.000000"), (-1, None), ("x", None), (float("nan"), None),
     (float("inf"), None), (None, None), (True, None), (10**12, None)],
)  # fmt: skip
def test_money_is_an_amount_or_nothing(raw: Any, amount: str | None) -> None:
    assert usage_rules.money(raw) == (Decimal(amount) if amount else None)


@pytest.mark.parametrize(
    ("period", "since"),
    [
        ("day", (2026, 3, 12)),
        ("week", (2026, 3, 9)),
        ("month", (2026, 3, 1)),
        ("total", (1970, 1, 1)),
    ],
)
def test_periods_begin_at_midnight_utc(period: str, since: tuple[int, int, int]) -> None:
    assert usage_rules.period_start(period, NOW) == datetime(*since, tzinfo=UTC)


@pytest.mark.parametrize(
    ("percent", "step"), [(0, 0), (49, 0), (50, 50), (79, 50), (80, 80), (99, 80), (140, 100)]
)
def test_steps(percent: int, step: int) -> None:
    assert usage_rules.step_reached(percent) == step


# --- reading --------------------------------------------------------------------------------------


def test_a_session_is_read_once_with_task_and_run(stage: Stage) -> None:
    agent = ready(stage)
    task = factories.make_task(stage.board, assigned_agent=agent)
    note = AgentNotification.objects.create(
        organization=stage.world.org, agent=agent, kind="task_assigned", text="x", task_id=task.pk
    )
    session = stage.sim.world.session(agent.session_key)
    for name, run in (("m1", str(note.pk)), ("m2", "heartbeat-7")):
        session.messages.append({**MESSAGE, "__openclaw": {"id": name, "runId": run}})
    fresh = usage_ingest.read(agent.pk, agent.session_key)
    assert fresh == UsageEntry.objects.filter(agent=agent).count() >= 2
    assert usage_ingest.read(agent.pk, agent.session_key) == 0
    entry = UsageEntry.objects.get(external_id="m1")
    assert (entry.task_id, entry.board_id, entry.model) == (task.pk, stage.board.pk, "m-1")
    assert entry.cost == Decimal("0.002346")
    assert UsageEntry.objects.get(external_id="m2").task_id is None
    assert usage_ingest.read(agent.pk, "agent:other:main") == 0


def test_the_only_task_in_progress_gets_what_no_message_names(world: World) -> None:
    task = factories.make_task(
        world.board, assigned_agent=world.worker, status="in_progress",
        in_progress_at=clock.now() - timedelta(hours=1),
    )  # fmt: skip
    old = clock.now() - timedelta(hours=2)
    usage.record_used(world.worker.pk, [used(key="now"), used(key="before", at=old)])
    assert UsageEntry.objects.get(external_id="now").task_id == task.pk
    assert UsageEntry.objects.get(external_id="before").task_id is None


def test_the_end_of_a_run_has_its_session_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = ready(stage)
    wishes: list[str] = []
    monkeypatch.setattr(
        usage_ingest.jobs, "enqueue_soon", lambda _job, key: bool(wishes.append(key))
    )
    frame = {"sessionKey": agent.session_key.upper(), "runId": "r", "state": "delta"}
    usage_ingest.on_chat(stage.gateway.pk, stage.world.org.pk, frame)
    usage_ingest.on_session(stage.gateway.pk, stage.world.org.pk, {**frame, "phase": "start"})
    usage_ingest.on_session(stage.gateway.pk, stage.world.org.pk, {**frame, "reason": "patch"})
    assert wishes == []
    usage_ingest.on_chat(stage.gateway.pk, stage.world.org.pk, {**frame, "state": "final"})
    usage_ingest.on_session(stage.gateway.pk, stage.world.org.pk, {**frame, "phase": "end"})
    assert wishes == [f"{agent.pk}|{agent.session_key}"] * 2
    assert usage_ingest.sweep_gateway(stage.gateway.pk) == 1
    assert len(wishes) == 3
    stage.sim.world.sessions[agent.session_key].updated_ms -= 25 * 3_600_000
    assert usage_ingest.sweep_gateway(stage.gateway.pk) == 0
    asked: list[Any] = []
    monkeypatch.setattr(usage_ingest.jobs, "enqueue_now", lambda _job, key: bool(asked.append(key)))
    assert usage_ingest.sweep() == 1
    assert asked == [stage.gateway.pk]
    type(stage.gateway).objects.filter(pk=stage.gateway.pk).update(url="ws://127.0.0.1:9")
    assert usage_ingest.run(wishes[0]) == 0
    assert usage_ingest.sweep_gateway(stage.gateway.pk) == 0


def test_silent_answers_cost_as_well(stage: Stage) -> None:
    agent = ready(stage)
    usage_ingest.read(agent.pk, agent.session_key)
    before = UsageEntry.objects.filter(agent=agent).count()
    stage.simulator.run(_beat(stage, agent, "NO_REPLY"))
    session = stage.sim.world.session(agent.session_key)
    assert "NO_REPLY" not in str(session.shown())
    assert usage_ingest.read(agent.pk, agent.session_key) == 1
    assert usage_ingest.read(agent.pk, agent.session_key) == 0
    entry = UsageEntry.objects.get(agent=agent, external_id__contains="@")
    taken = session.messages[-1]["usage"]
    assert (entry.input_tokens, entry.output_tokens) == (taken["input"], taken["output"])
    assert entry.cost == usage_rules.money(taken["cost"]["total"])
    assert UsageEntry.objects.filter(agent=agent).count() == before + 1


async def _beat(stage: Stage, agent: Agent, reply: str) -> None:
    from gateways.simulator.heartbeats import beat

    entry = stage.sim.world.config["agents"]["entries"][agent.remote_id]
    entry["heartbeat"]["prompt"] = f"SAY {reply}"
    run = beat(stage.sim, agent.remote_id)
    assert run is not None
    await run.done.wait()


@pytest.mark.parametrize(
    ("row", "point", "figures"),
    [
        ({"tokens": 9, "cost": 0.5}, {"input": 6, "output": 2, "cacheRead": 1}, (6, 2, 1)),
        ({"tokens": 9}, {"input": 60, "output": 2}, (9, 0, 0)),  # the point stands for several
        ({"tokens": 9}, None, (9, 0, 0)),
        ({"tokens": 0}, None, None),
        ({"tokens": 9, "role": "user"}, None, None),
        ({"tokens": 9, "timestamp": 1}, None, None),  # the transcript shows it
    ],
)
def test_what_a_log_tells_beyond_the_transcript(
    row: dict[str, Any], point: dict[str, Any] | None, figures: tuple[int, int, int] | None
) -> None:
    log = [{"role": "assistant", "timestamp": 1_700_000_000_000, **row}]
    curve = [{"timestamp": 1_700_000_000_000, **point}] if point else []
    shown = [{"role": "assistant", "timestamp": 1, "model": "m", "provider": "p"}]
    found = usage_rules.used_unseen(log, curve, shown, session_key="agent:a:main", now=NOW)
    if figures is None:
        assert found == []
        return
    [one] = found
    assert (one.input_tokens, one.output_tokens, one.cached_tokens) == figures
    assert (one.model, one.provider, one.external_id) == ("m", "p", "agent:a:main@1700000000000")


def test_an_agent_reports_what_its_gateway_does_not_tell(world: World) -> None:
    body = {"model": "m-2", "input_tokens": 7, "output_tokens": 3, "cost_usd": "0.5"}
    answer = world.as_worker.post("/agent/usage", body).expect(200).json
    assert answer == {"ok": True, "counted": True}
    entry = UsageEntry.objects.get()
    assert (entry.source, entry.cost, entry.agent_id) == ("agent", Decimal("0.5"), world.worker.pk)
    usage.record_used(world.worker.pk, [used()])
    assert world.as_worker.post("/agent/usage", body).json["counted"] is False
    assert UsageEntry.objects.count() == 2
    foreign = factories.make_task(world.second_board)
    world.as_worker.post("/agent/usage", {**body, "task_id": str(foreign.pk)}).expect(404)
    world.as_worker.post("/agent/usage", {**body, "input_tokens": -1}).expect(422)


# --- sums -----------------------------------------------------------------------------------------


def test_usage_is_summed_for_those_who_may_see_it(world: World) -> None:
    usage.record_used(world.worker.pk, [used("0.25", key="a"), used(None, key="b")])
    usage.record_used(world.lead.pk, [used("1", key="a")])
    usage.record_used(world.other_lead.pk, [used("9", key="a")])
    found = world.as_ann.get("/usage?group_by=agent").expect(200).json
    assert [(r["name"], r["cost"]) for r in found["items"]] == [
        ("LA", "1.000000"), ("WA", "0.250000"),
    ]  # fmt: skip
    assert found["totals"][0]["cost"] == "1.250000"
    assert (found["totals"][0]["answers"], found["totals"][0]["unpriced"]) == (3, 1)
    for group in ("task", "board", "model", "day"):
        rows = world.as_ann.get(f"/usage?group_by={group}").expect(200).json["items"]
        assert sum(row["input_tokens"] for row in rows) == 30
    world.as_ann.get("/usage?group_by=moon").expect(422)
    assert world.as_ann.get("/usage?from=2100-01-01T00:00:00Z").json["items"] == []
    assert len(world.as_bob.get("/usage").json["items"]) == 2
    type(world.board).objects.filter(pk=world.board.pk).update(name="Other")
    UsageEntry.objects.filter(agent=world.worker).update(board=world.second_board)
    assert [r["name"] for r in world.as_bob.get("/usage").json["items"]] == ["LA"]
    one = world.as_ann.get(f"/agents/{world.worker.pk}/usage?group_by=model").expect(200).json
    assert one["totals"][0]["cost"] == "0.250000"
    world.as_eve.get(f"/agents/{world.worker.pk}/usage").expect(404)


# --- budgets --------------------------------------------------------------------------------------


def make_budget(world: World, **fields: Any) -> Budget:
    fields.setdefault("scope", "organization")
    return Budget.objects.create(organization=world.org, limit=10, period="day", **fields)


def told() -> list[int]:
    events = ActivityEvent.objects.filter(type="budget.threshold_reached").order_by("seq")
    return [event.data["percent"] for event in events]


def test_steps_are_told_once_and_the_last_pauses(world: World) -> None:
    budget = make_budget(world)
    for cost in ("4", "1", "1", "2.5", "0.5", "1", "1"):
        usage.record_used(world.worker.pk, [used(cost)])
    assert told() == [50, 80, 100]
    for agent in (world.lead, world.worker):
        agent.refresh_from_db()
        assert (agent.status, agent.paused_by_budget_id) == ("paused", budget.pk)
    assert Agent.objects.get(pk=world.other_lead.pk).status == "online"


def test_a_jump_tells_only_the_highest_step(world: World) -> None:
    make_budget(world)
    usage.record_used(world.worker.pk, [used("85")])
    assert told() == [100]


def test_scopes_currencies_and_other_agents_do_not_mix(world: World) -> None:
    make_budget(world, scope="agent", agent=world.lead)
    make_budget(world, scope="board", board=world.second_board)
    make_budget(world, currency="EUR")
    usage.record_used(world.worker.pk, [used("50")])
    assert told() == []
    make_budget(world, scope="board", board=world.board, pauses_agents=False)
    usage.record_used(world.worker.pk, [used("1")])
    assert told() == [100]
    assert Agent.objects.get(pk=world.worker.pk).status == "online"


def test_a_person_overrules_the_pause_until_the_next_period(world: World) -> None:
    make_budget(world, scope="agent", agent=world.worker)
    usage.record_used(world.worker.pk, [used("10")])
    orders.resume_agent(world.actor(world.ann), world.worker.pk)
    usage.record_used(world.worker.pk, [used("1")])
    world.worker.refresh_from_db()
    assert (world.worker.status, world.worker.paused_by_budget_id) == ("online", None)


def test_a_new_period_or_a_higher_limit_resumes(world: World) -> None:
    budget = make_budget(world, scope="agent", agent=world.worker)
    usage.record_used(world.worker.pk, [used("10")])
    with clock.at(clock.now() + timedelta(days=1)):
        assert budgets.look_again() == 1
    world.worker.refresh_from_db()
    assert (world.worker.status, world.worker.paused_by_budget_id) == ("online", None)
    usage.record_used(world.worker.pk, [used("1")])
    orders.pause_agent(SystemActor("test"), world.worker.pk)
    Agent.objects.filter(pk=world.worker.pk).update(paused_by_budget_id=budget.pk)
    path = f"/budgets/{budget.pk}"
    world.as_ann.patch(path, {"limit": "100"}).expect(200)
    assert Agent.objects.get(pk=world.worker.pk).status == "online"


def test_budgets_are_kept_by_admins(world: World) -> None:
    body = {"scope": "board", "board_id": str(world.board.pk), "limit": "12.5", "period": "month"}
    made = world.as_ann.post("/budgets", body).expect(200).json
    assert (made["limit"], made["spent"], made["percent"]) == ("12.500000", "0", 0)
    assert world.as_ann.post("/budgets", body).expect(409).code == "duplicate"
    world.as_ann.post("/budgets", {**body, "limit": "0"}).expect(422)
    world.as_ann.post("/budgets", {**body, "agent_id": str(world.worker.pk)}).expect(422)
    world.as_ann.post("/budgets", {**body, "currency": "$$$"}).expect(422)
    foreign = {**body, "board_id": str(world.other_board.pk)}
    world.as_ann.post("/budgets", foreign).expect(404)
    world.as_bob.post("/budgets", body).expect(403)
    path = f"/budgets/{made['id']}"
    world.as_eve.get(path).expect(404)
    assert world.as_ann.patch(path, {"pauses_agents": False}).json["pauses_agents"] is False
    world.as_ann.delete(path).expect(200)
    types = ActivityEvent.objects.filter(type__startswith="budget.").order_by("seq")
    assert list(types.values_list("type", flat=True)) == [
        "budget.created", "budget.updated", "budget.deleted",
    ]  # fmt: skip


# --- pages and sessions ---------------------------------------------------------------------------


def browser(user: object) -> Browser:
    client = Browser()
    client.force_login(user)
    return client


def test_usage_and_budgets_on_pages(world: World) -> None:
    usage.record_used(world.worker.pk, [used("0.25")])
    ann = browser(world.ann)
    form = {"about": f"agent:{world.worker.pk}", "limit": "0.3", "currency": "usd", "period": "day",
            "pauses_agents": "on"}  # fmt: skip
    assert ann.post("/usage/budgets/new", {**form, "limit": "-1"}).status_code == 422
    assert ann.post("/usage/budgets/new", form)["Location"] == "/usage"
    budget = Budget.objects.get()
    html = ann.get("/usage?by=model&days=7").content.decode()
    assert "0.2500 USD" in html
    assert "83 %" in html
    assert "m-1" in html
    tab = ann.get(f"/agents/{world.worker.pk}/usage").content.decode()
    assert "83 %" in tab
    edit = f"/usage/budgets/{budget.pk}/edit"
    ann.post(edit, {"limit": "5", "currency": "USD", "period": "day"})
    assert Budget.objects.get().pauses_agents is False
    bob = browser(world.bob)
    assert "0.2500 USD" in bob.get("/usage").content.decode()
    assert "Budgets" not in bob.get("/usage").content.decode()
    assert bob.get(edit).status_code == 403
    ann.post(f"/usage/budgets/{budget.pk}/delete")
    assert not Budget.objects.exists()


def test_sessions_and_transcripts_hold_no_token(stage: Stage) -> None:
    agent = ready(stage)
    session = stage.sim.world.session(agent.session_key)
    session.messages.append(
        {
            "role": "user",
            "content": "X-Agent-Token: mca_" + "z" * 43,
            "timestamp": 1,
            "__openclaw": {},
        }
    )
    ann, path = stage.world.as_ann, f"/agents/{agent.pk}/sessions"
    rows = ann.get(path).expect(200).items
    assert agent.session_key in {row["key"] for row in rows}
    found = ann.get(f"{path}/{agent.session_key}/history").expect(200).json
    assert "mca_" not in str(found)
    ann.get(f"{path}/agent:main:main/history").expect(404)
    stage.world.as_bob.get(path).expect(404)
    page = browser(stage.world.ann)
    assert agent.session_key in page.get(path).content.decode()
    html = page.get(f"/agents/{agent.pk}/session?key={agent.session_key}").content.decode()
    assert "[redacted]" in html
    assert "mca_z" not in html


def _many_budgets(world: World) -> list[Budget]:
    found = []
    for period in ("day", "week", "month", "total"):
        for about in ({}, {"scope": "board", "board": world.board},
                      {"scope": "agent", "agent": world.worker}):  # fmt: skip
            for currency in ("USD", "EUR"):
                fields: dict[str, Any] = {"scope": "organization", **about}
                found.append(
                    Budget.objects.create(
                        organization=world.org, limit=10, period=period, currency=currency, **fields
                    )
                )
    return found


def test_each_budget_of_a_list_counts_its_own(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)  # a Thursday
    for agent, days, cost in (
        (world.worker, 0, "1"), (world.worker, 2, "2"), (world.worker, 9, "4"),
        (world.worker, 400, "8"), (world.lead, 0, "16"),
    ):  # fmt: skip
        usage.record_used(agent.pk, [used(cost, at=NOW - timedelta(days=days))])
    rows = _many_budgets(world)
    states = budgets.states_of(rows)
    expected = {
        ("organization", "day"): 17, ("organization", "week"): 19, ("organization", "month"): 23,
        ("organization", "total"): 31, ("agent", "day"): 1, ("agent", "week"): 3,
        ("agent", "month"): 7, ("agent", "total"): 15,
    }  # fmt: skip
    for row in rows:
        scope = "organization" if row.scope == "board" else row.scope  # both work on that board
        wanted = expected[scope, row.period] if row.currency == "USD" else 0
        assert states[row.pk]["spent"] == wanted, (row.scope, row.period, row.currency)
        assert budgets.state_of(row) == states[row.pk]


def test_a_list_of_budgets_takes_as_many_queries_as_one(world: World) -> None:
    ann = browser(world.ann)
    usage.record_used(world.worker.pk, [used("1")])
    make_budget(world)
    make_budget(world, scope="agent", agent=world.worker)
    counts: dict[str, list[int]] = {"/api/v1/budgets": [], "/usage": [], "agent": []}
    for _round in range(2):
        for address, seen in counts.items():
            path = f"/agents/{world.worker.pk}/usage" if address == "agent" else address
            with CaptureQueriesContext(connection) as queries:
                assert ann.get(path).status_code == 200
            seen.append(len(queries))
        if _round == 0:
            Budget.objects.all().delete()
            _many_budgets(world)
    assert all(few == many for few, many in counts.values()), counts
