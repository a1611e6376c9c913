#!/usr/bin/env python3
"""Keeps the scripts of other projects under static/vendor at pinned versions.

    python deploy/vendor.py check     compares every file with the lock (no network)
    python deploy/vendor.py update    fetches the pinned packages with npm and rewrites the lock

The packages below are the only place where a version is written by hand. `check` fails when a
file is missing, changed, or present without a line in the lock, so nobody edits vendored code.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"
NOTES = VENDOR / "VENDOR.md"


@dataclass(frozen=True)
class Package:
    """One npm package and the files that the product takes from it."""

    name: str
    version: str
    licence: str
    use: str
    files: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Folder below static/vendor that holds this version."""
        return Path(self.name) / self.version


PACKAGES = (
    Package(
        name="htmx.org",
        version="4.0.1",
        licence="0BSD",
        use="requests and swaps of every page",
        files=("LICENSE", "dist/htmx.esm.min.js"),
    ),
    Package(
        name="sortablejs",
        version="1.15.7",
        licence="MIT",
        use="drag and drop on boards; loaded with the first board",
        files=("LICENSE", "Sortable.min.js"),
    ),
)


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def expected_entries() -> list[dict[str, str]]:
    """Lock lines for the files that lie on disk now, in the order of PACKAGES."""
    return [
        {
            "name": package.name,
            "version": package.version,
            "file": str(package.folder / Path(source).name),
            "sha256": sha256(VENDOR / package.folder / Path(source).name),
        }
        for package in PACKAGES
        for source in package.files
    ]


def problems() -> list[str]:
    """What differs between the lock, the list of packages and the files, one sentence each."""
    found: list[str] = []
    locked: list[dict[str, str]] = json.loads(LOCK.read_text())["files"]
    wanted = {
        str(package.folder / Path(source).name): package
        for package in PACKAGES
        for source in package.files
    }
    for entry in locked:
        path = VENDOR / entry["file"]
        if not path.is_file():
            found.append(f"{entry['file']} is missing.")
        elif sha256(path) != entry["sha256"]:
            found.append(f"{entry['file']} differs from the lock.")
        if entry["file"] not in wanted:
            found.append(f"{entry['file']} is locked but no package names it.")
    names = {entry["file"] for entry in locked}
    found += [f"{name} has no line in the lock." for name in wanted if name not in names]
    on_disk = {
        str(path.relative_to(VENDOR))
        for path in VENDOR.rglob("*")
        if path.is_file() and path not in {LOCK, NOTES}
    }
    found += [f"{name} is not part of any package." for name in sorted(on_disk - wanted.keys())]
    return found


def fetch(package: Package, into: Path) -> None:
    """Unpacks the wanted files of one package below `into`, with npm."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],  # noqa: S607 - from PATH
        cwd=into,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive = next(into.glob("*.tgz"))
    target = VENDOR / package.folder
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for source in package.files:
            member = tar.extractfile(f"package/{source}")
            if member is None:
                raise SystemExit(f"{package.name} {package.version} holds no {source}.")
            (target / Path(source).name).write_bytes(member.read())


def write_lock() -> None:
    """Writes the lock and the table for readers from the files on disk."""
    entries = expected_entries()
    LOCK.write_text(json.dumps({"files": entries}, indent=2) + "\n")
    lines = [
        "# Scripts of other projects",
        "",
        "Written by `deploy/vendor.py update`; checked by `deploy/vendor.py check`.",
        "",
        "| Package | Version | Licence | Used for |",
        "| --- | --- | --- | --- |",
        *(f"| {p.name} | {p.version} | {p.licence} | {p.use} |" for p in PACKAGES),
        "",
        "| File | SHA-256 |",
        "| --- | --- |",
        *(f"| {entry['file']} | `{entry['sha256']}` |" for entry in entries),
    ]
    NOTES.write_text("\n".join(lines) + "\n")


def update() -> int:
    """Fetches every package anew and rewrites the lock."""
    for package in PACKAGES:
        shutil.rmtree(VENDOR / package.name, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            fetch(package, Path(folder))
    write_lock()
    return check()


def check() -> int:
    """Prints what is wrong and returns the exit code."""
    found = problems()
    for line in found:
        print(line, file=sys.stderr)  # noqa: T201 - a command speaks to its caller
    if not found:
        print(f"{len(PACKAGES)} packages match the lock.")  # noqa: T201
    return 1 if found else 0


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("check", "update"))
    return update() if parser.parse_args().action == "update" else check()


if __name__ == "__main__":
    sys.exit(main())
