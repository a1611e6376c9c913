"""PostgreSQL and Valkey for one data folder, started from the bundled programs."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from missioncontrol.run import state as states
from missioncontrol.run.binaries import locate, service_user
from missioncontrol.run.errors import RunError
from missioncontrol.run.lifeline import Pipe
from missioncontrol.run.postgres import Postgres
from missioncontrol.run.valkey import Valkey

LOG_LIMIT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Services:
    """Where the started services answer."""

    database_url: str
    owner_database_url: str
    redis_url: str


class Embedded:
    """The bundled services of ``data``; they end with the process that started them.

    The caller holds the lock of the data folder and calls from its main thread.
    """

    def __init__(
        self, data: Path, *, postgres: bool = True, valkey: bool = True, durable: bool = True
    ) -> None:
        """Choose what to start. ``durable=False`` trades safety for speed, for tests."""
        self.data = data
        self._wanted = (postgres, valkey)
        self._durable = durable
        self._pipe = Pipe()
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None
        self._sockets: Path | None = None

    def start(self) -> Services:
        """Start what is wanted and return the addresses.

        Raises:
            RunError: a service cannot run here; the text says why.
        """
        make_data_folder(self.data)
        user = service_user(self.data / "postgres")
        self._check_reachable(user.uid)
        binaries = locate(self.data, user)
        state = states.load_or_create(self.data)
        self._sockets = sockets = Path(state.socket_folder)
        sockets.mkdir(mode=0o700, exist_ok=True)
        user.own(sockets)
        postgres = Postgres(
            self.data,
            binaries=binaries,
            user=user,
            state=state,
            pipe=self._pipe,
            durable=self._durable,
        )
        valkey = Valkey(
            self.data,
            binaries=binaries,
            user=user,
            state=state,
            pipe=self._pipe,
            durable=self._durable,
        )
        states.renew_taken_ports(state)
        states.write(self.data, state)
        if self._wanted[1]:
            self._valkey = valkey
            valkey.start()
        if self._wanted[0]:
            self._postgres = postgres
            postgres.start()
        states.write(self.data, state)
        return Services(state.database_url, state.owner_database_url, state.redis_url)

    def heal(self) -> list[str]:
        """Start again what has ended, on the same socket and port; return the names.

        Raises:
            RunError: a service does not come up again.
        """
        healed = []
        if self._valkey is not None and self._valkey.pid is None:
            self._valkey.start()
            healed.append("Valkey")
        if self._postgres is not None and self._postgres.pid is None:
            self._postgres.start()
            healed.append("PostgreSQL")
        return healed

    def pids(self) -> dict[str, int]:
        """Process ids of the running services."""
        pairs = (
            ("postgres", self._postgres.pid if self._postgres else None),
            ("valkey", self._valkey.pid if self._valkey else None),
        )
        return {name: pid for name, pid in pairs if pid is not None}

    def trim_logs(self) -> None:
        """Keep one older copy of a log that has grown too long."""
        for service in (self._postgres, self._valkey):
            if service is None or not service.log.exists():
                continue
            if service.log.stat().st_size > LOG_LIMIT_BYTES:
                # The server writes on with O_APPEND, so the file is emptied rather than renamed.
                service.log.with_suffix(".log.1").write_bytes(service.log.read_bytes())
                os.truncate(service.log, 0)

    def stop(self) -> None:
        """Stop everything that was started, in good order."""
        services = [one for one in (self._postgres, self._valkey) if one is not None]
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()
        self._postgres = self._valkey = None
        if self._sockets is not None and not self._sockets.is_relative_to(self.data.resolve()):
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._pipe.close()

    def _check_reachable(self, uid: int) -> None:
        """As root the services run as another user, who must be able to reach the folder."""
        if os.geteuid() != 0:
            return
        for folder in (self.data.resolve(), *self.data.resolve().parents):
            status = folder.stat()
            if not status.st_mode & 0o001 and status.st_uid != uid:
                raise RunError(
                    f"As root, PostgreSQL runs as an unprivileged user, to whom {folder} is closed."
                    " Name a data folder outside of it with --data, for example"
                    " /var/lib/missioncontrol."
                )


def make_data_folder(data: Path) -> None:
    """Make the data folder: private, but as root passable for the service user.

    Raises:
        RunError: the folder cannot be made or written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        log = data / "log"
        log.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"The data folder {data} cannot be used: {error.strerror}. "
            "Name another one with --data."
        ) from error
