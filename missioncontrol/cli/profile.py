"""Address and token of the server: from the environment, else from a file for this user alone."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .exits import NoToken, UsageError

DEFAULT_ADDRESS = "http://127.0.0.1:8000"


class Credential(TypedDict, total=False):
    """One of the two ways to sign in."""

    token: str
    agent_token: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Where to call, and as whom. The token never appears in a representation."""

    address: str
    token: str = ""
    organization_id: str = ""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Profile({self.address!r})"

    def credential(self) -> Credential:
        """Words for the client: an agent's token has a prefix of its own."""
        if self.token.startswith("mca_"):
            return {"agent_token": self.token}
        return {"token": self.token}


def config_file() -> Path:
    """The file that keeps the profile."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "missioncontrol" / "mc.json"


def load(*, organization_id: str = "", needs_token: bool = True) -> Profile:
    """The profile of this call.

    Raises:
        NoToken: nobody has signed in, and the environment names no token.
        UsageError: the file or the named token file cannot be read.
    """
    kept = _kept()
    address = os.environ.get("MC_ADDRESS") or kept.get("address") or DEFAULT_ADDRESS
    token = _from_environment()
    if not token and kept.get("address") == address:
        token = kept.get("token", "")
    if needs_token and not token:
        raise NoToken(f"Not signed in to {address}. Run: mc login --address {address}")
    named = organization_id or os.environ.get("MC_ORGANIZATION", "")
    return Profile(checked(address), token, named)


def checked(address: str) -> str:
    """An address that begins with http:// or https://.

    Raises:
        UsageError: it does not.
    """
    if not address.startswith(("http://", "https://")):
        raise UsageError("An address begins with http:// or https://.")
    return address.rstrip("/")


def save(profile: Profile) -> Path:
    """Keep the profile, readable by this user alone from the first byte on."""
    file = config_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = json.dumps({"address": profile.address, "token": profile.token})
    handle, name = tempfile.mkstemp(dir=file.parent)  # 0600
    with os.fdopen(handle, "w") as stream:
        stream.write(body)
    Path(name).replace(file)
    return file


def forget() -> bool:
    """Remove what is kept; whether there was anything."""
    with contextlib.suppress(FileNotFoundError):
        config_file().unlink()
        return True
    return False


def ask_token(file: str | None) -> str:
    """The token for signing in: a file, the environment, standard input, or typed unseen.

    Raises:
        UsageError: nothing was given.
    """
    token = _read(Path(file)) if file else _from_environment()
    if not token:
        token = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise UsageError("No token was given.")
    return token.strip()


def _from_environment() -> str:
    if file := os.environ.get("MC_TOKEN_FILE"):
        return _read(Path(file))
    return os.environ.get("MC_TOKEN", "").strip()


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"The token file {file} cannot be read.") from None


def _kept() -> dict[str, str]:
    file = config_file()
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise UsageError(f"{file} cannot be read. Remove it and sign in again.") from None
    return found if isinstance(found, dict) else {}
