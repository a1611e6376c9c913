"""The doctor's findings and next steps."""

import asyncio
from dataclasses import replace

import pytest

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from gateways.wire.diagnose import Options, State, diagnose
from gateways.wire.errors import AddressRefused, Cause
from gateways.wire.identity import DeviceIdentity
from gateways.wire.target import Target

TOKEN = "doctor-secret-token"


async def examine(gateway: SimulatedGateway, options: Options | None = None, **changes):
    target = Target(gateway.url, token=TOKEN, identity=DeviceIdentity.create())
    return await diagnose(replace(target, **changes), options)


def by_key(diagnosis):
    return {check.key: check for check in diagnosis.checks}


async def test_a_good_gateway_passes_in_order():
    async with SimulatedGateway(token=TOKEN) as gateway:
        diagnosis = await examine(gateway)
    assert diagnosis.is_usable
    assert [c.key for c in diagnosis.checks] == [
        "address",
        "tcp",
        "http",
        "tls",
        "handshake",
        "pairing",
        "scopes",
        "version",
        "methods",
        "exec_policy",
    ]
    assert by_key(diagnosis)["tcp"].figure_ms is not None


@pytest.mark.parametrize(
    ("faults", "changes", "cause", "key", "step"),
    [
        (Faults(), {"token": "wrong"}, Cause.TOKEN, "handshake", "gateway.auth.token"),
        (Faults(is_rate_limited=True), {}, Cause.RATE_LIMITED, "handshake", "wait 5 min"),
        (Faults(must_pair=True), {}, Cause.PAIRING, "pairing", "openclaw devices approve"),
        (Faults(must_pair=True), {"identity": None}, Cause.SCOPE, "scopes", "device pairing"),
        (
            Faults(withheld_scopes={"operator.admin"}),
            {},
            Cause.SCOPE,
            "scopes",
            "openclaw devices remove",
        ),
        (Faults(version="2026.1.1"), {}, Cause.VERSION, "version", "openclaw update"),
        (Faults(is_starting=True), {}, Cause.STARTING, "handshake", "starting"),
        (Faults(health_status=404), {}, Cause.WRONG_PORT, "http", "18789"),
        (
            Faults(),
            {"headers": {"X-Forwarded-For": "1.2.3.4"}},
            Cause.PROXY_ATTRIBUTION,
            "handshake",
            "trustedProxies",
        ),
    ],
)
async def test_each_cause_has_its_step(faults, changes, cause, key, step):
    async with SimulatedGateway(token=TOKEN, faults=faults) as gateway:
        diagnosis = await examine(gateway, **changes)
    assert diagnosis.cause is cause
    check = by_key(diagnosis)[key]
    assert check.state is State.FAIL
    assert step in check.next_step


async def test_an_unknown_version_is_taken_from_the_configuration():
    async with SimulatedGateway(token=TOKEN, faults=Faults(version="")) as gateway:
        assert (await examine(gateway)).version == "2026.9.6"
        gateway.world.config["meta"] = {}
        assert (await examine(gateway)).cause is Cause.VERSION


@pytest.mark.parametrize(
    ("mode", "state"), [("full", State.WARN), ("deny", State.WARN), ("ask", State.OK)]
)
async def test_the_exec_policy_is_shown_and_never_changed(mode, state):
    async with SimulatedGateway(token=TOKEN, exec_mode=mode) as gateway:
        diagnosis = await examine(gateway)
        assert not gateway.calls_of("config.patch")
    assert diagnosis.is_usable
    assert diagnosis.exec_mode == mode
    assert by_key(diagnosis)["exec_policy"].state is state


async def test_missing_methods_are_named():
    async with SimulatedGateway(token=TOKEN, faults=Faults(hidden_methods={"wake"})) as gateway:
        check = by_key(await examine(gateway))["methods"]
    assert check.state is State.WARN
    assert "wake" in check.finding


async def test_the_guard_is_asked_first():
    async def refuse(host: str, port: int) -> list[str]:
        raise AddressRefused("This address may not be called")

    diagnosis = await diagnose(Target("ws://169.254.169.254", resolve=refuse))
    assert diagnosis.cause is Cause.ADDRESS_GUARD
    assert [c.state for c in diagnosis.checks[1:]] == [State.SKIPPED] * 9


@pytest.mark.parametrize(
    ("in_container", "step"),
    [(False, "openclaw gateway run --port 1"), (True, "host.docker.internal:1")],
)
async def test_an_unreachable_gateway(in_container, step):
    diagnosis = await diagnose(Target("ws://localhost:1"), Options(in_container=in_container))
    assert diagnosis.cause is Cause.UNREACHABLE
    assert step in by_key(diagnosis)["tcp"].next_step


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_other_services_are_told_from_gateways(greeting):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        diagnosis = await diagnose(Target(f"ws://127.0.0.1:{port}"))
    assert diagnosis.cause is Cause.WRONG_PORT
    assert "hello" not in str(diagnosis.checks)


async def test_no_finding_shows_a_secret():
    async with SimulatedGateway(token=TOKEN) as gateway:
        target = Target(f"ws://{TOKEN}.invalid:{gateway.port}", token=TOKEN)
        diagnosis = await diagnose(target)
    assert TOKEN not in str(diagnosis.checks)
