"""``check_config``: everything that a start would trip over, told at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import django_rq
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from missioncontrol.settings import predecessor
from orgs.signin import clerk, oidc


class Command(BaseCommand):
    """Asks each part; the settings themselves were checked when this command was loaded."""

    help = (
        "Check settings, database, migrations, Redis and the data folder. Exit code 1 on a fault."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line per part.

        Raises:
            CommandError: at least one part has a fault.
        """
        on = settings.AUTH_MODES
        parts: dict[str, Callable[[], str]] = {
            "settings": lambda: "",
            "database": _database,
            "migrations": _migrations,
            "redis": _redis,
            "data folder": _data_folder,
            **{f"sign-in by {mode}": check for mode, check in _SERVICES.items() if mode in on},
        }
        faults = 0
        for name, check in parts.items():
            fault = check()
            faults += bool(fault)
            self.stdout.write(f"{name}: {fault or 'ok'}")
        for note in predecessor.notes(predecessor.given()):
            self.stdout.write(f"note: {note}")
        if faults:
            raise CommandError(f"{faults} of {len(parts)} parts have a fault.")


def _database() -> str:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return f"cannot be reached ({type(error).__name__}). Check DATABASE_URL."
    return ""


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return f"cannot be read ({type(error).__name__})"
    return f"{len(waiting)} are not applied. Run manage.py migrate." if waiting else ""


def _redis() -> str:
    try:
        django_rq.get_connection("default").ping()
    except RedisError as error:
        return f"cannot be reached ({type(error).__name__}). Check REDIS_URL."
    return ""


def _data_folder() -> str:
    folder = settings.DATA_DIR
    if not folder.is_dir():
        return f"{folder} does not exist. Name one with DATA_DIR."
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written."


#: Services that prove who people are, asked when their way of signing in is on.
_SERVICES: dict[str, Callable[[], str]] = {"clerk": clerk.check, "oidc": oidc.check}
