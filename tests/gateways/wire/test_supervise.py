"""The permanent connection: states, reconnects, stops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateways.simulator.faults import Faults
from gateways.simulator.server import SimulatedGateway
from gateways.wire.backoff import Backoff
from gateways.wire.client import GatewayClient
from gateways.wire.errors import Cause, GatewayError
from gateways.wire.frames import Event
from gateways.wire.identity import DeviceIdentity
from gateways.wire.supervise import LinkState, Report, hold
from gateways.wire.target import Target

TOKEN = "supervise-token"


@dataclass
class Watcher:
    """Records what ``hold`` tells its owner."""

    reports: list[Report] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    boots: list[str] = field(default_factory=list)
    ready_error: GatewayError | None = None

    async def on_ready(self, client: GatewayClient) -> None:
        self.boots.append(client.boot_id)
        if self.ready_error is not None:
            error, self.ready_error = self.ready_error, None
            raise error

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    async def on_state(self, report: Report) -> None:
        self.reports.append(report)

    @property
    def states(self) -> list[LinkState]:
        return [r.state for r in self.reports]

    async def until(self, matches: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not matches():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def held(
    target: Target | Callable[[], Target], **options
) -> AsyncIterator[tuple[Watcher, asyncio.Event]]:
    watcher, stop = Watcher(), asyncio.Event()
    watcher.ready_error = options.pop("ready_error", None)
    task = asyncio.create_task(
        hold(
            target if callable(target) else lambda: target,
            on_ready=watcher.on_ready,
            on_event=watcher.on_event,
            on_state=watcher.on_state,
            stop=stop,
            backoff=Backoff(first_seconds=0.05, most_seconds=0.1),
            **options,
        )
    )
    try:
        yield watcher, stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_it_connects_as_a_reviewer_and_stops_on_demand():
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        held(Target(gateway.url, token=TOKEN)) as (watcher, stop),
    ):
        await watcher.until(lambda: LinkState.ONLINE in watcher.states)
        assert gateway.has_reviewer()
        stop.set()
        await watcher.until(lambda: not gateway.connections)
    assert watcher.states == [LinkState.CONNECTING, LinkState.ONLINE, LinkState.STOPPED]
    assert watcher.reports[1].version == "2026.9.6"


async def test_it_comes_back_after_a_restart():
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        held(Target(gateway.url, token=TOKEN)) as (watcher, _),
    ):
        await watcher.until(lambda: len(watcher.boots) == 1)
        restart = asyncio.create_task(gateway.restart(down_seconds=0.2, starting_seconds=600))
        await watcher.until(lambda: LinkState.STARTING in watcher.states)
        gateway.is_starting = False
        await watcher.until(lambda: watcher.states.count(LinkState.ONLINE) == 2)
        restart.cancel()
        assert watcher.boots[0] != watcher.boots[1]
    assert LinkState.RESTARTING in watcher.states
    assert LinkState.UNREACHABLE not in watcher.states


async def test_it_reconnects_after_a_lost_and_after_a_half_open_connection():
    async with (
        SimulatedGateway(token=TOKEN, tick_interval_ms=100) as gateway,
        held(Target(gateway.url, token=TOKEN)) as (watcher, _),
    ):
        await watcher.until(lambda: watcher.states.count(LinkState.ONLINE) == 1)
        gateway.drop_connections()
        await watcher.until(lambda: watcher.states.count(LinkState.ONLINE) == 2)
        gateway.faults.is_half_open = True
        await watcher.until(lambda: LinkState.UNREACHABLE in watcher.states[-2:])
        gateway.faults.is_half_open = False
        await watcher.until(lambda: watcher.states.count(LinkState.ONLINE) == 3)


async def test_it_waits_for_the_operator_to_pair_and_hands_over_the_device_token():
    identity = DeviceIdentity.create()
    async with SimulatedGateway(token=TOKEN, is_remote=True) as gateway:
        target = Target(gateway.url, token=TOKEN, identity=identity)
        async with held(target, person_retry_seconds=0.1) as (watcher, _):
            await watcher.until(lambda: LinkState.PAIRING_REQUIRED in watcher.states)
            report = watcher.reports[-1]
            assert report.error is not None
            request_id = report.error.request_id
            gateway.is_remote = False
            async with GatewayClient.connect(Target(gateway.url, token=TOKEN)) as operator:
                await operator.call("device.pair.approve", {"requestId": request_id})
            gateway.is_remote = True
            await watcher.until(lambda: any(r.device_token for r in watcher.reports))


async def test_it_does_not_hammer_with_a_wrong_token():
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        held(Target(gateway.url, token="wrong"), person_retry_seconds=None) as (w, _),
    ):
        await w.until(lambda: LinkState.UNAUTHORIZED in w.states)
        await asyncio.sleep(0.2)
    assert w.states == [LinkState.CONNECTING, LinkState.UNAUTHORIZED]


async def test_a_corrected_token_is_taken_up():
    tokens = iter(["wrong", TOKEN])
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        held(lambda: Target(gateway.url, token=next(tokens)), person_retry_seconds=0.05) as (
            watcher,
            _,
        ),
    ):
        await watcher.until(lambda: LinkState.ONLINE in watcher.states)


async def test_it_refuses_an_old_gateway():
    async with (
        SimulatedGateway(token=TOKEN, faults=Faults(version="2026.1.1")) as gateway,
        held(Target(gateway.url, token=TOKEN)) as (watcher, _),
    ):
        await watcher.until(lambda: LinkState.INCOMPATIBLE in watcher.states)
        assert not watcher.boots


async def test_a_failed_catch_up_is_repeated():
    error = GatewayError("the catch-up failed", cause=Cause.TIMEOUT)
    async with (
        SimulatedGateway(token=TOKEN) as gateway,
        held(Target(gateway.url, token=TOKEN), ready_error=error) as (watcher, _),
    ):
        await watcher.until(lambda: LinkState.ONLINE in watcher.states)
        assert len(watcher.boots) == 2


async def test_events_wait_for_the_catch_up():
    order: list[str] = []
    async with SimulatedGateway(token=TOKEN) as gateway:
        stop = asyncio.Event()

        async def on_ready(client: GatewayClient) -> None:
            gateway.broadcast("presence", {})
            await client.call("health")
            await asyncio.sleep(0.05)
            order.append("ready")

        def on_event(event: Event) -> None:
            order.append(event.name)
            stop.set()

        await asyncio.wait_for(
            hold(
                lambda: Target(gateway.url, token=TOKEN),
                on_ready=on_ready,
                on_event=on_event,
                on_state=lambda _: None,
                stop=stop,
            ),
            5,
        )
    assert order == ["ready", "presence"]
