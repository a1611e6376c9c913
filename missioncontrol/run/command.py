"""The bundled services for one management command, when nothing else runs them."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from missioncontrol.run.embedded import Embedded, make_data_folder
from missioncontrol.run.errors import RunError
from missioncontrol.run.lock import DataLock
from missioncontrol.settings import env

# Commands that read or write no data.
WITHOUT_DATA = frozenset(
    {
        "help",
        "check",
        "collectstatic",
        "makemessages",
        "compilemessages",
        "makemigrations",
        "version",
    }
)


@contextlib.contextmanager
def services_for(arguments: Sequence[str]) -> Iterator[None]:
    """Start the bundled services for the command, unless they run already or are not wanted.

    Raises:
        RunError: they cannot run here; the text says why.
    """
    name = next((word for word in arguments if not word.startswith("-")), "help")
    settings = env.current()
    named_redis = settings.redis_url or settings.rq_redis_url
    if name in WITHOUT_DATA or "--help" in arguments or (settings.database_url and named_redis):
        yield
        return
    make_data_folder(settings.data_dir)
    lock = DataLock(settings.data_dir)
    try:
        lock.take()
    except RunError:  # a supervisor runs them
        yield
        return
    embedded = Embedded(
        settings.data_dir, postgres=not settings.database_url, valkey=not named_redis
    )
    try:
        services = embedded.start()
        if not settings.database_url:
            # Commands include `migrate`, which only the owner can do.
            os.environ["DATABASE_URL"] = services.owner_database_url
        if not named_redis:
            os.environ["REDIS_URL"] = services.redis_url
        env.install(env.load())
        yield
    finally:
        embedded.stop()
        lock.release()
