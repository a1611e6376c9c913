"""Secrets that nobody set: made once, kept in the data folder, readable by the owner alone."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def path_of(data: Path, name: str) -> Path:
    """Where the secret ``name`` is kept."""
    return data / "secrets" / name.lower()


def load_or_create(data: Path, name: str, make: Callable[[], str]) -> str:
    """Return the secret ``name``; several processes may ask at the same first moment."""
    path = path_of(data, name)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails if another process was first: its secret counts
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_text().strip()


def replace(data: Path, name: str, secret: str) -> Path:
    """Keep another secret from now on; returns its file. Running processes know the old one."""
    path = path_of(data, name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)
    return path
