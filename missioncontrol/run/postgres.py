"""The bundled PostgreSQL of one data folder."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from missioncontrol.run.binaries import Binaries, ServiceUser
from missioncontrol.run.errors import RunError
from missioncontrol.run.lifeline import Pipe
from missioncontrol.run.process import Server, stop_leftover
from missioncontrol.run.state import APPLICATION, DATABASE, OWNER, ServiceState

MAJOR = "18"
# Raised when `_prepare` has more to do in folders of earlier releases.
PREPARED = 2
_PASSING_FAULTS = ("shared memory block", "lock file")
EXTENSIONS = ("vector", "pg_trgm", "unaccent")


class Postgres:
    """A private PostgreSQL: folder below the data folder, socket plus loopback port."""

    def __init__(
        self,
        data: Path,
        *,
        binaries: Binaries,
        user: ServiceUser,
        state: ServiceState,
        pipe: Pipe,
        durable: bool,
    ) -> None:
        """Describe it; nothing is started or written yet."""
        self.folder = data / "postgres"
        self._binaries, self._user, self._state, self._durable = binaries, user, state, durable
        self.log = data / "log" / "postgres.log"
        self._server = Server(
            "PostgreSQL", user=user, log=self.log, pipe=pipe, ready=self._is_ready
        )

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._server.pid

    def start(self) -> None:
        """Make the database folder if there is none, start the server, make the database.

        Raises:
            RunError: the folder is of another PostgreSQL version, or the server ended.
        """
        self._create_folder()
        version = (self.folder / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise RunError(
                f"{self.folder} was written by PostgreSQL {version}, this is {MAJOR}. Make a "
                "backup with the earlier release of Mission Control and restore it with this one."
            )
        self._clear_leftover()
        self._start_server()
        if self._state.prepared < PREPARED:
            self._prepare()
            self._state.prepared = PREPARED

    def ask_to_stop(self) -> None:
        """Begin an orderly stop."""
        self._server.ask_to_stop()

    def stop(self) -> None:
        """Stop in good order."""
        self._server.stop()

    def _create_folder(self) -> None:
        """Run initdb beside the final name, so that a cut-off attempt leaves no half folder."""
        if self.folder.exists():
            return
        draft = self.folder.with_name("postgres.part")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._user.own(draft)
        password = draft.with_name("postgres.password")
        password.unlink(missing_ok=True)
        descriptor = os.open(password, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(descriptor, self._state.admin_password.encode())
        os.close(descriptor)
        self._user.own(password)
        command = [self._binaries.initdb, "-D", draft, "-U", "postgres", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
        command += [f"--pwfile={password}", *([] if self._durable else ["--no-sync"])]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
                **self._user.popen,  # type: ignore[call-overload]  # user, group, extra_groups
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            raise RunError(f"The database folder could not be made: {done.stderr.strip()[-800:]}")
        draft.rename(self.folder)

    def _clear_leftover(self) -> None:
        """End a server of an earlier start that was killed, and remove its lock files.

        The data folder is locked by us, so a number found there belongs to such a server or, by
        now, to some other program that must not keep ours from starting.
        """
        sockets = Path(self._state.socket_folder)
        for pid_file in (self.folder / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
                stop_leftover(int(pid_file.read_text().split()[0]), "postgres", self.folder)
                pid_file.unlink(missing_ok=True)

    def _start_server(self) -> None:
        """Start; children of a killed server may hold its memory for a moment more."""
        for attempt in range(20):
            try:
                self._server.start(self._command())
            except RunError as error:
                if attempt == 19 or not any(text in str(error) for text in _PASSING_FAULTS):
                    raise
                time.sleep(0.5)
                self._clear_leftover()
            else:
                return

    def _command(self) -> list[str | Path]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self._state.postgres_port,
            "unix_socket_directories": self._state.socket_folder,
            "unix_socket_permissions": "0700",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "io_method": "sync",
            "jit": "off",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "log_timezone": "UTC",
            "timezone": "UTC",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        pairs = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [self._binaries.postgres, "-D", self.folder, *pairs]

    def _is_ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _prepare(self) -> None:
        """Make role, extensions and database; each step may have been done before."""
        with self._admin("template1") as connection:
            for extension in EXTENSIONS:
                connection.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
                )
        with self._admin("postgres") as connection:
            _make_role(connection, OWNER, self._state.owner_password, "CREATEDB")
            _make_role(connection, APPLICATION, self._state.password, "NOCREATEDB")
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not found.fetchone():
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
                connection.execute(statement.format(*names))

    def _admin(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._state.postgres_port,
            user="postgres",
            password=self._state.admin_password,
            dbname=database,
            autocommit=True,
        )


def _make_role(
    connection: psycopg.Connection[tuple[object, ...]], name: str, password: str, right: str
) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    statement = sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}")
    verb = sql.SQL("ALTER" if found else "CREATE")
    parts = verb, sql.Identifier(name), sql.SQL(right), sql.Literal(password)
    connection.execute(statement.format(*parts))
