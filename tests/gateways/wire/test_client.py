"""The client against a gateway that misbehaves."""

import asyncio
import json
from dataclasses import replace

import pytest
from websockets.asyncio.server import serve

from gateways.simulator.faults import Faults, Refused
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.thread import SimulatedGatewayThread
from gateways.wire import provisioning
from gateways.wire.client import (
    OVERRUN_CLOSE_CODE,
    REVIEWER_CAPS,
    SILENT_CLOSE_CODE,
    GatewayClient,
)
from gateways.wire.errors import (
    AddressRefused,
    CallTimeout,
    Cause,
    GatewayCallError,
    GatewayClosed,
    GatewayConnectError,
    GatewayError,
    HandshakeRefused,
    MissingScopes,
    RemoteNotFoundError,
)
from gateways.wire.target import Target
from tests.rig.subject import Seen

TOKEN = "client-test-token"


def target_of(gateway: SimulatedGateway, **changes) -> Target:
    return replace(Target(gateway.url, token=TOKEN), **changes)


async def test_late_answers_reach_their_calls():
    faults = Faults(method_delay_seconds={"agents.list": 0.2})
    async with (
        SimulatedGateway(token=TOKEN, faults=faults) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        late = asyncio.create_task(client.call("agents.list"))
        await asyncio.sleep(0.02)
        assert (await client.call("health"))["ok"] is True
        assert not late.done()
        assert (await late)["defaultId"] == "main"


async def test_a_silent_method_times_out_and_the_connection_lives():
    faults = Faults(silent_methods={"status"})
    async with (
        SimulatedGateway(token=TOKEN, faults=faults) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        with pytest.raises(CallTimeout) as late:
            await client.call("status", timeout=0.1)
        assert late.value.cause is Cause.TIMEOUT
        assert (await client.call("health"))["ok"] is True


async def test_a_refusal_carries_its_codes():
    refused = Refused("busy", details={"reason": "queue"}, retry_after_ms=700)
    async with (
        SimulatedGateway(token=TOKEN, faults=Faults(refuse={"health": refused})) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        with pytest.raises(GatewayCallError) as error:
            await client.call("health")
    assert (error.value.code, error.value.reason) == ("UNAVAILABLE", "queue")
    assert (error.value.retryable, error.value.retry_after_ms) == (True, 700)


async def test_silence_closes_the_connection():
    async with (
        SimulatedGateway(token=TOKEN, tick_interval_ms=100) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        await asyncio.sleep(0.45)
        assert client.is_open  # ticks are signs of life
        gateway.faults.is_half_open = True
        closed = await asyncio.wait_for(asyncio.shield(client.closed), 2)
        assert (closed.code, closed.by_us) == (SILENT_CLOSE_CODE, True)
        with pytest.raises(GatewayClosed):
            await client.call("health")


async def test_pending_calls_fail_when_the_connection_breaks():
    faults = Faults(silent_methods={"status"})
    async with (
        SimulatedGateway(token=TOKEN, faults=faults) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        waiting = asyncio.create_task(client.call("status"))
        await asyncio.sleep(0.05)
        gateway.drop_connections()
        with pytest.raises(GatewayClosed) as error:
            await waiting
    assert (error.value.close_code, error.value.cause) == (1006, Cause.UNREACHABLE)


async def test_a_restart_is_announced_with_its_code():
    async with SimulatedGateway(token=TOKEN) as gateway:
        seen = Seen()
        async with GatewayClient.connect(target_of(gateway), on_event=seen) as client:
            await gateway.restart(down_seconds=0.01, starting_seconds=0.01)
            closed = await client.closed
        assert (closed.code, closed.error.cause) == (1012, Cause.RESTARTING)
        assert seen.events[-1].name == "shutdown"
        async with GatewayClient.connect(target_of(gateway)) as again:
            assert again.boot_id != client.boot_id


async def test_event_handlers_may_call_back_and_fail_alone():
    async with SimulatedGateway(token=TOKEN) as gateway:
        names: list[str] = []

        async def on_event(event):
            names.append(event.name)
            await client.call("health")
            raise RuntimeError("a bug of the handler")

        async with GatewayClient.connect(target_of(gateway), on_event=on_event) as client:
            gateway.broadcast("presence", {})
            gateway.broadcast("presence", {})
            async with asyncio.timeout(2):
                while len(names) < 2:
                    await asyncio.sleep(0.01)
            assert client.is_open


async def test_a_handler_that_cannot_keep_up_loses_the_connection(monkeypatch):
    monkeypatch.setattr("gateways.wire.client._EVENT_QUEUE_LIMIT", 3)
    async with SimulatedGateway(token=TOKEN) as gateway:

        async def stuck(event):
            await asyncio.Event().wait()

        async with GatewayClient.connect(target_of(gateway), on_event=stuck) as client:
            for _ in range(10):
                gateway.broadcast("presence", {})
            closed = await asyncio.wait_for(asyncio.shield(client.closed), 2)
    assert (closed.code, closed.by_us) == (OVERRUN_CLOSE_CODE, True)


async def test_duplicate_events_are_passed_on_with_their_numbers():
    async with SimulatedGateway(token=TOKEN, faults=Faults(has_duplicate_events=True)) as gateway:
        seen = Seen()
        async with GatewayClient.connect(target_of(gateway), on_event=seen) as client:
            gateway.broadcast("presence", {"n": 1})
            await client.call("health")
            await asyncio.sleep(0.02)
    assert [e.payload for e in seen.events] == [{"n": 1}, {"n": 1}]


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        (Faults(is_starting=True), Cause.STARTING),
        (Faults(is_rate_limited=True), Cause.RATE_LIMITED),
        (Faults(must_pair=True, withheld_scopes=set()), Cause.SCOPE),
        (Faults(withheld_scopes={"operator.admin"}), Cause.SCOPE),
        (Faults(silent_methods={"connect"}), Cause.TIMEOUT),
    ],
)
async def test_handshake_failures_have_a_cause(faults, cause):
    async with SimulatedGateway(token=TOKEN, faults=faults) as gateway:
        with pytest.raises(GatewayConnectError) as error:
            await GatewayClient.connect(target_of(gateway), connect_timeout=0.5)
    assert error.value.cause is cause


async def test_missing_scopes_may_be_tolerated():
    faults = Faults(withheld_scopes={"operator.admin", "operator.pairing"})
    async with SimulatedGateway(token=TOKEN, faults=faults) as gateway:
        with pytest.raises(MissingScopes) as error:
            await GatewayClient.connect(target_of(gateway))
        assert set(error.value.missing) == {"operator.admin", "operator.pairing"}
        async with GatewayClient.connect(target_of(gateway), require_scopes=()) as client:
            assert (await client.call("health"))["ok"] is True


async def test_the_address_guard_pins_and_refuses():
    async with SimulatedGateway(token=TOKEN) as gateway:
        asked: list[tuple[str, int]] = []

        async def pin(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return ["127.0.0.1"]

        url = f"ws://gateway.example:{gateway.port}"
        async with GatewayClient.connect(Target(url, token=TOKEN, resolve=pin)) as client:
            assert client.is_open
        assert asked == [("gateway.example", gateway.port)]

        async def refuse(host: str, port: int) -> list[str]:
            raise AddressRefused(f"{host} is not allowed")

        with pytest.raises(AddressRefused) as error:
            await GatewayClient.connect(Target(url, token=TOKEN, resolve=refuse))
        assert error.value.cause is Cause.ADDRESS_GUARD
        assert len(gateway.connections) <= 1


async def test_no_redirect_is_followed():
    async with SimulatedGateway(token=TOKEN) as gateway:

        def redirect(connection, request):
            response = connection.respond(302, "")
            response.headers["Location"] = gateway.url
            return response

        async with serve(lambda _: None, "127.0.0.1", 0, process_request=redirect) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(GatewayConnectError) as error:
                await GatewayClient.connect(Target(f"ws://127.0.0.1:{port}", token=TOKEN))
        assert error.value.cause is Cause.WRONG_PORT
        assert not gateway.connections


async def test_untrusted_proxies_are_named():
    async with SimulatedGateway(token=TOKEN, trusts_proxy=False) as gateway:
        target = target_of(gateway, headers={"X-Forwarded-For": "203.0.113.9"})
        with pytest.raises(GatewayConnectError) as error:
            await GatewayClient.connect(target)
    assert error.value.cause is Cause.PROXY_ATTRIBUTION


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        ('{"type":"event","event":"hello"}', Cause.WRONG_PORT),
        ("not json", Cause.PROTOCOL),
    ],
)
async def test_other_websocket_services_are_recognised(first, cause):
    async def other(connection):
        await connection.send(first)
        await connection.wait_closed()

    async with serve(other, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GatewayError) as error:
            await GatewayClient.connect(Target(f"ws://127.0.0.1:{port}"), connect_timeout=2)
    assert error.value.cause is cause


async def test_a_talkative_peer_before_hello_is_tolerated():
    async def odd(connection):
        await connection.send('{"type":"event","event":"connect.challenge","payload":{}}')
        request = json.loads(await connection.recv())
        await connection.send('{"type":"event","event":"presence"}')
        await connection.send('{"type":"res","id":"another","ok":true}')
        hello = {"type": "hello-ok", "auth": {"scopes": ["operator.admin"]}}
        answer = {"type": "res", "id": request["id"], "ok": True, "payload": hello}
        await connection.send(json.dumps(answer))
        await connection.wait_closed()

    async with serve(odd, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with GatewayClient.connect(Target(f"ws://127.0.0.1:{port}")) as client:
            assert client.hello.version == ""


async def test_the_token_never_stands_in_the_address():
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        GatewayClient.connect(target_of(gateway), caps=REVIEWER_CAPS),
    ):
        requests = [c.websocket.request for c in gateway.connections]
    assert requests
    assert all(TOKEN not in r.path and TOKEN not in str(r.headers) for r in requests)


async def test_provisioning_waits_for_visibility():
    async with SimulatedGateway(token=TOKEN, faults=Faults(visibility_lag_seconds=0.3)) as gateway:
        async with GatewayClient.connect(target_of(gateway)) as client:
            made = await provisioning.ensure_agent(client, agent_id="mc-a", workspace="/srv/mc-a")
            assert (made.is_new, made.workspace) == (True, "/srv/mc-a")
            gateway.faults.visibility_lag_seconds = 60
            with pytest.raises(RemoteNotFoundError):
                await provisioning.ensure_agent(client, agent_id="mc-b", visible_within_seconds=0.3)
        assert len(gateway.calls_of("agents.create")) == 2


async def test_config_is_patched_with_the_present_hash_and_only_once():
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        await provisioning.ensure_agent(client, agent_id="mc-a")
        beat = {"mc-a": provisioning.Heartbeat(every="10m", prompt="p")}
        first, second = await asyncio.gather(
            provisioning.patch_config(client, heartbeats=beat),
            provisioning.patch_config(client, exec_mode="full"),
        )
        assert first.is_changed
        assert second.is_changed
        assert gateway.world.exec_mode() == "full"
        assert gateway.world.heartbeat_of("mc-a")["every"] == "10m"


async def test_options_that_a_gateway_lacks_are_skipped():
    rejected = {"channels.defaults.heartbeatVisibility"}
    faults = Faults(rejected_config_keys=rejected)
    async with (
        SimulatedGateway(token=TOKEN, faults=faults) as gateway,
        GatewayClient.connect(target_of(gateway)) as client,
    ):
        await provisioning.ensure_agent(client, agent_id="mc-a")
        beat = {"mc-a": provisioning.Heartbeat(every="10m", prompt="p")}
        report = await provisioning.patch_config(client, heartbeats=beat)
    assert report.is_changed
    assert report.skipped_keys == ("channels.defaults.heartbeatVisibility",)


async def test_a_changed_secret_without_device_token_is_refused():
    async with SimulatedGateway(token=TOKEN) as gateway:
        with pytest.raises(HandshakeRefused):
            await GatewayClient.connect(target_of(gateway, token="old"))


def test_the_simulator_runs_in_a_thread():
    with SimulatedGatewayThread(token=TOKEN) as simulator:

        async def version() -> str:
            async with GatewayClient.connect(Target(simulator.url, token=TOKEN)) as client:
                return client.hello.version

        assert asyncio.run(version()) == "2026.9.6"
        simulator.gateway.faults.version = "2025.1.1"
        assert asyncio.run(version()) == "2025.1.1"
        simulator.restart()
        assert asyncio.run(version()) == "2025.1.1"
