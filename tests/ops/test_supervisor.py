"""One command starts everything, heals it, and leaves nothing behind."""

import contextlib
import os
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from missioncontrol.run.supervisor import CRASHES_ALLOWED, count_crash
from tests.ops.running import (
    ROOT,
    Running,
    all_gone,
    clean_environment,
    data_folder,
    interpreter_for,
    lock_facts,
    started,
)

# The target is 5 s on a quiet machine (`make bench`); here it only must not have to install anew.
SECOND_START_SECONDS = 20.0


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data folder that has been started once."""
    with data_folder() as folder:
        with started(folder, "--port", str(_free_port())) as running:
            running.until_ready()
            assert running.get("/health") == 200
            assert running.stop() == 0, running.output
        yield folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _query(running: Running, statement: str) -> list[tuple[object, ...]]:
    url = running.services().owner_database_url
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _wait_for(condition: object, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if callable(condition) and condition():
                return
        except (psycopg.Error, RedisError, OSError, StopIteration, psutil.Error):
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_second_start_is_quick_and_ctrl_c_leaves_no_process(data: Path) -> None:
    with started(data) as running:
        assert running.until_ready() <= SECOND_START_SECONDS
        family = running.family()
        assert len(family) >= 7
        assert running.stop(signal.SIGINT) == 0
        assert all_gone(family, 1) == []
    assert "Stopping" in running.output


def test_daphne_serves_as_well(data: Path) -> None:
    with started(data, environment={"ASGI_SERVER": "daphne"}) as running:
        running.until_ready()
        assert running.get("/healthz") == 200
        with connect(running.address.replace("http", "ws", 1) + "/ws/updates") as line:
            line.send('{"type": "auth", "token": "wrong"}')
            with pytest.raises(ConnectionClosedError, match="4001"):
                line.recv(timeout=10)
        family = running.family()
        assert running.stop(signal.SIGINT) == 0
        assert all_gone(family, 5) == []


def test_secrets_are_private_and_never_in_output_or_logs(data: Path) -> None:
    token = (data / "secrets/local_auth_token").read_text()
    with started(data) as running:
        running.until_ready()
        running.stop()
    assert len(token) >= 50
    assert token not in running.output
    assert str(data / "secrets/local_auth_token") in running.output
    state = (data / "services.json").read_text()
    private = [*(data / "secrets").iterdir(), data / "services.json"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)
    secrets = [path.read_text() for path in (data / "secrets").iterdir()]
    logs = "".join(path.read_text() for path in (data / "log").glob("*.log*"))
    assert logs
    assert not [secret for secret in secrets if secret in logs]
    assert state not in logs


def test_killed_supervisor_takes_everything_with_it(data: Path) -> None:
    with started(data) as running:
        running.until_ready()
        family = running.family()
        running.process.kill()
        running.process.wait()
        assert all_gone(family) == []


def test_killed_database_keeps_every_committed_row(data: Path) -> None:
    with started(data) as running:
        running.until_ready()
        _query(running, "CREATE TABLE IF NOT EXISTS kept (id bigint PRIMARY KEY)")
        _query(running, "TRUNCATE kept")
        _query(running, "INSERT INTO kept SELECT generate_series(1, 5000)")
        family = running.family()
        running.process.send_signal(signal.SIGSTOP)  # it must neither heal nor stop in order
        database = running.named("postgres")
        for process in [*database.children(), database, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        running.process.wait()
        assert all_gone(family) == []
    with started(data) as again:
        again.until_ready()
        assert _query(again, "SELECT count(*), max(id) FROM kept") == [(5000, 5000)]
        assert "not properly shut down" in (data / "log/postgres.log").read_text()
        _query(again, "DROP TABLE kept")


def test_product_cannot_alter_its_record_even_when_it_says_it_may(data: Path) -> None:
    statements = ("DELETE FROM {}", "UPDATE {} SET at = now()", "TRUNCATE {}")
    with started(data) as running:
        running.until_ready()
        url = running.services().database_url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET missioncontrol.purge = on")
            for table in ("activity_auditentry", "activity_activityevent"):
                assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() is not None
                for statement in statements:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(statement.format(table))


@pytest.mark.parametrize("name", ["postgres", "valkey-server"])
def test_killed_service_comes_back_on_the_same_address(data: Path, name: str) -> None:
    with started(data) as running:
        running.until_ready()
        before, victim = running.services(), running.named(name)
        victim.kill()
        _wait_for(lambda: running.named(name).pid != victim.pid)
        _wait_for(lambda: _query(running, "SELECT 1") == [(1,)])
        _wait_for(lambda: bool(Redis.from_url(before.redis_url).ping()))
        assert running.services() == before
        _wait_for(lambda: running.get("/healthz") == 200)
        assert running.process.poll() is None


def test_killed_web_process_is_replaced(data: Path) -> None:
    with started(data) as running:
        running.until_ready()
        children = [p for p in psutil.Process(running.process.pid).children() if "py" in p.name()]
        for child in children:
            child.kill()
        _wait_for(lambda: running.get("/health") == 200)
        assert running.process.poll() is None


def test_second_supervisor_of_a_folder_is_refused(data: Path) -> None:
    with started(data) as running:
        running.until_ready()
        with started(data) as second:
            assert second.process.wait(30) == 1
            assert "already runs with the data folder" in second.output
            assert f"process {running.process.pid}" in second.output
            assert running.address in second.output
        assert lock_facts(data)["address"] == running.address


def test_taken_port_moves_on_unless_it_was_asked_for(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started(data, "--port", str(port)) as refused:
            assert refused.process.wait(30) == 1
            assert f"Port {port} is in use" in refused.output
        (data / "port").write_text(str(port))
        with started(data) as moved:
            moved.until_ready()
            assert moved.address != f"http://127.0.0.1:{port}"
            assert moved.get("/health") == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start as somebody else")
def test_ordinary_user_can_start() -> None:
    with data_folder() as folder:
        os.chown(folder.parent, 65534, 65534)
        program, extra = interpreter_for(65534)
        environment = clean_environment(HOME=str(folder.parent), **extra)
        port = str(_free_port())
        with started(
            folder, "--port", port, environment=environment, user=65534, program=program
        ) as running:
            running.until_ready()
            family = running.family()
            assert {process.uids().effective for process in family} == {65534}
            assert running.get("/health") == 200
            assert running.stop() == 0
            assert all_gone(family, 1) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has services of another user")
def test_services_of_root_run_without_its_rights(data: Path) -> None:
    with started(data) as running:
        running.until_ready()
        for name in ("postgres", "valkey-server"):
            assert running.named(name).uids().effective != 0


def test_person_at_a_terminal_sees_the_token_and_stops_with_ctrl_c(data: Path) -> None:
    token = (data / "secrets/local_auth_token").read_text()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        words = [sys.executable, "-m", "missioncontrol.run", "--data", str(data)]
        os.execve(sys.executable, words, clean_environment())
    seen = _read_until(terminal, "Ctrl-C")
    assert f"Token        {token}" in seen
    assert "Address      http://127.0.0.1:" in seen
    assert "/sign-in/link/" in seen
    family = psutil.Process(pid).children(recursive=True)
    os.write(terminal, b"\x03")
    assert "Stopping" in _read_until(terminal, "Stopping")
    assert all_gone(family) == []
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    logs = "".join(path.read_text() for path in (data / "log").glob("*.log*"))
    assert token not in logs


def _read_until(terminal: int, words: str, seconds: float = 60) -> str:
    seen, deadline = "", time.monotonic() + seconds
    while words not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def test_killed_make_takes_everything_with_it(data: Path) -> None:
    code = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    command = [sys.executable, "-m", "missioncontrol.run", "--stop-with-parent"]
    with tempfile.TemporaryFile("w+") as out:
        parent = subprocess.Popen(
            [sys.executable, "-c", code, *command, "--data", str(data)],
            cwd=ROOT,
            env=clean_environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
        )

        def ready() -> bool:
            out.seek(0)
            return "is ready" in out.read()

        _wait_for(ready, 60)
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
        parent.wait()
        assert len(family) >= 7
        assert all_gone(family, 20) == []


def test_roles_need_servers_that_are_named(data: Path) -> None:
    with started(data, "--role", "worker") as running:
        assert running.process.wait(30) == 1
        assert "needs DATABASE_URL and REDIS_URL" in running.output


def test_a_crash_too_many_gives_up_and_rare_ones_do_not() -> None:
    close: deque[float] = deque()
    pauses = [count_crash(close, now) for now in range(CRASHES_ALLOWED)]
    assert pauses[-1] is None
    assert all(later > earlier for earlier, later in pairwise(pauses[:-1]))
    rare: deque[float] = deque()
    assert all(count_crash(rare, now * 61.0) is not None for now in range(20))
