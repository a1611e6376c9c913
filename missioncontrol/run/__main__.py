"""``python -m missioncontrol.run``: one command that starts everything and stops it again."""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from missioncontrol.run import children, preparation
from missioncontrol.run.embedded import Embedded, make_data_folder
from missioncontrol.run.errors import RunError
from missioncontrol.run.lifeline import Pipe, die_with
from missioncontrol.run.lock import DataLock
from missioncontrol.run.options import Options, parse
from missioncontrol.run.ports import first_free, is_free
from missioncontrol.run.screen import Screen, Stopwatch
from missioncontrol.run.supervisor import Supervisor
from missioncontrol.settings import env as environment
from missioncontrol.settings import predecessor, secret_files
from missioncontrol.settings.env import ConfigurationError, Env

READY_SECONDS = 120.0


class Interrupted(BaseException):
    """Somebody asked to stop before the start was complete."""


class Start:
    """One start, from the command line to the end of the last process."""

    def __init__(self, options: Options) -> None:
        """Keep what was asked for; nothing is started yet."""
        self.options = options
        self.screen, self.watch = Screen(), Stopwatch()
        self.pipe = Pipe()
        self.embedded: Embedded | None = None
        self.lock: DataLock | None = None
        self.listener: socket.socket | None = None
        self.supervisor: Supervisor | None = None

    def run(self) -> None:
        """Start, watch, and stop in good order whatever happens.

        Raises:
            RunError: it cannot start or cannot go on; the text says why.
            ConfigurationError: a setting is unusable.
        """
        if self.options.stop_with_parent:
            die_with(os.getppid(), signal.SIGTERM)()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            self._prepare()
            self._serve()
        except Interrupted:
            pass
        finally:
            self._end()

    def _prepare(self) -> None:
        data = self._choose_data_folder()
        settings = environment.load()
        alone = self.options.role == "all"
        if not alone and not (settings.database_url and settings.redis_url):
            raise RunError(
                f"--role {self.options.role} needs DATABASE_URL and REDIS_URL: the parts of an "
                "installation on several machines meet in one database and one Redis."
            )
        if alone:
            self.lock = DataLock(data)
            self.lock.take()
        preparation.raise_open_file_limit()
        if self.options.role in {"all", "web", "socket"}:
            self._listen(settings, data)
        self._start_services(settings, data)
        environment.install(environment.load())
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", environment.settings_module())
        self._load_product()
        self._bring_up_to_date()

    def _choose_data_folder(self) -> Path:
        """Fix the data folder in the environment, for this process and every child."""
        if self.options.data is not None:
            os.environ["DATA_DIR"] = str(self.options.data)
        elif self.options.demo:
            plain = environment.default_data_folder()
            os.environ["DATA_DIR"] = str(plain.with_name(plain.name + "-demo"))
        data = Path(os.environ.get("DATA_DIR") or environment.data_folder_of_file())
        data = data.expanduser().absolute()
        make_data_folder(data)
        return data

    def _listen(self, settings: Env, data: Path) -> None:
        """Open the port: the one asked for, else the last one used, else the next free one."""
        host = self.options.host
        wanted = self.options.port or (settings.port if "port" in settings.model_fields_set else 0)
        if wanted:
            if not is_free(wanted, host):
                raise RunError(f"Port {wanted} is in use. Name another one with --port.")
            port: int | None = wanted
        else:
            kept = data / "port"
            last = int(kept.read_text()) if kept.exists() else settings.port
            port = last if is_free(last, host) else first_free(settings.port, host)
            if port is None:
                raise RunError(f"No port from {settings.port} on is free. Name one with --port.")
            kept.write_text(str(port))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            raise RunError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
        listener.listen(2048)
        self.listener = listener
        os.environ["PORT"] = str(port)

    def _start_services(self, settings: Env, data: Path) -> None:
        preparation.require_limiter(settings)
        for note in predecessor.notes(predecessor.given()):
            self.screen.complain(note)
        named_redis = settings.redis_url or settings.rq_redis_url
        if settings.database_url and not settings.migration_database_url:
            self.screen.complain(
                "MIGRATION_DATABASE_URL is not set: the product's own database role could alter "
                "the audit record."
            )
        if settings.database_url and named_redis:
            return
        if not (data / "postgres").exists() and not settings.database_url:
            self.screen.say("Preparing the database …")
        self.embedded = Embedded(data, postgres=not settings.database_url, valkey=not named_redis)
        services = self.embedded.start()
        if not settings.database_url:
            os.environ["DATABASE_URL"] = services.database_url
            os.environ["MIGRATION_DATABASE_URL"] = services.owner_database_url
        if not named_redis:
            os.environ["REDIS_URL"] = services.redis_url

    def _load_product(self) -> None:
        """Import once what every child needs, so that they share its memory."""
        import django
        from django.conf import settings

        django.setup(set_prefix=False)
        importlib.import_module(settings.ROOT_URLCONF)

    def _bring_up_to_date(self) -> None:
        from django.conf import settings

        if settings.DB_AUTO_MIGRATE:
            preparation.in_fork(preparation.migrate)
        if not environment.current().is_production and not preparation.static_is_current():
            self.screen.say("Preparing styles and scripts …")
            preparation.in_fork(preparation.collect_static)
        if self.options.demo:
            self.screen.say("Preparing the demonstration data …")
            preparation.in_fork(preparation.seed_demo)
        if self.options.role in {"all", "web", "socket"}:
            # Reads the list of static files, so it comes after they are collected.
            importlib.import_module("missioncontrol.asgi")

    def _serve(self) -> None:
        from django.conf import settings

        data = environment.current().data_dir
        listed = children.for_role(
            self.options.role, listener=self.listener, demo=self.options.demo
        )
        self.supervisor = Supervisor(
            listed,
            embedded=self.embedded,
            pipe=self.pipe,
            log_folder=data / "log",
            in_child=self._in_child,
        )
        _log_to(data / "log" / "supervisor.log" if self.options.role == "all" else None)
        self.supervisor.watch_signals()
        gc.collect()
        gc.freeze()
        # Lists make thousands of short-lived dicts; the default threshold costs a fifth of that.
        gc.set_threshold(20_000, 20, 50)
        self.supervisor.start()
        if self.listener is not None:
            self._wait_until_ready(self.supervisor)
        if self.lock is not None:
            self.lock.describe(pid=os.getpid(), address=settings.BASE_URL)
        if not self.supervisor.stopping:
            self._announce(data)
        self.supervisor.run()

    def _in_child(self, name: str) -> None:
        """Prepare a forked process: its own log, none of the parent's locks and sockets."""
        data = environment.current().data_dir
        if self.lock is not None:
            self.lock.forget_in_child()
        if name != "web" and self.listener is not None:
            self.listener.close()
        _log_to(data / "log" / f"{name}.log" if self.options.role == "all" else None)

    def _wait_until_ready(self, supervisor: Supervisor) -> None:
        """Wait until the web process answers on its port."""
        if self.listener is None:
            return
        host, port = self.listener.getsockname()[:2]
        named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not a bind
        url = f"http://[{named}]:{port}/health" if ":" in named else f"http://{named}:{port}/health"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + READY_SECONDS
        while not supervisor.stopping and time.monotonic() < deadline:
            supervisor.check()
            try:
                with opener.open(url, timeout=5):
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                supervisor.wait(0.05)

    def _announce(self, data: Path) -> None:
        from django.conf import settings

        if self.options.role != "all":
            self.screen.say(f"Mission Control {self.options.role} is running.")
            return
        named = "local_auth_token" in environment.current().model_fields_set
        self.screen.ready(
            address=settings.BASE_URL,
            link=preparation.in_fork(preparation.sign_in_link),
            token=settings.LOCAL_AUTH_TOKEN if "local" in settings.AUTH_MODES else "",
            token_file=Path(".env") if named else secret_files.path_of(data, "local_auth_token"),
            data=data,
            seconds=self.watch.seconds,
        )

    def _end(self) -> None:
        if self.supervisor is not None:
            if self.supervisor.stopping:
                self.screen.say("Stopping …")
            self.supervisor.stop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.listener is not None:
            self.listener.close()
        if self.embedded is not None:
            self.embedded.stop()
        self.pipe.close()
        if self.lock is not None:
            self.lock.release()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


def _log_to(file: Path | None) -> None:
    """Log to a file and only what matters to the console; without a file, all to the console."""
    from missioncontrol.settings import logs

    settings = environment.current()
    logs.configure(
        level=settings.log_level,
        style=settings.log_format,
        file=file,
        console_level="WARNING" if file is not None else None,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; return the exit code."""
    options = parse(arguments)
    start = Start(options)
    try:
        start.run()
    except (RunError, ConfigurationError) as error:
        start.screen.complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)
