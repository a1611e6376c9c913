"""The bundled services: closed homes, long paths, other versions, taken ports."""

import os
import socket
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from missioncontrol.run import binaries as bundled
from missioncontrol.run import state as states
from missioncontrol.run.binaries import ServiceUser, locate, service_user
from missioncontrol.run.embedded import Embedded
from missioncontrol.run.errors import RunError
from tests.ops.running import data_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


def answers(embedded: Embedded) -> bool:
    """Start and ask both services for a sign of life."""
    services = embedded.start()
    with psycopg.connect(services.database_url) as connection:
        row = connection.execute("SELECT current_user, 1").fetchone()
    return row == ("missioncontrol_app", 1) and bool(Redis.from_url(services.redis_url).ping())


def test_a_long_path_moves_the_sockets_and_not_the_data() -> None:
    with data_folder() as folder:
        deep = folder / ("a" * 60) / ("b" * 60)
        embedded = Embedded(deep, durable=False)
        try:
            assert answers(embedded)
            state = states.read(deep)
            assert state is not None
            assert not state.socket_folder.startswith(str(folder))
            assert (deep / "postgres/PG_VERSION").exists()
        finally:
            embedded.stop()
        assert not Path(state.socket_folder).exists()


def test_a_taken_port_is_replaced() -> None:
    with data_folder() as folder:
        embedded = Embedded(folder, durable=False)
        try:
            assert answers(embedded)
        finally:
            embedded.stop()
        before = states.read(folder)
        assert before is not None
        with socket.create_server(("127.0.0.1", before.postgres_port)):
            again = Embedded(folder, durable=False)
            try:
                assert answers(again)
            finally:
                again.stop()
        after = states.read(folder)
        assert after is not None
        assert after.postgres_port != before.postgres_port
        assert after.valkey_port == before.valkey_port
        assert after.password == before.password


def test_database_of_another_version_is_left_alone() -> None:
    with data_folder() as folder:
        embedded = Embedded(folder, valkey=False, durable=False)
        try:
            embedded.start()
        finally:
            embedded.stop()
        (folder / "postgres/PG_VERSION").write_text("17\n")
        with pytest.raises(RunError, match="written by PostgreSQL 17, this is 18"):
            Embedded(folder, valkey=False, durable=False).start()


def test_a_first_start_that_was_cut_off_is_repeated() -> None:
    with data_folder() as folder:
        (folder / "postgres.part").mkdir(parents=True)
        (folder / "postgres.part/PG_VERSION").write_text("18\n")
        embedded = Embedded(folder, valkey=False, durable=False)
        try:
            services = embedded.start()
            with psycopg.connect(services.database_url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        finally:
            embedded.stop()


def test_leftover_server_of_a_killed_start_is_ended_first() -> None:
    with data_folder() as folder:
        first, second = Embedded(folder, durable=False), Embedded(folder, durable=False)
        try:
            first.start()
            before = first.pids()
            assert answers(second)
            assert set(second.pids().values()).isdisjoint(before.values())
            assert first.pids() == {}
        finally:
            first.stop()
            second.stop()


@as_root
def test_closed_home_has_its_programs_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    with data_folder() as folder:
        folder.mkdir()
        monkeypatch.setattr(bundled, "_runs", lambda program, user: False)
        embedded = Embedded(folder, durable=False)
        try:
            assert answers(embedded)
        finally:
            embedded.stop()
        copied = locate(folder, service_user(folder / "postgres"))
        assert copied.postgres.is_relative_to(folder / "bin")
        assert copied.valkey_server.is_relative_to(folder / "bin")


@as_root
def test_folder_that_the_service_user_cannot_reach_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(RunError, match="is closed"):
        Embedded(closed / "data").start()


@as_root
def test_services_never_get_the_rights_of_root(tmp_path: Path) -> None:
    user = service_user(tmp_path / "none")
    assert user.uid != 0
    assert user.popen["extra_groups"] == []


def test_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(RunError, match="belongs to another user"):
        service_user(tmp_path)


def test_own_account_is_used_without_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert service_user(tmp_path / "none") == ServiceUser(4321, os.getegid())


def test_state_is_private_and_shows_no_password() -> None:
    with data_folder() as folder:
        folder.mkdir()
        state = states.load_or_create(folder)
        states.write(folder, state)
        assert states.path_of(folder).stat().st_mode & 0o777 == 0o600
        assert states.read(folder) == state
        assert state.password not in repr(state)
        assert state.valkey_password not in repr(state)
