"""Gateways through the API: both call styles, the address guard, secrets, tenants."""

from __future__ import annotations

import socket
from typing import Any
from uuid import uuid4

import orjson
import pytest

from activity.models import ActivityEvent, AuditEntry
from gateways.models import Gateway, GatewayCheck, GatewayIdentity, GatewayLease
from gateways.simulator.faults import Refused
from gateways.simulator.thread import SimulatedGatewayThread
from missioncontrol.kernel import outbound
from missioncontrol.kernel.secrets import unseal
from tests import factories
from tests.clients import Client, stranger
from tests.gateways.linking import TOKEN, make_real
from tests.world import World

GUIDE = {
    "name": "Production Gateway",
    "endpoint": "https://gateway.example.com",
    "auth_token": TOKEN,
    "capabilities": ["code_execution", "file_access"],
}


def flat(world: World) -> Client:
    """Ann through the flat mount."""
    return Client(bearer=world.ann_token, base="/api")


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every name resolve to these addresses, one answer per question; returns the questions."""
    asked: list[str] = []

    def addresses(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    monkeypatch.setattr(outbound, "_addresses", addresses)
    return asked


def test_the_guides_call_adds_an_unchecked_gateway(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, [])
    answer = flat(world).post("/gateways", GUIDE).expect(200)
    found = answer.json
    assert (found["url"], found["status"]) == ("wss://gateway.example.com", "unverified")
    assert (found["token"], found["has_token"], found["token_hint"]) == (None, True, TOKEN[-4:])
    assert found["workspace_root"] == "~/.openclaw"
    assert found["capabilities"] == GUIDE["capabilities"]
    assert answer.headers["Location"].endswith(found["id"])
    row = Gateway.objects.get(pk=found["id"])
    assert unseal(row.token_sealed) == TOKEN
    assert GatewayIdentity.objects.filter(pk=row.pk).exists()
    assert GatewayLease.objects.filter(pk=row.pk).exists()
    event = ActivityEvent.objects.get(type="gateway.created")
    assert (event.actor_id, event.target_id) == (world.ann.pk, row.pk)
    assert AuditEntry.objects.filter(event_id=event.pk).exists()


def test_without_a_token_it_is_added_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["93.184.216.34"])
    body = {"name": "Plain", "endpoint": "http://gateway.example.com:18789/"}
    found = flat(world).post("/gateways", body).expect(200).json
    assert found["url"] == "ws://gateway.example.com:18789"
    assert (found["has_token"], found["token_hint"]) == (False, None)


def test_v1_verifies_before_it_stores(world: World, simulator: SimulatedGatewayThread) -> None:
    body = {"name": "Real", "url": simulator.url, "token": TOKEN}
    found = world.as_ann.post("/gateways", body).expect(200).json
    assert (found["status"], found["version"]) == ("online", simulator.gateway.version)
    states = {check["key"]: check["state"] for check in found["checks"]}
    assert states["handshake"] == states["version"] == states["exec_policy"] == "ok"
    assert states["base_url"] == "skipped"


@pytest.mark.parametrize(
    ("faults", "token", "status", "code"),
    [
        ({"version": "2025.12.31"}, TOKEN, 422, "gateway_incompatible"),
        ({"version": ""}, TOKEN, 200, None),
        ({}, "some-other-token-entirely", 502, "unauthorized"),
        ({"withheld_scopes": {"operator.admin"}}, TOKEN, 502, "missing_scope"),
        ({"is_starting": True}, TOKEN, 502, "restarting"),
    ],
)
def test_v1_stores_nothing_that_cannot_be_used(
    world: World,
    simulator: SimulatedGatewayThread,
    faults: dict[str, Any],
    token: str,
    status: int,
    code: str | None,
) -> None:
    for name, value in faults.items():
        setattr(simulator.gateway.faults, name, value)
    before = Gateway.objects.count()
    answer = world.as_ann.post("/gateways", {"name": "X", "url": simulator.url, "token": token})
    answer.expect(status)
    if status == 200:
        return  # no version in hello-ok: the configuration tells it
    assert answer.code == code
    assert Gateway.objects.count() == before
    assert token not in orjson.dumps(answer.json).decode()
    if status == 502:
        assert answer.json["detail"].startswith("Gateway compatibility check failed: ")


def test_an_unreachable_one_is_refused_with_its_next_step(world: World) -> None:
    body = {"name": "X", "url": "ws://127.0.0.1:9", "token": TOKEN}
    answer = world.as_ann.post("/gateways", body).expect(502)
    assert answer.code == "unreachable"
    assert "openclaw gateway run --port 9" in answer.json["hint"]
    world.as_ann.post("/gateways?verify=false", body).expect(200)
    flat(world).post("/gateways?verify=true", body).expect(502)


def test_a_gateway_that_wants_pairing_is_kept_for_the_approval(
    world: World, simulator: SimulatedGatewayThread
) -> None:
    simulator.gateway.faults.must_pair = True
    body = {"name": "Far", "url": simulator.url, "token": TOKEN}
    found = world.as_ann.post("/gateways", body).expect(200).json
    assert found["status"] == "pairing_required"
    path = f"/gateways/{found['id']}/pairing"
    pairing = world.as_ann.get(path).expect(200).json
    assert pairing["state"] == "pending"
    assert pairing["command"] == f"openclaw devices approve {pairing['request_id']}"

    async def approve() -> None:
        from gateways.simulator.methods_devices import approve_pairing
        from gateways.simulator.registry import Call

        call = Call(simulator.gateway, None, {"requestId": pairing["request_id"]})  # type: ignore[arg-type]
        approve_pairing(call)

    simulator.run(approve())
    again = world.as_ann.post(path).expect(200).json
    assert (again["state"], again["status"]) == ("paired", "online")
    assert again["device_id"] == pairing["device_id"]
    assert GatewayIdentity.objects.get(pk=found["id"]).device_token_sealed


@pytest.mark.scenario("CORE-74")
@pytest.mark.parametrize("base", ["/api/v1", "/api"])
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "ws://[::ffff:169.254.169.254]:80",
        "ws://[fe80::1]:18789",
        "ws://0.0.0.0:18789",
        "ws://[64:ff9b::a9fe:a9fe]:80",
        "ws://224.0.0.1:18789",
    ],
)
def test_forbidden_addresses_are_refused_unasked(
    world: World, monkeypatch: pytest.MonkeyPatch, base: str, url: str
) -> None:
    dialled = _watch_dialling(monkeypatch)
    client = Client(bearer=world.ann_token, base=base)
    answer = client.post("/gateways", {"name": "X", "url": url}).expect(422)
    assert answer.code == "outbound_blocked"
    probe = client.post("/gateways/status", {"gateway_url": url}).expect(422)
    assert probe.code == "outbound_blocked"
    patch = client.patch(f"/gateways/{world.gateway.pk}", {"url": url}).expect(422)
    assert patch.code == "outbound_blocked"
    assert dialled == []


def _watch_dialling(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    from gateways.wire import transport

    dialled: list[Any] = []

    async def dial(address: str, port: int) -> socket.socket:
        dialled.append((address, port))
        raise OSError("not dialled in this test")

    monkeypatch.setattr(transport, "_dial", dial)
    return dialled


@pytest.mark.scenario("CORE-74")
def test_a_name_that_resolves_there_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = _watch_dialling(monkeypatch)
    resolving(monkeypatch, ["93.184.216.34", "169.254.169.254"])
    body = {"name": "X", "url": "ws://inside.example.com"}
    assert world.as_ann.post("/gateways", body).expect(422).code == "outbound_blocked"
    assert dialled == []


@pytest.mark.scenario("CORE-74")
def test_a_name_that_changes_its_answer_is_refused_at_the_connect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = _watch_dialling(monkeypatch)
    asked = resolving(monkeypatch, ["93.184.216.34"], ["169.254.169.254"])
    body = {"name": "X", "url": "ws://turning.example.com"}
    assert world.as_ann.post("/gateways", body).expect(422).code == "outbound_blocked"
    assert len(asked) >= 2
    assert dialled == []
    assert not Gateway.objects.filter(name="X").exists()


@pytest.mark.scenario("CORE-74")
def test_a_connection_goes_to_the_checked_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = _watch_dialling(monkeypatch)
    resolving(monkeypatch, ["93.184.216.34"])
    body = {"name": "X", "url": "ws://there.example.com:18789"}
    world.as_ann.post("/gateways", body).expect(502)
    assert set(dialled) == {("93.184.216.34", 18789)}


@pytest.mark.scenario("CORE-75")
def test_our_own_ports_are_refused(world: World, settings: Any) -> None:
    settings.DATABASES["default"]["PORT"], kept = "54321", settings.DATABASES["default"]["PORT"]
    settings.OWN_PORT = 8123
    settings.REDIS_URL = "redis://127.0.0.1:6399/0"
    settings.EMBEDDED_PORTS = (54322, 54323)  # spoken to over sockets, and open nevertheless
    try:
        for port in (54321, 8123, 6399, 54322, 54323):
            body = {"name": "X", "url": f"ws://127.0.0.1:{port}"}
            for client in (world.as_ann, flat(world)):
                assert client.post("/gateways", body).expect(422).code == "outbound_blocked"
    finally:
        settings.DATABASES["default"]["PORT"] = kept


@pytest.mark.scenario("CORE-75")
@pytest.mark.parametrize(
    "url",
    [
        "ws://user:pass@gateway.example.com",
        "ws://@gateway.example.com",
        "ws://gateway.example.com?token=x",
        "ws://gateway.example.com/#x",
        "ftp://gateway.example.com",
        "ws://",
        "ws://gateway.example.com:99999",
        "gateway.example.com:18789",
    ],
)
def test_an_address_holds_scheme_host_port_and_path_only(world: World, url: str) -> None:
    answer = flat(world).post("/gateways", {"name": "X", "url": url}).expect(422)
    assert answer.json["errors"][0]["loc"][-1] == "url"
    assert "pass" not in answer.json["detail"].replace("password", "")


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ws://a.example.com"},
        {"name": " ", "url": "ws://a.example.com"},
        {"name": "X"},
        {"name": "X", "url": "ws://a.example.com", "endpoint": "ws://b.example.com"},
        {"name": "X", "url": "ws://a.example.com", "token": "two words"},
        {"name": "X", "url": "ws://a.example.com", "colour": "red"},
    ],
)
def test_bad_input_is_refused(world: World, body: dict[str, Any]) -> None:
    flat(world).post("/gateways", body).expect(422)
    assert Gateway.objects.count() == 2


@pytest.mark.scenario("CORE-76")
def test_the_token_is_found_nowhere(
    world: World,
    simulator: SimulatedGatewayThread,
    caplog: pytest.LogCaptureFixture,
    django_assert_num_queries: Any,
) -> None:
    caplog.set_level("DEBUG")
    simulator.gateway.world.logs.append(orjson.dumps({"m": f"auth with {TOKEN}"}).decode())
    body = {"name": "Sealed", "url": simulator.url, "token": TOKEN}
    found = world.as_ann.post("/gateways", body).expect(200).json
    path = f"/gateways/{found['id']}"
    simulator.gateway.faults.refuse["logs.tail"] = Refused(f"no, {TOKEN}", is_retryable=False)
    failed = world.as_ann.get(f"{path}/logs").expect(502).json
    simulator.gateway.faults.clear()
    answers = [
        found, failed,
        world.as_ann.get(path).json,
        world.as_ann.get("/gateways").json,
        world.as_ann.patch(path, {"name": "Sealed twice"}).json,
        world.as_ann.post(f"{path}/check").json,
        world.as_ann.get(f"{path}/pairing").json,
        world.as_ann.get(f"{path}/exec-policy").json,
        world.as_ann.get(f"{path}/logs").json,
        world.as_ann.get(f"/gateways/status?gateway_id={found['id']}").json,
        world.as_ann.post(
            "/gateways/status", {"gateway_url": "ws://127.0.0.1:9", "gateway_token": TOKEN}
        ).json,
        list(ActivityEvent.objects.values_list("data", "target_title")),
        list(AuditEntry.objects.values_list("body", flat=True)),
        list(Gateway.objects.values_list("status_detail", "checks", "metadata", "url")),
        caplog.text,
    ]  # fmt: skip
    assert TOKEN not in orjson.dumps(answers, default=str).decode()
    assert TOKEN not in Client(bearer=world.ann_token).http.get("/openapi.json").content.decode()


@pytest.mark.scenario("CORE-31")
def test_other_tenants_find_nothing(world: World) -> None:
    one = f"/gateways/{world.gateway.pk}"
    unknown = world.as_eve.get(f"/gateways/{uuid4()}").expect(404).json
    task = factories.make_task(world.other_board)
    calls = [
        world.as_eve.get(one),
        world.as_eve.patch(one, {"name": "Mine"}),
        world.as_eve.delete(one),
        world.as_eve.post(f"{one}/check"),
        world.as_eve.get(f"{one}/pairing"),
        world.as_eve.post(f"{one}/pairing"),
        world.as_eve.get(f"{one}/exec-policy"),
        world.as_eve.post(f"{one}/exec-policy", {"mode": "ask"}),
        world.as_eve.get(f"{one}/logs"),
        world.as_eve.post(f"{one}/templates/sync"),
        world.as_eve.post(f"{one}/execute", {"task_id": str(task.pk)}),
        world.as_eve.get(f"/gateways/status?gateway_id={world.gateway.pk}"),
        world.as_eve.get(f"/gateways/status?board_id={world.board.pk}"),
        world.as_eve.get(f"/gateways/sessions?board_id={world.board.pk}"),
        world.as_eve.get(f"/gateways/sessions/agent:main:main?board_id={world.board.pk}"),
        world.as_eve.get(f"/gateways/sessions/agent:main:main/history?board_id={world.board.pk}"),
        world.as_eve.post(
            f"/gateways/sessions/agent:main:main/message?board_id={world.board.pk}",
            {"content": "x"},
        ),
    ]
    for call in calls:
        found = call.expect(404).json
        assert {**found, "request_id": ""} == {**unknown, "request_id": ""}
    assert [g["name"] for g in world.as_eve.get("/gateways").items] == ["GB"]
    world.gateway.refresh_from_db()
    assert world.gateway.name == "GA"


def test_members_and_agents_are_kept_out(world: World) -> None:
    one = f"/gateways/{world.gateway.pk}"
    for path in ("/gateways", one, f"{one}/pairing", f"{one}/logs", "/gateways/commands"):
        world.as_bob.get(path).expect(403)
        world.as_worker.get(path).expect(403)
        stranger().get(path).expect(401)
    world.as_bob.post("/gateways", {"name": "X", "url": "ws://127.0.0.1:9"}).expect(403)
    world.as_bob.patch(one, {"name": "X"}).expect(403)
    world.as_bob.delete(one).expect(403)
    world.as_bob.post(f"{one}/check").expect(403)
    world.as_bob.post(f"{one}/exec-policy", {"mode": "ask"}).expect(403)
    read_only = Client(bearer=factories.make_token(world.ann, "read"))
    read_only.get(one).expect(200)
    read_only.patch(one, {"name": "X"}).expect(403)


def test_changes_keep_what_is_not_named(world: World) -> None:
    gateway = make_real(world.org, "ws://127.0.0.1:9", name="Old", status="online")
    path = f"/gateways/{gateway.pk}"
    seen = world.as_ann.get(path).headers["ETag"]
    found = world.as_ann.patch(path, {"name": "New"}, headers={"If-Match": seen}).expect(200).json
    assert (found["name"], found["status"], found["has_token"]) == ("New", "online", True)
    world.as_ann.patch(path, {"name": "Newer"}, headers={"If-Match": seen}).expect(412)
    changed = world.as_ann.patch(path, {"url": "ws://127.0.0.1:10"}).expect(200).json
    assert changed["status"] == "checking"
    assert world.as_ann.patch(path, {"token": None}).expect(200).json["has_token"] is False
    world.as_ann.patch(path, {"name": None}).expect(422)
    events = ActivityEvent.objects.filter(type="gateway.updated").order_by("seq")
    assert [e.data["fields"] for e in events] == [["name"], ["url"], ["token"]]
    world.as_ann.patch(path, {"name": "New"}).expect(200)
    assert events.count() == 3


def test_one_gateway_is_the_default(world: World) -> None:
    client = flat(world)
    Gateway.objects.all().delete()
    first = client.post("/gateways", {"name": "1", "url": "ws://127.0.0.1:9"}).json
    second = client.post(
        "/gateways", {"name": "2", "url": "ws://127.0.0.1:9", "is_default": True}
    ).json
    assert (first["is_default"], second["is_default"]) == (True, True)
    assert list(Gateway.objects.filter(is_default=True).values_list("name", flat=True)) == ["2"]
    client.patch(f"/gateways/{first['id']}", {"is_default": True}).expect(200)
    assert list(Gateway.objects.filter(is_default=True).values_list("name", flat=True)) == ["1"]


def test_a_gateway_in_use_stays_unless_forced(world: World) -> None:
    path = f"/gateways/{world.gateway.pk}"
    answer = world.as_ann.delete(path).expect(409)
    assert answer.code == "gateway_in_use"
    assert set(answer.json["board_ids"]) == {str(world.board.pk), str(world.second_board.pk)}
    assert world.as_ann.delete(f"{path}?force=true").expect(200).json == {"ok": True}
    world.board.refresh_from_db()
    assert world.board.gateway_id is None
    world.as_ann.get(path).expect(404)
    assert ActivityEvent.objects.filter(type="gateway.deleted").count() == 1


def test_a_removed_gateway_asks_nothing_any_more(world: World) -> None:
    approval = factories.make_approval(
        world.org, source="gateway", gateway_id=world.gateway.pk, external_id="e", command="ls"
    )
    world.as_ann.delete(f"/gateways/{world.gateway.pk}?force=1").expect(200)
    approval.refresh_from_db()
    assert (approval.status, approval.answer_state) == ("cancelled", "lost")


@pytest.mark.parametrize(
    ("fault", "status", "code", "key", "step"),
    [
        ({}, "online", None, None, ""),
        ({"token": "wrong-token-entirely"}, "unauthorized", "unauthorized", "handshake", "token"),
        ({"must_pair": True}, "pairing_required", "pairing_required", "pairing",
         "openclaw devices approve "),
        ({"withheld_scopes": {"operator.admin"}}, "unauthorized", "missing_scope", "scopes",
         "approve"),
        ({"version": "2024.1.1"}, "incompatible", "incompatible", "version", "openclaw update"),
        ({"is_starting": True}, "restarting", "restarting", "handshake", "starting"),
        ({"hidden_methods": {"wake"}}, "degraded", None, "methods", "openclaw update"),
        ({"url": "ws://127.0.0.1:9"}, "offline", "unreachable", "tcp", "openclaw gateway run"),
    ],
)  # fmt: skip
def test_the_doctor_names_cause_and_next_step(
    world: World,
    simulator: SimulatedGatewayThread,
    fault: dict[str, Any],
    status: str,
    code: str | None,
    key: str | None,
    step: str,
) -> None:
    for name in set(fault) - {"token", "url"}:
        setattr(simulator.gateway.faults, name, fault[name])
    gateway = make_real(world.org, fault.get("url", simulator.url), token=fault.get("token", TOKEN))
    found = world.as_ann.post(f"/gateways/{gateway.pk}/check").expect(200).json
    assert (found["status"], found["status_code"]) == (status, code)
    assert found["last_checked_at"]
    if key is not None:
        check = next(c for c in found["checks"] if c["key"] == key)
        assert check["state"] in ("fail", "warn")
        assert step in check["next_step"]
    assert (
        GatewayCheck.objects.filter(gateway=gateway).values_list("status", flat=True)[0] == status
    )
    types = list(ActivityEvent.objects.order_by("seq").values_list("type", flat=True))
    assert types == ["gateway.status_changed", "gateway.checked"]
    audited = ActivityEvent.objects.get(type="gateway.checked")
    assert AuditEntry.objects.filter(event_id=audited.pk).exists()
    world.as_ann.post(f"/gateways/{gateway.pk}/check").expect(200)
    assert ActivityEvent.objects.filter(type="gateway.status_changed").count() == 1


def test_checks_are_limited(world: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(world.org, "ws://127.0.0.1:9")
    for _ in range(20):
        world.as_ann.get(f"/gateways/status?gateway_id={gateway.pk}").expect(200)
    answer = world.as_ann.post(f"/gateways/{gateway.pk}/check").expect(429)
    assert int(answer.headers["Retry-After"]) > 0


def test_status_answers_whatever_the_gateway_does(
    world: World, simulator: SimulatedGatewayThread
) -> None:
    body = {"gateway_url": simulator.url, "gateway_token": TOKEN}
    good = world.as_ann.post("/gateways/status", body).expect(200).json
    assert (good["connected"], good["code"], good["error"]) == (True, None, None)
    assert good["version"] == simulator.gateway.version
    assert good["sessions_count"] == len(good["sessions"])
    bad = world.as_ann.post("/gateways/status", {**body, "gateway_token": "x" * 20}).json
    assert (bad["connected"], bad["code"], bad["sessions"]) == (False, "unauthorized", None)
    assert bad["hint"]
    world.as_ann.get("/gateways/status").expect(422)
    world.as_bob.post("/gateways/status", body).expect(403)
    audited = ActivityEvent.objects.filter(type="gateway.checked").order_by("seq")
    assert [e.data["status"] for e in audited] == ["online", "unauthorized"]


def test_sessions_are_read_and_written(world: World, simulator: SimulatedGatewayThread) -> None:
    Gateway.objects.filter(pk=world.gateway.pk).update(
        url=simulator.url, token_sealed=make_real(world.org, simulator.url).token_sealed
    )
    board = f"board_id={world.board.pk}"
    key = "agent:main:main"
    sent = world.as_ann.post(
        f"/gateways/sessions/{key}/message?{board}", {"content": "Hello there"}
    ).expect(200)
    assert sent.json["ok"] is True
    listed = world.as_ann.get(f"/gateways/sessions?{board}").expect(200).json
    assert key in [row["key"] for row in listed["sessions"]]
    assert world.as_ann.get(f"/gateways/sessions/{key}?{board}").json["session"]["key"] == key
    history = world.as_ann.get(f"/gateways/sessions/{key}/history?{board}").json["history"]
    assert "Hello there" in orjson.dumps(history).decode()
    missing = world.as_ann.get(f"/gateways/sessions/agent:main:none?{board}").expect(404)
    assert missing.json["detail"] == "Session not found"
    world.as_ann.post(f"/gateways/sessions/{key}/message?{board}", {"content": " "}).expect(422)
    event = ActivityEvent.objects.get(type="gateway.message_sent")
    assert "Hello there" not in orjson.dumps(event.data).decode()


def test_a_gateway_that_is_away_is_a_bad_gateway(world: World) -> None:
    board = f"board_id={world.board.pk}"
    answer = world.as_ann.get(f"/gateways/sessions?{board}").expect(502)
    assert answer.code == "unreachable"
    world.as_ann.get(f"/gateways/{world.gateway.pk}/logs").expect(502)
    world.as_ann.get("/gateways/sessions").expect(422)


def test_the_command_policy_changes_on_request_only(
    world: World, simulator: SimulatedGatewayThread
) -> None:
    simulator.gateway.world.config.setdefault("tools", {})["exec"] = {"mode": "full"}
    gateway = make_real(world.org, simulator.url)
    path = f"/gateways/{gateway.pk}/exec-policy"
    world.as_ann.post(f"/gateways/{gateway.pk}/check").expect(200)
    assert world.as_ann.get(path).json["is_gated"] is False
    assert not simulator.gateway.calls_of("config.patch")
    found = world.as_ann.post(path, {"mode": "ask"}).expect(200).json
    assert (found["mode"], found["is_gated"]) == ("ask", True)
    allowed = world.as_ann.post(path, {"remote_agent_id": "wa", "path": "/usr/bin/curl"})
    assert allowed.expect(200).json["allowlists"] == {"wa": ["/usr/bin/curl"]}
    for bad in ({}, {"mode": "deny"}, {"path": "/bin/ls"}, {"remote_agent_id": "a", "path": "ls"}):
        world.as_ann.post(path, bad).expect(422)
    events = ActivityEvent.objects.filter(type="gateway.policy_changed").order_by("seq")
    assert [e.data["mode"] for e in events] == ["ask", "/usr/bin/curl (wa)"]


def test_the_log_goes_on_from_a_cursor(world: World, simulator: SimulatedGatewayThread) -> None:
    gateway = make_real(world.org, simulator.url)
    first = world.as_ann.get(f"/gateways/{gateway.pk}/logs?limit=5").expect(200).json
    again = world.as_ann.get(f"/gateways/{gateway.pk}/logs?cursor={first['cursor']}").json
    assert again["cursor"] >= first["cursor"]
    world.as_ann.get(f"/gateways/{gateway.pk}/logs?limit=0").expect(422)


def test_the_published_commands(world: World) -> None:
    found = world.as_ann.get("/gateways/commands").expect(200).json
    assert found["protocol_version"] == 4
    assert {"chat.send", "exec.approval.resolve"} <= set(found["methods"])
    assert "exec.approval.requested" in found["events"]
