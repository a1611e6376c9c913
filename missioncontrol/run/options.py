"""The command line of ``python -m missioncontrol.run``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROLES = ("all", "web", "socket", "worker", "scheduler")


@dataclass(frozen=True)
class Options:
    """What the caller asked for; None where nothing was said."""

    port: int | None
    host: str
    data: Path | None
    demo: bool
    role: str
    stop_with_parent: bool


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; ends the process with a message when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m missioncontrol.run",
        description="Start Mission Control and everything it needs; Ctrl-C stops it.",
    )
    parser.add_argument(
        "--port", type=_port, help="port of the pages and the API (8000, else the next free one)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder for everything that is kept"
    )
    parser.add_argument(
        "--demo", action="store_true", help="demonstration data and a simulated gateway"
    )
    parser.add_argument(
        "--role",
        choices=ROLES,
        default="all",
        help="run one part only; needs DATABASE_URL and REDIS_URL",
    )
    parser.add_argument("--stop-with-parent", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args(arguments)
    return Options(
        port=found.port,
        host=found.host,
        data=found.data.expanduser().absolute() if found.data else None,
        demo=found.demo,
        role=found.role,
        stop_with_parent=found.stop_with_parent,
    )
