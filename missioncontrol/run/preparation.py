"""What has to be done once before the processes start: tables, static files, open files."""

import hashlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from missioncontrol.run.errors import RunError
from missioncontrol.settings.env import Env

MIGRATION_LOCK = 0x4D43_0001
APPEND_ONLY_TABLES = ("activity_activityevent", "activity_auditentry")
OPEN_FILES = 65_536


def raise_open_file_limit() -> None:
    """Allow as many open files as the system lets us: each socket is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_limiter(settings: Env) -> None:
    """Make sure that the named Redis answers, where it counts attempts for all processes.

    Raises:
        RunError: it does not.
    """
    from redis import Redis
    from redis.exceptions import RedisError

    names = ("rate_limit_redis_url", "rq_redis_url", "redis_url")
    name = next((name for name in names if getattr(settings, name)), "")
    if settings.rate_limit_backend != "redis" or not name:
        return  # it counts in memory, or in the Redis that is started along
    try:
        with Redis.from_url(getattr(settings, name), socket_connect_timeout=3) as client:
            client.ping()
    except RedisError as error:
        raise RunError(
            f"RATE_LIMIT_BACKEND=redis, but {name.upper()} cannot be reached "
            f"({type(error).__name__})."
        ) from None


def in_fork(function: Callable[[], str]) -> str:
    """Run ``function`` in a forked process and return its text.

    The parent stays free of connections and threads, which must not be inherited.

    Raises:
        RunError: ``function`` raised one, or the process ended otherwise.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        code = 0
        try:
            text = function()
        except RunError as error:
            text, code = str(error), 3
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            import traceback

            traceback.print_exc()
            text, code = "", 1
        with os.fdopen(writing, "w") as pipe:
            pipe.write(text)
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    match os.waitstatus_to_exitcode(status):
        case 0:
            return text
        case 3:
            raise RunError(text)
        case _:
            raise RunError("Preparing the start failed; the reason stands above.")


def migrate() -> str:
    """Bring the tables up to date; one process at a time. Return what was done.

    Raises:
        RunError: the database does not answer.
    """
    from django.conf import settings
    from django.core.management import call_command
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    from missioncontrol.settings import addresses

    application = connection.settings_dict["USER"]
    if settings.MIGRATION_DATABASE_URL:
        described = addresses.database(settings.MIGRATION_DATABASE_URL)
        connection.settings_dict.update({**connection.settings_dict, **described})
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise RunError(f"The database does not answer: {str(error).strip()}") from None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    if settings.MIGRATION_DATABASE_URL:
        with connection.cursor() as cursor:
            _grant(cursor, application)
    return f"{len(plan)} steps" if plan else ""


def _grant(cursor: Any, application: str) -> None:
    """Let the product's role work with every table, and only add to the append-only ones."""
    from psycopg import sql

    role = sql.Identifier(application)
    append_only = sql.SQL(", ").join(map(sql.Identifier, APPEND_ONLY_TABLES))
    for statement in (
        sql.SQL("GRANT USAGE ON SCHEMA public TO {role}"),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"),
        sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {tables} FROM {role}"),
        sql.SQL("REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}"),
    ):
        cursor.execute(statement.format(role=role, tables=append_only))


def collect_static() -> str:
    """Collect, name by content and compress the static files when any of them has changed."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT) / ".source"
    print_now = _fingerprint()
    if stamp.exists() and stamp.read_text() == print_now:
        return ""
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(print_now)
    return "collected"


def static_is_current() -> bool:
    """Tell whether the collected static files match their sources."""
    from django.conf import settings

    stamp = Path(settings.STATIC_ROOT) / ".source"
    return stamp.exists() and stamp.read_text() == _fingerprint()


def _fingerprint() -> str:
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for name, path in _sources(get_finders()):
        status = path.stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources(finders: Iterator[Any]) -> Iterator[tuple[str, Path]]:
    for finder in finders:
        for name, storage in sorted(finder.list([]), key=lambda pair: str(pair[0])):
            yield name, Path(storage.path(name))


def seed_demo() -> str:
    """Fill the demonstration organization; what is already there is kept."""
    from django.core.management import call_command, get_commands

    if "seed_demo" not in get_commands():
        raise RunError("This installation holds no demonstration data.")
    call_command("seed_demo", verbosity=0)
    return ""


def sign_in_link() -> str:
    """Return a link that signs the operator in once, empty when that way is off."""
    from django.conf import settings
    from django.urls import reverse

    if "local" not in settings.AUTH_MODES:
        return ""
    from orgs.services.sign_in import issue_sign_in_link

    return settings.BASE_URL + reverse("orgs:sign-in-link", args=[issue_sign_in_link()])
