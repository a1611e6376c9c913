"""The database or Valkey stops under the running product, and comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.ops.running import Running, data_folder, started

STRANGER_SECONDS = 10
PROBE_SECONDS = 3.0
RECOVERY_SECONDS = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The whole product, as one command starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with data_folder() as folder, started(folder, "--port", str(port)) as product:
        product.until_ready()
        yield product


@pytest.fixture
def http(running: Running) -> Iterator[httpx.Client]:
    """The owner's client."""
    token = (running.data / "secrets" / "local_auth_token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=running.address, headers=headers, timeout=20, trust_env=False
    ) as client:
        yield client


def probe(http: httpx.Client, path: str) -> int:
    """Status of a probe, which may not keep its caller waiting."""
    at = time.monotonic()
    status = http.get(path).status_code
    assert time.monotonic() - at < PROBE_SECONDS, path
    return status


def expect_away(answer: httpx.Response) -> None:
    """A problem document that says that the database is away, by a request id."""
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["code"] == "database_unavailable"
    assert body["request_id"] == answer.headers["X-Request-Id"]


def until_back(http: httpx.Client) -> None:
    """Wait until everything answers, without a restart by anybody."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert http.get("/api/v1/boards").status_code == 200


def new_board(http: httpx.Client, name: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"name": name}
    return http.post("/api/v1/boards", json=body, headers=headers)


def test_the_printed_link_signs_in_once_and_is_not_used_up_by_a_look(running: Running) -> None:
    link = next(line.split()[2] for line in running.output.splitlines() if "Sign in" in line)
    with httpx.Client(timeout=STRANGER_SECONDS, trust_env=False) as browser:
        assert browser.head(link).status_code == 405
        assert browser.get(link).headers["Location"] == "/dashboard"
        assert browser.get(f"{running.address}/dashboard").status_code == 200
    with httpx.Client(timeout=STRANGER_SECONDS, trust_env=False) as another:
        assert another.get(link).status_code == 401
        assert another.get(f"{running.address}/dashboard").status_code == 302


@pytest.mark.scenario("CORE-85")
def test_the_database_is_killed_and_comes_back(running: Running, http: httpx.Client) -> None:
    assert new_board(http, "Before").status_code == 200
    supervisor = running.family()[0]
    supervisor.suspend()  # so that it cannot start the database again at once
    try:
        running.named("postgres").kill()
        time.sleep(0.3)
        assert probe(http, "/health") == 200
        assert probe(http, "/healthz") == 503
        assert probe(http, "/readyz") == 503
        expect_away(http.get("/api/v1/boards"))
        expect_away(new_board(http, "Lost", **{"Idempotency-Key": "lost-1"}))
        page = http.get("/sign-in/link/nothing")
        assert page.status_code == 503
        assert "text/html" in page.headers["Content-Type"]
        assert page.headers["X-Request-Id"][:8] in page.text
    finally:
        supervisor.resume()
    until_back(http)
    assert new_board(http, "Lost", **{"Idempotency-Key": "lost-1"}).status_code == 200
    assert {row["name"] for row in http.get("/api/v1/boards").json()["items"]} == {
        "Before",
        "Lost",
    }


@pytest.mark.scenario("CORE-85")
def test_the_database_hangs_and_goes_on(running: Running, http: httpx.Client) -> None:
    database = running.named("postgres")
    hung = [database, *database.children()]
    for process in hung:
        process.suspend()
    try:
        assert probe(http, "/health") == 200
        assert probe(http, "/healthz") == 503
        assert probe(http, "/readyz") == 503
        expect_away(http.get("/api/v1/boards"))
    finally:
        for process in hung:
            process.resume()
    until_back(http)


def test_valkey_hangs_and_reads_and_writes_go_on(running: Running, http: httpx.Client) -> None:
    valkey = running.named("valkey-server")
    valkey.suspend()
    try:
        assert probe(http, "/health") == 200
        assert probe(http, "/healthz") == 200
        assert probe(http, "/readyz") == 503
        assert http.get("/api/v1/boards").status_code == 200
        at = time.monotonic()
        board = new_board(http, "Without Valkey").json()
        for number in range(5):
            body = {"board_id": board["id"], "title": f"Task {number}"}
            assert http.post("/api/v1/tasks", json=body).status_code == 200
        assert time.monotonic() - at < 5, "every write waited for Valkey"
    finally:
        valkey.resume()
    until_back(http)
    activity = http.get("/api/v1/activity", params={"limit": 20}).json()["items"]
    assert sum(row["event_type"] == "task.created" for row in activity) == 5
