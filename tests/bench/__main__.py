"""``make bench``: the table of the design's figures for what exists.

``ARGS="--large"`` measures at 100 000 tasks and 1 000 000 events, ``--agents 1000`` the agent call
with that many agents, ``--only requests|fanout`` one part.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from . import fanout, requests, seed
from .stack import Stack


def main() -> None:
    """Start an installation, fill it, measure, print."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--only", choices=["requests", "fanout"])
    options = parser.parse_args()
    tasks, events = (100_000, 1_000_000) if options.large else (500, 10_000)
    with Stack() as stack:
        stack.use_database()
        world = seed.fill(tasks=tasks, events=events, agents=options.agents)
        print(f"{tasks} tasks, {events} events, {options.agents} agents")
        print(f"ready after {stack.ready_seconds:.1f} s")
        print(f"memory of all processes: {stack.memory_mb():.0f} MB")
        if options.only != "fanout":
            rows = requests.run_large if options.large else requests.run
            _print_requests(rows(stack, world), "latency" if options.large else "server CPU")
        if options.only != "requests":
            _print_fanout([fanout.run(stack, world, n) for n in (200, 1000)])


def _print_requests(rows: Iterable[requests.Row], target: str) -> None:
    print(f"\n{'target: ' + target:32}{'CPU ms':>8}{'wall ms':>9}{'target':>8}")
    for row in rows:
        mark = "  over" if row.is_over else ""
        print(
            f"{row.what:32}{row.cpu_ms:8.2f}{row.wall_ms:9.2f}{row.target_ms:8.1f}{mark}",
            flush=True,
        )


def _print_fanout(rows: list[dict[str, float]]) -> None:
    heads = ("frames", "lost", "gaps", "p50 ms", "p99 ms", "µs/frame")
    print("\n   board fan-out" + "".join(f"{head:>10}" for head in heads))
    for r in rows:
        print(
            f"{r['sockets']:>13.0f} ws{r['frames']:>10.0f}{r['expected'] - r['frames']:>10.0f}"
            f"{r['gaps']:>10.0f}{r['p50_ms']:>10.1f}{r['p99_ms']:>10.1f}"
            f"{r['cpu_us_per_frame']:>10.1f}"
        )


if __name__ == "__main__":
    main()
