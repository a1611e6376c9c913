"""Commands of simulated agents. Nothing is executed on the host: a few words are imitated."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_COMPOUND = re.compile(r"&&|\|\||[;|<>]|\$\(|`")

_PATHS = {
    "curl": "/usr/bin/curl",
    "echo": "/usr/bin/echo",
    "cat": "/usr/bin/cat",
    "ls": "/usr/bin/ls",
    "date": "/usr/bin/date",
    "git": "/usr/bin/git",
    "df": "/usr/bin/df",
}


def is_compound(command: str) -> bool:
    """Whether a line is more than one plain command, which an approval cannot bind."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", command)
    return bool(_COMPOUND.search(bare))


def program_path(command: str) -> str:
    """Path of the program that a command starts."""
    word = (command.split() or [""])[0]
    return _PATHS.get(word, f"/usr/bin/{word}" if word and "/" not in word else word)


def run_command(command: str, files: Mapping[str, str]) -> tuple[str, int]:  # noqa: PLR0911 (one answer per case)
    """Output and exit code of an imitated command; ``files`` is the agent's workspace."""
    try:
        words = shlex.split(command)
    except ValueError:
        return "syntax error", 2
    if not words:
        return "", 0
    match words[0]:
        case "echo":
            return " ".join(words[1:]), 0
        case "ls":
            return "\n".join(sorted(files)), 0
        case "cat":
            missing = [w for w in words[1:] if w not in files]
            if missing:
                return f"cat: {missing[0]}: No such file or directory", 1
            return "".join(files[w] for w in words[1:]), 0
        case "false":
            return "", 1
    return f"{words[0]}: done", 0
