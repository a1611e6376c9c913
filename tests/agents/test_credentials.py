"""Agent tokens at the doors: cost, precedence, limits, presence."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import credentials
from agents.models import Agent, AgentBeat, ImportedToken
from agents.services import tokens
from missioncontrol.kernel import ratelimit
from missioncontrol.kernel.secrets import new_token, token_hash, unseal
from tests import factories
from tests.clients import Client
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh_limits():
    ratelimit.memory.clear()
    yield
    ratelimit.memory.clear()


@pytest.mark.scenario("CORE-7")
def test_one_indexed_query_whatever_the_number_of_agents(world: World) -> None:
    Agent.objects.bulk_create(
        Agent(
            organization=world.org, name=f"a{n}", status="draft", token_hash=token_hash(f"t{n}"),
            pending_token_hash=token_hash(f"p{n}"), previous_token_hash=token_hash(f"q{n}"),
        )
        for n in range(1000)
    )  # fmt: skip
    assert credentials.resolve(world.worker_token) is not None  # written down once
    with CaptureQueriesContext(
        connection,
    ) as queries:
        actor = credentials.resolve(world.worker_token)
    assert actor is not None
    assert actor.id == world.worker.id
    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE agents_agent")
        cursor.execute("EXPLAIN " + credentials._FIND.replace("%s", "'x'"))
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on agents_agent" not in plan
    started = time.process_time()
    for _n in range(50):
        credentials.resolve(world.worker_token)
    assert (time.process_time() - started) / 50 < 0.003


def test_a_wrong_token_does_the_same_work(world: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert credentials.resolve(new_token("mca_")) is None
    assert len(queries) == 1


@pytest.mark.parametrize(
    "token", ["", "mca_", "mca_" + "x" * 43, "x" * 5000, "mct_" + "y" * 43, "ä\u2028"]
)
def test_what_proves_nothing_is_401(world: World, token: str) -> None:
    answer = Client(headers={"X-Agent-Token": token.encode("ascii", "ignore").decode()})
    assert answer.get("/agent/healthz").expect(401).json["detail"] == "Unauthorized"


@pytest.mark.scenario("CORE-8")
def test_failures_lock_an_address_but_not_its_valid_agents(world: World) -> None:
    valid = []
    for n in range(13):
        token = new_token("mca_")
        factories.make_agent(world.org, f"v{n}", token=token)
        valid.append(token)
    bad = Client(agent_token="mca_" + "z" * 43)
    for _n in range(20):
        bad.get("/agent/healthz").expect(401)
    refused = bad.get("/agent/healthz").expect(429)
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json["retryable"] is True
    for token in valid:
        Client(agent_token=token).get("/agent/healthz").expect(200)


@pytest.mark.scenario("CORE-9")
def test_an_agent_may_use_a_bearer_and_its_own_header_wins(world: World) -> None:
    as_bearer = Client(bearer=world.worker_token)
    assert as_bearer.get("/agent/healthz").expect(200).json["agent_id"] == str(world.worker.id)
    assert [a["name"] for a in as_bearer.get("/agents").expect(200).items] != []
    both = Client(bearer=world.ann_token, agent_token=world.worker_token)
    assert both.get("/agent/healthz").expect(200).json["agent_id"] == str(world.worker.id)
    wrong = Client(bearer=world.ann_token, agent_token="mca_" + "w" * 43)
    wrong.get("/agents").expect(401)


@pytest.mark.scenario("CORE-10")
def test_a_deleted_agents_token_is_void_at_once(world: World) -> None:
    world.as_worker.get("/agent/healthz").expect(200)
    world.as_ann.delete(f"/agents/{world.worker.id}").expect(200)
    world.as_worker.get("/agent/healthz").expect(401)


def test_a_call_is_a_sign_of_life_every_thirty_seconds(world: World) -> None:
    for _n in range(3):
        world.as_worker.get("/agent/healthz").expect(200)
    agent = Agent.objects.get(pk=world.worker.pk)
    assert agent.last_seen_at is not None
    assert AgentBeat.objects.filter(agent=agent).count() == 1
    seen = agent.last_seen_at - timedelta(seconds=31)
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=seen)
    world.as_worker.get("/agent/healthz").expect(200)
    agent.refresh_from_db()
    assert agent.last_seen_at > seen
    assert AgentBeat.objects.filter(agent=agent).count() == 2


def test_a_beat_after_a_long_silence_is_late(world: World) -> None:
    world.as_worker.get("/agent/healthz").expect(200)
    seen = Agent.objects.get(pk=world.worker.pk).last_seen_at - timedelta(minutes=30)
    Agent.objects.filter(pk=world.worker.pk).update(last_seen_at=seen)
    world.as_worker.get("/agent/healthz").expect(200)
    assert list(AgentBeat.objects.order_by("at").values_list("late", flat=True)) == [False, True]


@pytest.mark.parametrize("status", ["updating", "paused"])
def test_presence_leaves_some_states_alone(world: World, status: str) -> None:
    Agent.objects.filter(pk=world.worker.pk).update(status=status)
    world.as_worker.get("/agent/healthz").expect(200)
    agent = Agent.objects.get(pk=world.worker.pk)
    assert agent.status == status
    assert agent.last_seen_at is not None


def test_an_agent_that_said_goodbye_is_offline_until_its_next_call(world: World) -> None:
    said = world.as_worker.post("/agent/heartbeat", {"status": "offline"}).expect(200)
    assert said.json["status"] == "offline"
    world.as_worker.get("/agent/healthz").expect(200)
    assert Agent.objects.get(pk=world.worker.pk).status == "online"


@pytest.mark.scenario("CORE-76")
def test_a_token_is_in_no_answer(world: World) -> None:
    from missioncontrol.kernel.secrets import seal

    Agent.objects.filter(pk=world.worker.pk).update(token_sealed=seal(world.worker_token))
    for path in ("/agents", f"/agents/{world.worker.id}", "/activity"):
        answer = world.as_ann.request("GET", path)
        assert world.worker_token not in str(answer.json)
        assert "token" not in {key for key in answer.json if "hash" in key or "sealed" in key}
    rotated = world.as_ann.post(f"/agents/{world.worker.id}/rotate-token").expect(200)
    assert "mca_" not in str(rotated.json)
    assert not [key for key in rotated.json if "token" in key]
    assert settings.SECRET_KEY not in str(rotated.json)


def _stored(token: str) -> str:
    """The slow hash of the original product, with one round."""
    salt = b"s" * 16
    made = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, 1)
    plain = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (salt, made)]
    return "$".join(["pbkdf2_sha256", "1", *plain])


def test_a_token_that_moved_in_never_displaces_a_newer_one(world: World) -> None:
    old, worker = "o" * 43, world.worker
    Agent.objects.filter(pk=worker.pk).update(token_hash=None, gateway=world.gateway)
    ImportedToken.objects.create(agent=worker, stored=_stored(old))
    agent = Agent.objects.get(pk=worker.pk)
    agent.save(update_fields=tokens.set_pending(agent))
    new = unseal(agent.pending_token_sealed)
    tokens.record_written(agent.pk, token_hash(new))
    for token in (old, new, old, new):  # the old one has its grace
        Client(agent_token=token).get("/agent/healthz").expect(200)
    Agent.objects.filter(pk=agent.pk).update(
        previous_token_until=timezone.now() - timedelta(hours=1)
    )
    Client(agent_token=old).get("/agent/healthz").expect(401)
    Client(agent_token=new).get("/agent/healthz").expect(200)


def test_a_token_that_moved_in_is_void_after_its_grace_and_in_the_pool(world: World) -> None:
    old, worker = "o" * 43, world.worker
    Agent.objects.filter(pk=worker.pk).update(token_hash=None)
    ImportedToken.objects.create(agent=worker, stored=_stored(old))
    agent = Agent.objects.get(pk=worker.pk)
    agent.save(update_fields=tokens.set_pending(agent))
    tokens.record_written(agent.pk, token_hash(unseal(agent.pending_token_sealed)))
    Agent.objects.filter(pk=agent.pk).update(
        previous_token_until=timezone.now() - timedelta(hours=1)
    )
    Client(agent_token=old).get("/agent/healthz").expect(401)
    ImportedToken.objects.update_or_create(agent=worker, defaults={"stored": _stored(old)})
    world.as_ann.patch(f"/agents/{worker.pk}", {"board_id": None}).expect(200)
    Client(agent_token=old).get("/agent/healthz").expect(401)
