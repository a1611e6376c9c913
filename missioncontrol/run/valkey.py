"""The bundled Valkey of one data folder."""

import contextlib
import os
import socket
from pathlib import Path

from missioncontrol.run.binaries import Binaries, ServiceUser
from missioncontrol.run.lifeline import Pipe
from missioncontrol.run.process import Server, stop_leftover
from missioncontrol.run.state import ServiceState


class Valkey:
    """A private Valkey with an append-only file, socket plus loopback port, and a password."""

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
        self.folder = data / "valkey"
        self._binaries, self._user, self._state, self._durable = binaries, user, state, durable
        self.log = data / "log" / "valkey.log"
        self._server = Server("Valkey", user=user, log=self.log, pipe=pipe, ready=self._is_ready)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._server.pid

    def start(self) -> None:
        """Write the configuration and start.

        Raises:
            RunError: the server ended before it answered.
        """
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700)
            self._user.own(self.folder)
        pid_file = self.folder / "valkey.pid"
        with contextlib.suppress(FileNotFoundError, ValueError):
            stop_leftover(int(pid_file.read_text()), "valkey-server", self.folder)
            pid_file.unlink(missing_ok=True)
        self._server.start([self._binaries.valkey_server, self._configuration()])

    def ask_to_stop(self) -> None:
        """Begin an orderly stop."""
        self._server.ask_to_stop()

    def stop(self) -> None:
        """Stop in good order."""
        self._server.stop()

    def _configuration(self) -> Path:
        """Write the configuration; in a file, because a command line is seen by everybody."""
        lines = [
            "bind 127.0.0.1",
            f"port {self._state.valkey_port}",
            f'unixsocket "{self._state.socket_folder}/valkey.sock"',
            "unixsocketperm 700",
            f"requirepass {self._state.valkey_password}",
            f'dir "{self.folder.resolve()}"',
            f'pidfile "{self.folder.resolve()}/valkey.pid"',
            "daemonize no",
            "databases 64",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            "loglevel warning",
        ]
        path = self.folder / "valkey.conf"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(descriptor, ("\n".join(lines) + "\n").encode())
        os.close(descriptor)
        self._user.own(path)
        return path

    def _is_ready(self) -> bool:
        """Ask with the plain protocol: a client library would hide that it is still loading."""
        try:
            with socket.create_connection(
                ("127.0.0.1", self._state.valkey_port), timeout=1
            ) as connection:
                connection.sendall(f"AUTH {self._state.valkey_password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")
