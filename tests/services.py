"""A throw-away PostgreSQL and Valkey for one run of the suite, started before Django is."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from missioncontrol.run.embedded import Embedded


@contextlib.contextmanager
def throw_away_services() -> Generator[None]:
    """Start what the environment does not name; end it, and its folder, at the exit."""
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    if not missing:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="mc-test-"))
    folder.chmod(0o711)
    embedded = Embedded(
        folder,
        postgres="DATABASE_URL" in missing,
        valkey="REDIS_URL" in missing,
        durable=False,
    )
    try:
        services = embedded.start()
        addresses = {"DATABASE_URL": services.owner_database_url, "REDIS_URL": services.redis_url}
        os.environ.update({name: addresses[name] for name in missing})
        os.environ["TEST_DATA_DIR"] = str(folder)
        yield
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


_started = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start before the Django plugin reads its settings; workers inherit the addresses."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        _started.enter_context(throw_away_services())
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop after the test databases are gone."""
    _started.close()
