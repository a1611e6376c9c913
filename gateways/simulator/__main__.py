"""``python -m gateways.simulator --port 18789 --token SECRET --agents worker``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from gateways.simulator.brains import answer_directives
from gateways.simulator.faults import Faults
from gateways.simulator.runs import Brain
from gateways.simulator.server import SimulatedGateway
from gateways.simulator.worker import Worker


def main(argv: list[str] | None = None) -> int:
    """Run a simulated gateway until it is told to stop."""
    options = _parse(argv)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options))
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gateways.simulator", description="A simulated OpenClaw gateway."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=18789, help="0 takes a free one")
    parser.add_argument("--token", required=True, help="the shared secret of the gateway")
    parser.add_argument(
        "--agents",
        choices=("worker", "directives"),
        default="worker",
        help="worker: act on Mission Control's agent API; directives: do what messages say",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="pace of the agents")
    parser.add_argument("--exec-mode", choices=("ask", "full", "deny", "allowlist"), default="ask")
    parser.add_argument("--pairing", action="store_true", help="every device has to be paired")
    parser.add_argument("--version", dest="reported_version", help="version to report")
    parser.add_argument("--lag", type=float, default=0.3, help="seconds until an agent is visible")
    return parser.parse_args(argv)


async def _serve(options: argparse.Namespace) -> None:
    worker = Worker(speed=options.speed)
    brain: Brain = worker if options.agents == "worker" else answer_directives
    gateway = SimulatedGateway(
        token=options.token,
        host=options.host,
        port=options.port,
        brain=brain,
        exec_mode=options.exec_mode,
        is_remote=options.pairing,
        speed=options.speed,
        faults=Faults(version=options.reported_version, visibility_lag_seconds=options.lag),
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        async with gateway:
            sys.stdout.write(f"simulated gateway on {gateway.url}\n")
            sys.stdout.flush()
            await stopping.wait()
    finally:
        await worker.close()


if __name__ == "__main__":
    sys.exit(main())
