"""The whole installation as one folder: the database, and the secrets that open what is sealed.

PostgreSQL's own programs do the work: for a database of one's own those of the machine's PATH, else
the bundled ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from missioncontrol.kernel.errors import Invalid, RemoteFailed
from missioncontrol.run import binaries
from missioncontrol.run import state as states
from missioncontrol.run.embedded import Embedded
from missioncontrol.run.errors import RunError
from missioncontrol.run.lock import DataLock
from missioncontrol.settings import addresses

DUMP = "database.dump"
#: Extensions belong to the server's administrator and are there already.
_STAYS = re.compile(r"^\d+; \d+ \d+ (EXTENSION|COMMENT - EXTENSION|SCHEMA - public) ")
SECRETS = "secrets"


def write(folder: Path) -> list[Path]:
    """Dump the database and copy the secret files; returns what was written.

    Raises:
        Invalid: the folder holds something already.
        RemoteFailed: the dump failed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Invalid(_("%(folder)s is not empty.") % {"folder": folder})
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    dump = folder / DUMP
    with _database(alone=False) as database:
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--file={dump}"]
        _run(database, "pg_dump", words)
    dump.chmod(0o600)
    return [dump, *_copied(settings.DATA_DIR / SECRETS, folder / SECRETS)]


def read(folder: Path) -> list[Path]:
    """Put a backup in the place of the present database; secret files that are missing come back.

    Raises:
        Invalid: no backup, or secrets that differ from those here.
        RemoteFailed: the database is as it was.
    """
    dump = folder / DUMP
    if not dump.is_file():
        raise Invalid(_("%(folder)s holds no backup.") % {"folder": folder})
    home = settings.DATA_DIR / SECRETS
    saved = sorted((folder / SECRETS).glob("*"))
    other = [one.name for one in saved if _differs(one, home / one.name)]
    if other:
        raise Invalid(
            _("%(names)s here differ from those of the backup; put them aside first.")
            % {"names": ", ".join(other)}
        )
    with tempfile.TemporaryDirectory() as place, _database(alone=True) as database:
        chosen = Path(place) / "list"
        listed = _run(database, "pg_restore", ["--list", str(dump)]).splitlines()
        chosen.write_text("".join(f"{line}\n" for line in listed if not _STAYS.search(line)))
        _run(
            database,
            "pg_restore",
            ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
             f"--use-list={chosen}", f"--dbname={database['NAME']}", str(dump)],
        )  # fmt: skip
    return [dump, *_copied(folder / SECRETS, home)]


def _differs(saved: Path, present: Path) -> bool:
    return present.exists() and present.read_bytes() != saved.read_bytes()


def _copied(source: Path, target: Path) -> list[Path]:
    """Files of a folder that the other lacks, for the owner alone."""
    made = []
    for file in sorted(source.glob("*")) if source.is_dir() else []:
        place = target / file.name
        if place.exists():
            continue
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(file, place)
        place.chmod(0o600)
        made.append(place)
    return made


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is not None and not settings.EMBEDDED_PORTS:
        return found
    try:
        return str(binaries.client_program(name))
    except RunError:
        if found is not None:
            return found
        raise RemoteFailed(_("%(name)s is not installed.") % {"name": name}) from None


@contextmanager
def _database(*, alone: bool) -> Iterator[dict[str, Any]]:
    """The database as the owner of its tables sees it; a bundled one that rests is started.

    Args:
        alone: Nobody else may use a bundled one meanwhile.

    Raises:
        RemoteFailed: the product runs, or the bundled database does not start.
    """
    state = states.read(settings.DATA_DIR)
    if settings.MIGRATION_DATABASE_URL:
        yield addresses.database(settings.MIGRATION_DATABASE_URL)
    elif state is None or settings.DATABASES["default"].get("USER") != states.APPLICATION:
        yield settings.DATABASES["default"]
    elif not alone and _answers(state.owner_database_url):
        yield addresses.database(state.owner_database_url)
    else:
        with _started() as url:
            yield addresses.database(url)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _started() -> Iterator[str]:
    """The bundled database of the data folder, for as long as nobody else has the folder."""
    lock, embedded = DataLock(settings.DATA_DIR), Embedded(settings.DATA_DIR, valkey=False)
    try:
        lock.take()
    except RunError as refusal:
        raise RemoteFailed(str(refusal)) from None
    try:
        yield embedded.start().owner_database_url
    except RunError as fault:
        raise RemoteFailed(str(fault)) from None
    finally:
        embedded.stop()
        lock.release()


def _run(database: Mapping[str, Any], name: str, words: Sequence[str]) -> str:
    """Run one of PostgreSQL's programs; returns what it said."""
    facts = {
        "PGHOST": database.get("HOST"), "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"), "PGPASSWORD": database.get("PASSWORD"),
        "PGDATABASE": database.get("NAME"), "PGSSLMODE": database["OPTIONS"].get("sslmode"),
    }  # fmt: skip
    given = {key: str(value) for key, value in facts.items() if value}
    done = subprocess.run(
        [_program(name), "--no-password", *words], env={**os.environ, **given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [""])[0]
        raise RemoteFailed(f"{name}: {said[:300]}")
    return done.stdout
