"""What a gateway has and how it has been, through the API and on pages, against a simulated one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from activity.models import ActivityEvent
from agents.models import Agent
from boards.models import Board
from gateways import cleanup, history, jobs, records, remote
from gateways.models import Gateway, GatewayCheck, GatewayCleanup
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel import clock
from tests import factories
from tests.gateways.linking import TOKEN, make_real
from tests.pages.conftest import browser
from tests.world import World

pytestmark = pytest.mark.django_db
PAGES = ("sessions", "inventory", "device", "log", "session?key=agent:main:main")


@pytest.fixture
def real(world: World, simulator: SimulatedGatewayThread) -> Gateway:
    return make_real(world.org, simulator.url, name="Workshop", status="online")


@pytest.fixture
def ann(world: World) -> Browser:
    return browser(world.ann)


def test_agents_of_a_gateway_are_told_with_ours_behind_them(world: World, real: Gateway) -> None:
    agent = factories.make_agent(world.org, "Nova", board=world.board, gateway=real)
    from gateways import rpc

    rpc.call(real.pk, "agents.create", {"name": agent.remote_id})
    found = world.as_ann.get(f"/gateways/{real.pk}/agents").expect(200).json["agents"]
    by_id = {row["id"]: row for row in found}
    assert by_id[agent.remote_id]["agent_id"] == str(agent.pk)
    assert by_id["main"]["agent_id"] is None
    assert by_id["main"]["is_default"] is True


def test_models_and_devices_are_told(world: World, real: Gateway) -> None:
    models = world.as_ann.get(f"/gateways/{real.pk}/models").expect(200).json["models"]
    assert models
    assert {"id", "name", "provider", "is_available"} <= set(models[0])
    devices = world.as_ann.get(f"/gateways/{real.pk}/devices").expect(200).json
    assert set(devices) == {"pending", "paired"}


@pytest.mark.parametrize("part", ["agents", "models", "devices", "logs"])
def test_a_gateway_that_is_away_is_a_bad_gateway(world: World, part: str) -> None:
    answer = world.as_ann.get(f"/gateways/{world.gateway.pk}/{part}").expect(502)
    assert answer.code == "unreachable"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_gateway_opens(real: Gateway, ann: Browser, page: str) -> None:
    answer = ann.get(f"/gateways/{real.pk}/{page}")
    assert answer.status_code == 200
    assert "The gateway did not answer" not in answer.content.decode()
    assert TOKEN not in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_when_the_gateway_is_away(world: World, ann: Browser, page: str) -> None:
    Gateway.objects.filter(pk=world.gateway.pk).update(status="online")
    answer = ann.get(f"/gateways/{world.gateway.pk}/{page}")
    assert answer.status_code == 200
    assert "The gateway did not answer" in answer.content.decode()


@pytest.mark.parametrize("page", [*PAGES, ""])
def test_pages_of_a_gateway_are_for_its_admins(world: World, page: str) -> None:
    address = f"/gateways/{world.gateway.pk}/{page}".rstrip("/")
    assert browser(world.bob).get(address).status_code == 403
    assert browser(world.eve).get(address).status_code == 404


def test_a_message_to_a_session_is_sent_and_recorded_without_its_text(
    real: Gateway, ann: Browser
) -> None:
    address = f"/gateways/{real.pk}/session?key=agent:main:main"
    assert ann.post(address, {"content": "  "}).status_code == 422
    assert ann.post(address, {"content": "How far are you?"}).status_code == 302
    event = ActivityEvent.objects.get(type="gateway.message_sent")
    assert event.data == {"session_key": "agent:main:main"}
    assert "How far are you?" in ann.get(address).content.decode()


def test_lines_of_a_log_are_read_whatever_their_form() -> None:
    lines = remote.log_lines(
        {"lines": ['{"time":"2026-11-18T10:00:00Z","level":"warn","message":"slow"}',
                   '{"level":50,"msg":"broken"}', "plain words", "[1]"]}
    )  # fmt: skip
    assert [(line.level, line.text) for line in lines] == [
        ("warn", "slow"), ("error", "broken"), ("", "plain words"), ("", "[1]"),
    ]  # fmt: skip


def check(gateway: Gateway, minutes_ago: float, status: str, latency: float | None = None) -> None:
    row = GatewayCheck.objects.create(gateway=gateway, status=status, latency_ms=latency)
    moment = clock.now() - timedelta(minutes=minutes_ago)
    GatewayCheck.objects.filter(pk=row.pk).update(created_at=moment)


def test_the_strip_shows_the_worst_of_each_half_hour(world: World) -> None:
    check(world.gateway, 5, "online", 10.0)
    check(world.gateway, 10, "offline")
    check(world.gateway, 65, "degraded")
    check(world.gateway, 24 * 60 - 1, "online", 30.0)
    check(world.gateway, 24 * 60 + 1, "offline")
    day = history.days_of([world.gateway.pk])[world.gateway.pk]
    assert day.marks[-1] == "is-bad"
    assert day.marks[-3] == "is-fair"
    assert day.marks[0] == "is-good"
    assert set(day.marks[1:-3]) == {""}
    assert (day.checks, day.good, day.uptime_pct, day.latency_ms) == (4, 2, 50.0, 20.0)


def test_history_tells_checks_and_back_off(world: World) -> None:
    check(world.gateway, 5, "offline")
    check(world.gateway, 3 * 60, "online")
    Gateway.objects.filter(pk=world.gateway.pk).update(check_failures=2)
    found = world.as_ann.get(f"/gateways/{world.gateway.pk}/history?hours=1").expect(200).json
    assert [row["status"] for row in found["checks"]] == ["offline"]
    assert (found["check_failures"], found["marks"][-1], len(found["marks"])) == (2, "bad", 48)
    world.as_ann.get(f"/gateways/{world.gateway.pk}/history?hours=0").expect(422)


def test_an_unchecked_gateway_has_an_empty_day(world: World) -> None:
    day = history.days_of([world.gateway.pk])[world.gateway.pk]
    assert (day.uptime_pct, set(day.marks)) == (None, {""})


def test_versions_are_judged_against_the_minimum(world: World, settings: Any, ann: Browser) -> None:
    settings.GATEWAY_MIN_VERSION = "2026.2.9"
    Gateway.objects.filter(pk=world.gateway.pk).update(runtime_version="2026.1.1")
    factories.make_gateway(world.org, "New", runtime_version="2026.9.6")
    factories.make_gateway(world.org, "Unseen")
    found = world.as_ann.get("/gateways/versions").expect(200).json
    assert found["minimum"] == "2026.2.9"
    assert {row["name"]: row["finding"] for row in found["items"]} == {
        "GA": "too_old", "New": "ok", "Unseen": "unknown",
    }  # fmt: skip
    shown = ann.get("/gateways/versions").content.decode()
    assert all(word in shown for word in ("too old", "accepted", "not known yet"))


def test_one_gateway_of_an_organization_is_the_default(world: World, ann: Browser) -> None:
    other = factories.make_gateway(world.org, "Second")
    for chosen in (world.gateway, other):
        assert ann.post(f"/gateways/{chosen.pk}/default").status_code == 302
        defaults = Gateway.objects.filter(organization=world.org, is_default=True)
        assert list(defaults) == [chosen]


def test_sessions_of_a_sample_are_kept_without_their_text(world: World) -> None:
    answer = {"totalCount": 12, "sessions": [{"key": "agent:a:main", "lastMessage": "secret"}]}
    records.add_sample(
        world.gateway.pk, status="online", latency_ms=1.0, sessions=records.sessions_in(answer)
    )
    row = Gateway.objects.get(pk=world.gateway.pk)
    assert (row.sessions_total, row.latest_sessions) == (12, [{"key": "agent:a:main"}])
    assert records.sessions_in({"sessions": [{}, {}]}).total == 2
    assert records.sessions_in("nothing").total == 0


# --- what is left on a gateway that was removed ---------------------------------------------------


def removed(world: World, gateway: Gateway) -> GatewayCleanup:
    Board.objects.filter(pk=world.board.pk).update(gateway=gateway)
    world.as_ann.delete(f"/gateways/{gateway.pk}").expect(409)
    world.as_ann.delete(f"/gateways/{gateway.pk}?force=true").expect(200)
    assert not Gateway.objects.filter(pk=gateway.pk).exists()
    return GatewayCleanup.objects.get()


def test_agents_left_on_a_removed_gateway_are_deleted_there(world: World, real: Gateway) -> None:
    from gateways import rpc

    agent = factories.make_agent(world.org, "Nova", board=world.board, gateway=real)
    rpc.call(real.pk, "agents.create", {"name": agent.remote_id})
    row = removed(world, real)
    assert agent.remote_id in row.remote_ids
    assert jobs.sweep_cleanups.body() == 1
    assert not GatewayCleanup.objects.exists()
    assert ActivityEvent.objects.filter(type="gateway.cleaned_up", target_id=real.pk).exists()
    again = make_real(world.org, row.url, name="Again")
    assert agent.remote_id not in {a["id"] for a in remote.agents_on(again)}


def test_a_removed_gateway_that_is_away_is_tried_again_with_pauses(world: World) -> None:
    gateway = factories.make_gateway(world.org, "Away")
    factories.make_agent(world.org, "Nova", gateway=gateway)
    row = removed(world, gateway)
    assert cleanup.run(row.pk) is False
    row.refresh_from_db()
    assert (row.attempts, bool(row.last_error), row.lease_owner) == (1, True, "")
    assert row.next_attempt_at is not None
    assert cleanup.run(row.pk) is False  # not due yet
    row.refresh_from_db()
    assert row.attempts == 1
    listed = world.as_ann.get("/gateways/cleanups").expect(200)
    assert listed.items[0]["last_error"] == row.last_error
    assert world.as_eve.get("/gateways/cleanups").items == []
    assert "Left on removed gateways" in browser(world.ann).get("/gateways").content.decode()


def test_after_a_day_or_at_a_persons_word_it_is_given_up_and_told(world: World) -> None:
    gateway = factories.make_gateway(world.org, "Away")
    factories.make_agent(world.org, "Nova", gateway=gateway)
    row = removed(world, gateway)
    old = clock.now() - timedelta(hours=25)
    GatewayCleanup.objects.filter(pk=row.pk).update(created_at=old)
    assert cleanup.run(row.pk) is True
    event = ActivityEvent.objects.get(type="gateway.cleanup_failed")
    assert event.data["remote_ids"] == row.remote_ids
    second = factories.make_gateway(world.org, "Second")
    factories.make_agent(world.org, "Orbit", gateway=second)
    other = removed(world, second)
    world.as_eve.delete(f"/gateways/cleanups/{other.pk}").expect(404)
    world.as_ann.delete(f"/gateways/cleanups/{other.pk}").expect(200)
    assert not GatewayCleanup.objects.exists()


def test_agents_that_came_back_to_the_same_gateway_are_left_alone(
    world: World, real: Gateway
) -> None:
    from gateways import rpc

    agent = factories.make_agent(world.org, "Nova", board=world.board, gateway=real)
    rpc.call(real.pk, "agents.create", {"name": agent.remote_id})
    row = removed(world, real)
    again = make_real(world.org, row.url, name="Again")
    Agent.objects.filter(pk=agent.pk).update(gateway=again)
    assert cleanup.run(row.pk) is True
    assert agent.remote_id in {a["id"] for a in remote.agents_on(again)}


def test_a_gateway_without_agents_leaves_nothing(world: World) -> None:
    gateway = factories.make_gateway(world.org)
    world.as_ann.delete(f"/gateways/{gateway.pk}").expect(200)
    assert not GatewayCleanup.objects.exists()


def test_one_query_reads_the_day_of_all_gateways(world: World) -> None:
    ids = [factories.make_gateway(world.org).pk for _ in range(5)]
    with CaptureQueriesContext(connection) as queries:
        assert len(history.days_of(ids)) == 5
    assert len(queries) == 1
