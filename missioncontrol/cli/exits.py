"""Exit codes, and the one line that says why."""

from __future__ import annotations

from missioncontrol import client

OK, REFUSED, USAGE, NOT_SIGNED_IN, CANNOT_CONNECT, SERVER_ERROR = range(6)


class UsageError(Exception):
    """The command line asks for something that does not exist."""


class NoToken(Exception):
    """Nobody has signed in here."""


def code_of(error: Exception) -> int:
    """The exit code of a failure."""
    match error:
        case UsageError():
            return USAGE
        case NoToken() | client.NotSignedIn():
            return NOT_SIGNED_IN
        case client.CannotConnect():
            return CANNOT_CONNECT
        case client.ApiError() if error.status >= 500:
            return SERVER_ERROR
    return REFUSED
