"""Server CPU per request: user and system time of the web process around a run of equal calls."""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .seed import World
from .stack import TOKEN, Stack

ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """One line of the table; times in milliseconds. ``target_ms`` is CPU, or latency if so said."""

    what: str
    cpu_ms: float
    wall_ms: float
    target_ms: float
    is_latency: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the target is missed."""
        return (self.wall_ms if self.is_latency else self.cpu_ms) > self.target_ms


#: What has to work at a size where the target names no time.
WORKS = float("inf")
Call = tuple[str, str, bytes | None, dict[str, str]]


def _measure(stack: Stack, what: str, target: float, calls: Callable[[], Call], count: int) -> Row:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)

    def once() -> None:
        method, path, body, headers = calls()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{what}: {answer.status} {content[:300]!r}")

    for _ in range(20):
        once()
    cpu, wall = [], []
    for _ in range(ROUNDS):
        before, at = stack.web.cpu_times(), time.perf_counter()
        for _ in range(count):
            once()
        after = stack.web.cpu_times()
        wall.append((time.perf_counter() - at) / count * 1000)
        used = after.user + after.system - before.user - before.system
        cpu.append(used / count * 1000)
    connection.close()
    return Row(what, statistics.median(cpu), statistics.median(wall), target)


def run(stack: Stack, world: World) -> Iterator[Row]:
    """Every row of the design's first table that exists."""
    board, tasks = f"/api/v1/boards/{world.board_id}", world.task_ids
    user = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    agent = {"X-Agent-Token": world.worker_token, "Content-Type": "application/json"}
    numbers = itertools.count(1)

    def get(path: str, headers: dict[str, str] = user) -> Callable[[], Call]:
        return lambda: ("GET", path, None, headers)

    def move() -> Call:
        n = next(numbers)
        task = tasks[n % len(tasks)]
        status = "in_progress" if (n // len(tasks)) % 2 == 0 else "todo"
        body = json.dumps({"status": status}).encode()
        return "PATCH", f"{board}/tasks/{task}", body, user

    def create() -> Call:
        body = json.dumps({"title": f"Made by the bench {next(numbers)}"}).encode()
        return "POST", f"{board}/tasks", body, user

    def comment() -> Call:
        return "POST", f"{board}/tasks/{tasks[0]}/comments", b'{"message": "Seen."}', user

    plan: list[tuple[str, float, Callable[[], Call], int]] = [
        ("list of 200 tasks", 6.5, get(f"{board}/tasks?limit=200"), 150),
        ("board snapshot of 500 tasks", 18.0, get(f"{board}/snapshot"), 60),
        ("board detail", 1.0, get(f"{board}?include=none"), 600),
        ("activity page of 200", 6.0, get("/api/v1/activity?limit=200"), 150),
        ("approvals page of 200", 5.5, get("/api/v1/approvals?limit=200"), 150),
        ("dashboard figures, 7 days", 100.0, get("/api/v1/metrics/dashboard?range_key=7d"), 20),
        ("dashboard figures, 1 year", 100.0, get("/api/v1/metrics/dashboard?range_key=1y"), 20),
        ("task comments (20)", 2.1, get(f"{board}/tasks/{tasks[0]}/comments?limit=20"), 400),
        ("move a task", 3.5, move, 300),
        ("post a comment", 2.4, comment, 300),
        ("create a task", 4.0, create, 300),
        ("agent call", 3.0, get("/api/v1/agent/healthz", agent), 500),
    ]
    for what, target, calls, count in plan:
        yield _measure(stack, what, target, calls, count)


def run_large(stack: Stack, world: World) -> Iterator[Row]:
    """The design's table of latencies at 100 000 tasks and 1 000 000 events."""
    board = f"/api/v1/boards/{world.board_id}"
    user = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    signed_in = {"Cookie": stack.sign_in()}
    plan: list[tuple[str, float, str, dict[str, str], int]] = [
        ("activity of 200", 60.0, "/api/v1/activity?limit=200", user, 50),
        ("activity, half way down", 60.0, "/api/v1/activity?limit=200&offset=500000", user, 50),
        ("activity, the oldest", 60.0, "/api/v1/activity?limit=200&offset=999700", user, 50),
        ("activity of one board", 60.0, f"/api/v1/activity?board_id={world.board_id}", user, 50),
        ("activity, the page", 60.0, "/activity", signed_in, 30),
        ("the page, half way down", 60.0, "/activity?before=500000", signed_in, 30),
        ("dashboard figures, 7 days", 100.0, "/api/v1/metrics/dashboard?range_key=7d", user, 20),
        ("dashboard figures, 1 year", 100.0, "/api/v1/metrics/dashboard?range_key=1y", user, 20),
        ("dashboard, the page", 100.0, "/dashboard", signed_in, 20),
        ("board snapshot of 500 tasks", WORKS, f"{board}/snapshot", user, 30),
        ("list of 200 tasks", WORKS, f"{board}/tasks?limit=200", user, 50),
        ("approvals page of 200", WORKS, "/api/v1/approvals?limit=200", user, 50),
    ]
    for what, target, path, headers, count in plan:
        call: Call = ("GET", path, None, headers)
        row = _measure(stack, what, target, lambda call=call: call, count)  # type: ignore[misc]
        yield replace(row, is_latency=True)
