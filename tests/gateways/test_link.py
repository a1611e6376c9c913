"""The permanent connection: leases, states, and the bridge of command approvals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from activity.models import ActivityEvent
from gateways import agents_lookup, events, leases, services
from gateways.models import Gateway, GatewayCheck, GatewayLease
from gateways.simulator.heartbeats import beat
from gateways.simulator.thread import SimulatedGatewayThread
from governance import services as governance
from governance.models import Approval
from tests import factories
from tests.gateways.linking import TOKEN, decide_there, holding, make_real, open_command, until
from tests.world import World, build_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator() -> Iterator[SimulatedGatewayThread]:
    with SimulatedGatewayThread(token=TOKEN) as running:
        yield running


@pytest.fixture
def ground() -> World:
    """Two tenants without gateways that nobody could reach."""
    world = build_world()
    Gateway.objects.all().delete()
    return world


def status_of(gateway: Gateway) -> str:
    return Gateway.objects.values_list("status", flat=True).get(pk=gateway.pk)


def only() -> Approval | None:
    return Approval.objects.filter(source="gateway").first()


def answered() -> Approval | None:
    return Approval.objects.filter(source="gateway", answer_state="sent").first()


def test_a_link_brings_the_gateway_online_and_gives_it_back(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: status_of(gateway) == "online")
        lease = GatewayLease.objects.get(pk=gateway.pk)
        assert (lease.owner, lease.is_online) == (holder.owner, True)
    gateway.refresh_from_db()
    assert gateway.runtime_version == simulator.gateway.version
    assert gateway.boot_id == simulator.gateway.boot_id
    lease.refresh_from_db()
    assert (lease.owner, lease.until, lease.is_online) == ("", None, False)
    assert GatewayCheck.objects.filter(gateway=gateway, status="online").count() == 1
    event = ActivityEvent.objects.get(type="gateway.status_changed")
    assert (event.data["status"], event.data["previous"]) == ("online", "unverified")


def test_a_command_waits_for_a_person_and_gets_the_answer(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator, "rm -r build", agent_id="unknown")
        approval = until(only)
        assert (approval.command, approval.cwd, approval.host) == (
            "rm -r build", "/work", "gateway",
        )  # fmt: skip
        assert approval.board_id is None
        governance.resolve_approval(ground.actor(ground.ann), approval.pk, status="approved")
        done = until(answered)
    assert asked.decision == "allow-once"
    assert done.answer_error == ""
    types = list(ActivityEvent.objects.order_by("seq").values_list("type", flat=True))
    assert types.count("approval.answered") == 1
    assert types.count("approval.requested") == types.count("approval.resolved") == 1


def test_a_known_agent_asks_on_its_board(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = agents_lookup.AgentFacts(ground.worker.pk, "WA", ground.board.pk)
    monkeypatch.setattr(agents_lookup, "_lookup", lambda g, r: facts if r == "wa" else None)
    gateway = make_real(ground.org, simulator.url)
    factories.grant(ground.board, ground.bob, "write")
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator, "curl -s x", agent_id="wa")
        approval = until(only)
        assert (approval.board_id, approval.agent_id) == (ground.board.pk, ground.worker.pk)
        answer = ground.as_bob.patch(f"/approvals/{approval.pk}", {"status": "rejected"})
        answer.expect(200)
        until(answered)
    assert asked.decision == "deny"


def test_tokens_never_reach_our_tables(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url)
    secret = "mca_" + "x" * 43
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        open_command(simulator, f"curl -H 'X-Agent-Token: {secret}' {TOKEN}\x00")
        approval = until(only)
    assert secret not in approval.command
    assert TOKEN not in approval.command
    assert "\x00" not in approval.command


def test_repeated_events_make_one_row(ground: World, simulator: SimulatedGatewayThread) -> None:
    simulator.gateway.faults.has_duplicate_events = True
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator)
        until(only)
        decide_there(simulator, asked, "allow-once")
        approval = until(lambda: Approval.objects.exclude(status="pending").first())
    assert (approval.status, approval.answer_state) == ("approved", "elsewhere")
    assert Approval.objects.count() == 1
    types = list(ActivityEvent.objects.values_list("type", flat=True))
    assert types.count("approval.requested") == 1
    assert types.count("approval.decided_elsewhere") == 1
    assert "approval.resolved" not in types


def test_what_was_asked_before_we_came_is_read_from_the_list(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    make_real(ground.org, simulator.url)
    asked = open_command(simulator, "make test")
    with holding():
        approval = until(only)
        assert approval.external_id == asked.id


def test_a_timeout_there_is_an_expiry_here(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator, life_seconds=0.3)

        async def wait() -> None:
            await simulator.gateway.approvals.wait(asked)

        simulator.run(wait())
        until(lambda: Approval.objects.filter(status="expired").exists())
    assert ActivityEvent.objects.filter(type="approval.expired").count() == 1


def test_a_decision_waits_for_the_link(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator)
        approval = until(only)
    governance.resolve_approval(ground.actor(ground.ann), approval.pk, status="approved")
    approval.refresh_from_db()
    assert approval.answer_state == "answer_pending"
    assert asked.decision is None
    with holding():
        until(answered)
    assert asked.decision == "allow-once"


def test_decided_there_while_we_were_away(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        first, second = open_command(simulator, "one"), open_command(simulator, "two")
        until(lambda: Approval.objects.count() == 2)
    decide_there(simulator, first, "deny")
    decide_there(simulator, second, "deny")
    mine = Approval.objects.get(external_id=second.id)
    governance.resolve_approval(ground.actor(ground.ann), mine.pk, status="approved")
    with holding():
        until(lambda: not Approval.objects.filter(answer_state="answer_pending").exists())
        until(lambda: not Approval.objects.filter(status="pending").exists())
    rows = {a.external_id: a for a in Approval.objects.all()}
    assert (rows[first.id].status, rows[first.id].answer_state) == ("rejected", "elsewhere")
    assert (rows[second.id].status, rows[second.id].answer_state) == ("approved", "elsewhere")
    event = ActivityEvent.objects.filter(type="approval.decided_elsewhere").last()
    assert event is not None
    assert event.data["decision"] == "deny"


def test_an_answer_survives_the_restart_of_the_gateway(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        open_command(simulator, "kept here")
        approval = until(only)
        until(lambda: holder.is_online(gateway))
        simulator.restart()
        until(lambda: Approval.objects.filter(pk=approval.pk).exclude(status="pending").exists())
        until(lambda: status_of(gateway) == "online")
    approval.refresh_from_db()
    assert (approval.status, approval.answer_state) == ("expired", "lost")
    history = GatewayCheck.objects.filter(gateway=gateway).order_by("created_at")
    assert list(history.values_list("status", flat=True)) == ["online", "restarting", "online"]


def test_a_refused_answer_is_noted_and_tried_again(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateways import connection as permanent
    from gateways.simulator.faults import Refused

    monkeypatch.setattr(permanent, "REFUSED_RETRY_SECONDS", 0.2)
    gateway = make_real(ground.org, simulator.url)
    simulator.gateway.faults.refuse["exec.approval.resolve"] = Refused("busy")
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator)
        approval = until(only)
        governance.resolve_approval(ground.actor(ground.ann), approval.pk, status="approved")
        until(lambda: Approval.objects.get(pk=approval.pk).answer_error == "busy")
        simulator.gateway.faults.clear()
        until(answered)
    assert asked.decision == "allow-once"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"token": "another-token-entirely"}, "unauthorized", "unauthorized"),
        ({"faults": {"must_pair": True}}, "pairing_required", "pairing_required"),
        ({"faults": {"version": "2025.1.1"}}, "incompatible", "incompatible"),
        ({"faults": {"withheld_scopes": {"operator.admin"}}}, "unauthorized", "missing_scope"),
        ({"url": "ws://127.0.0.1:9"}, "offline", "unreachable"),
    ],
)
def test_what_keeps_it_from_connecting_is_its_status(
    ground: World,
    simulator: SimulatedGatewayThread,
    fault: dict[str, Any],
    status: str,
    code: str,
) -> None:
    for name, value in fault.get("faults", {}).items():
        setattr(simulator.gateway.faults, name, value)
    gateway = make_real(
        ground.org, fault.get("url", simulator.url), token=fault.get("token", TOKEN)
    )
    with holding():
        until(lambda: status_of(gateway) == status)
    gateway.refresh_from_db()
    assert gateway.status_code == code
    assert gateway.status_detail
    assert TOKEN not in gateway.status_detail
    assert bool(gateway.pairing_request_id) is (status == "pairing_required")


def test_new_settings_connect_anew(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url, token="wrong-token-of-old")
    with holding():
        until(lambda: status_of(gateway) == "unauthorized")
        services.update_gateway(ground.actor(ground.ann), gateway.pk, changes={"token": TOKEN})
        until(lambda: status_of(gateway) == "online")


def test_a_removed_gateway_is_let_go(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        services.delete_gateway(ground.actor(ground.ann), gateway.pk)
        until(lambda: holder.manager and not holder.manager.links)
        until(lambda: not simulator.gateway.connections)


def test_events_reach_their_handlers_in_order(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def handler(gateway_id: Any, organization_id: Any, payload: Any) -> None:
        assert organization_id == ground.org.pk
        if payload["n"] == 3:
            raise ValueError("a bad handler")
        seen.append(payload["n"])

    monkeypatch.setitem(events._handlers, "chat", [handler])
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))

        async def send() -> None:
            for n in range(10):
                simulator.gateway.broadcast("chat", {"n": n})

        simulator.run(send())
        until(lambda: len(seen) == 9)
    assert seen == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_heartbeat_turns_and_health_are_heard(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody watches the session: its chat is not shown, but that it moved."""
    heard: list[tuple[str, Any]] = []
    for name, fact in (("sessions.changed", "phase"), ("health", "ok"), ("chat", "state")):

        def handler(_gateway: Any, _org: Any, payload: Any, name: str = name, fact: str = fact):
            heard.append((name, payload.get(fact)))

        monkeypatch.setitem(events._handlers, name, [handler])
    monkeypatch.setattr("gateways.connection.FIRST_PING_SECONDS", 0.1)
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        until(lambda: any(c.watches_sessions for c in list(simulator.gateway.connections)))

        async def beat_now() -> None:
            run = beat(simulator.gateway, "main")
            assert run is not None
            await run.done.wait()

        simulator.run(beat_now())
        until(lambda: ("sessions.changed", "end") in heard)
        until(lambda: ("health", True) in heard)
    assert ("sessions.changed", "start") in heard
    assert not [word for word, _fact in heard if word == "chat"]


def test_answers_are_quick(ground: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(ground.org, simulator.url)
    ann, took = ground.actor(ground.ann), []
    with holding() as holder:
        until(lambda: holder.is_online(gateway))
        for n in range(20):
            asked = open_command(simulator, f"echo {n}")
            row = until(lambda a=asked: Approval.objects.filter(external_id=a.id).first())
            started = time.perf_counter()
            governance.resolve_approval(ann, row.pk, status="approved")
            while asked.decision is None:
                time.sleep(0.002)
            took.append(time.perf_counter() - started)
    # Well below the poll of one second: the wake-up at commit is what carries the answer.
    assert sorted(took)[len(took) // 2] < 0.5


def test_one_of_two_holds_and_the_other_takes_over(
    ground: World, simulator: SimulatedGatewayThread
) -> None:
    gateway = make_real(ground.org, simulator.url)
    with holding("first") as first:
        until(lambda: first.is_online(gateway))
        with holding("second") as second:
            time.sleep(2.5)
            assert not second.is_online(gateway)
            first.stop()
            until(lambda: second.is_online(gateway), seconds=5)
            assert GatewayLease.objects.get(pk=gateway.pk).owner == "second"


def test_an_expired_lease_answers_nothing(ground: World) -> None:
    from gateways import bridge

    gateway = make_real(ground.org, "ws://127.0.0.1:9")
    held = leases.renew_and_claim("me")[0]
    approval = factories.make_approval(
        ground.org, source="gateway", gateway_id=gateway.pk, external_id="x",
        status="approved", answer_state="answer_pending",
    )  # fmt: skip
    assert [a.approval_id for a in bridge.answers_of(held, "me")] == [approval.pk]
    assert leases.renew_and_claim("other") == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gateways_gatewaylease SET until = now() - interval '1 s'")
    assert bridge.answers_of(held, "me") == []
    taken = leases.renew_and_claim("other")[0]
    assert taken.epoch == held.epoch + 1
    assert leases.renew_and_claim("me") == []
    assert not leases.holds(held, "me")


def test_without_the_database_nothing_is_held(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1.5)
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    gateway = make_real(ground.org, simulator.url)
    ask = leases.renew_and_claim
    with holding() as holder:
        until(lambda: holder.is_online(gateway))

        def away(owner: str) -> list[leases.Held]:
            raise OperationalError("the database is away")

        monkeypatch.setattr(leases, "renew_and_claim", away)
        until(lambda: holder.manager and not holder.manager.may_send())
        until(lambda: not simulator.gateway.connections)
        monkeypatch.setattr(leases, "renew_and_claim", ask)
        until(lambda: holder.is_online(gateway))


def test_what_the_database_missed_is_stored_when_it_is_back(
    ground: World, simulator: SimulatedGatewayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateways import bridge, records

    note, take, refused = records.note_status, bridge.take_requested, []

    def no_status(*args: Any, **kwargs: Any) -> bool:
        if not refused:
            refused.append("status")
            raise OperationalError("away")
        return note(*args, **kwargs)

    def no_ask(*args: Any) -> None:
        if "ask" not in refused:
            refused.append("ask")
            raise OperationalError("away")
        take(*args)

    monkeypatch.setattr(records, "note_status", no_status)
    gateway = make_real(ground.org, simulator.url)
    with holding() as holder:
        until(lambda: status_of(gateway) == "online")
        assert refused == ["status"]
        monkeypatch.setattr(bridge, "take_requested", no_ask)
        until(lambda: holder.is_online(gateway))
        asked = open_command(simulator)
        approval = until(only)
        assert approval.external_id == asked.id
    assert refused == ["status", "ask"]


def test_a_token_sealed_with_another_key_is_said(ground: World) -> None:
    gateway = factories.make_gateway(ground.org, token_sealed="sealed-elsewhere")
    with holding():
        until(lambda: status_of(gateway) == "error")
    gateway.refresh_from_db()
    assert gateway.status_code == "sealed_with_other_key"
