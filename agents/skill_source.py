"""Reading a repository of skills with git: one shallow clone without a working tree.

Nothing of the repository is ever checked out or run: files are read from the object store, so
symbolic links, submodules, hooks, filters and attributes have no effect. The clone has no
credentials, a time limit, a size cap and one checked address.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.utils.translation import gettext as _

from gateways.wire.redact import redact_text
from missioncontrol.kernel import outbound
from missioncontrol.kernel.errors import RemoteFailed

CLONE_SECONDS = 600.0
MAX_BYTES = 200 * 1024 * 1024
MAX_FILE_BYTES = 256 * 1024
MAX_READ_BYTES = 64 * 1024 * 1024
POLL_SECONDS = 0.1
STDERR_CHARS = 200
_REGULAR = ("100644", "100755")
#: Of no use to a clone that trusts nobody.
_ALWAYS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    "http.followRedirects=false",
    "http.proxy=",
    "submodule.recurse=false",
    "protocol.allow=never",
    "advice.detachedHead=false",
)


@dataclass(frozen=True, slots=True)
class Remote:
    """Where git really goes: an address and the settings that let it go nowhere else."""

    address: str
    settings: tuple[str, ...]


class Transport(Protocol):
    """From the address of a pack to what git is told."""

    def remote(self, url: str) -> Remote:
        """The checked remote of an address.

        Raises:
            DomainError: the address may not be reached.
        """


class Https:
    """The only transport of the product: https to an address that was checked and pinned."""

    def remote(self, url: str) -> Remote:
        """Resolve the host, check every address, and pin git to the first."""
        found = outbound.check_url(url, "other", ("https",))
        pin = f"http.curloptResolve={found.host}:{found.port}:{found.address}"
        return Remote(f"{url}.git", ("protocol.https.allow=always", pin))


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a clone."""

    folder: Path
    branch: str
    commit: str
    #: Object id and size in bytes of every regular file.
    files: Mapping[str, tuple[str, int]]
    warnings: tuple[str, ...] = ()


def clone(
    url: str, branch: str, folder: Path, *, transport: Transport, seconds: float = CLONE_SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Tree:  # fmt: skip
    """Clone the newest commit of a branch; without that branch, of the default one.

    Raises:
        RemoteFailed: ``clone_failed``, ``clone_too_slow``, ``clone_too_large``, ``git_missing``.
        Invalid: ``outbound_blocked``.
    """
    remote = transport.remote(url)
    deadline = time.monotonic() + seconds
    warnings: tuple[str, ...] = ()
    fault = _fetch(remote, folder, ("--branch", branch), deadline, max_bytes)
    if fault and "not found in upstream" in fault:
        shutil.rmtree(folder, ignore_errors=True)
        warnings = (f"The branch {branch} does not exist; the default branch was read.",)
        fault = _fetch(remote, folder, (), deadline, max_bytes)
    if fault:
        raise RemoteFailed(_("The clone failed: %(e)s") % {"e": fault}, code="clone_failed")
    return _tree(folder, branch, warnings)


def _git() -> str:
    found = shutil.which("git")
    if found is None:
        raise RemoteFailed(_("git is not installed on this machine."), code="git_missing")
    return found


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


def _fetch(
    remote: Remote, folder: Path, choice: tuple[str, ...], deadline: float, max_bytes: int
) -> str:
    """Run the clone; returns the first line of its complaint, empty when it worked."""
    options = [part for name in (*_ALWAYS, *remote.settings) for part in ("-c", name)]
    command = [
        _git(), *options, "clone", "--bare", "--quiet", "--depth", "1", "--single-branch",
        "--no-tags", "--no-recurse-submodules", "--template=", *choice, "--", remote.address,
        str(folder),
    ]  # fmt: skip
    log = folder.with_suffix(".log")
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            env=_environment(folder.parent), cwd=folder.parent, start_new_session=True,
        )  # fmt: skip
        try:
            _watch(process, folder, deadline, max_bytes)
        finally:
            _end(process)
    if process.returncode == 0:
        return ""
    return _complaint(log)


def _watch(process: subprocess.Popen[bytes], folder: Path, deadline: float, max_bytes: int) -> None:
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise RemoteFailed(_("The clone took too long."), code="clone_too_slow")
        if _size(folder) > max_bytes:
            raise RemoteFailed(_("The repository is too large."), code="clone_too_large")
        time.sleep(POLL_SECONDS)
    if _size(folder) > max_bytes:
        raise RemoteFailed(_("The repository is too large."), code="clone_too_large")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and its helpers, which run in a group of their own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def _size(folder: Path) -> int:
    total = 0
    for base, _folders, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(base) / name).lstat().st_size
    return total


def _complaint(log: Path) -> str:
    lines = log.read_text(errors="replace")[:20_000].splitlines()
    said = [line.strip() for line in lines if line.strip()]
    worst = [line for line in said if line.startswith(("fatal:", "error:"))]
    return redact_text((worst or said or ["git failed"])[0])[:STDERR_CHARS]


def _ask(folder: Path, *command: str, given: bytes = b"") -> bytes:
    answer = subprocess.run(
        [_git(), "-c", "core.hooksPath=/dev/null", "--git-dir", str(folder), *command],
        input=given, capture_output=True, timeout=60, check=False,
        env=_environment(folder.parent),
    )  # fmt: skip
    if answer.returncode:
        raise RemoteFailed(_("The clone cannot be read."), code="clone_failed")
    return answer.stdout


def _tree(folder: Path, branch: str, warnings: tuple[str, ...]) -> Tree:
    commit = _ask(folder, "rev-parse", "HEAD").decode().strip()
    if warnings:
        branch = _ask(folder, "rev-parse", "--abbrev-ref", "HEAD").decode().strip() or branch
    files: dict[str, tuple[str, int]] = {}
    for entry in _ask(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", "HEAD").split(b"\0"):
        facts, _tab, name = entry.partition(b"\t")
        parts = facts.decode().split()
        path = name.decode(errors="replace")
        if len(parts) == 4 and parts[0] in _REGULAR and parts[3].isdigit():
            files[path] = (parts[2], int(parts[3]))
    return Tree(folder, branch, commit, files, warnings)


def read(tree: Tree, paths: Iterable[str]) -> dict[str, bytes | None]:
    """Content of files; ``None`` for one that is too large, or beyond what is read in all."""
    found: dict[str, bytes | None] = {}
    wanted: list[tuple[str, str]] = []
    total = 0
    for path in paths:
        if path not in tree.files:
            continue
        oid, size = tree.files[path]
        total += size
        if size > MAX_FILE_BYTES or total > MAX_READ_BYTES:
            found[path] = None
            total -= size
        else:
            wanted.append((path, oid))
    if not wanted:
        return found
    given = "".join(f"{oid}\n" for _path, oid in wanted).encode()
    raw, at = _ask(tree.folder, "cat-file", "--batch", given=given), 0
    for path, _oid in wanted:
        end = raw.index(b"\n", at)
        size = int(raw[at:end].split()[2])
        found[path] = raw[end + 1 : end + 1 + size]
        at = end + size + 2
    return found
