"""Bodies and answers of second factor, passkeys and browser sessions."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from missioncontrol.kernel.schemas import Input, Output, UtcTime

Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]


class CodeIn(Input):
    """A code of the generator, or a recovery code."""

    code: Code


class PasswordIn(Input):
    """A new password, and the present one where there is one."""

    current: Annotated[str, StringConstraints(max_length=1000)] = ""
    new: Annotated[str, StringConstraints(max_length=1000)]


class FactorOut(Output):
    """State of the second factor."""

    is_on: bool
    is_offered: bool
    recovery_codes_left: int


class FactorBegun(Output):
    """What a code generator is given, this once."""

    secret: str
    address: str


class RecoveryCodes(Output):
    """Codes that stand in for the generator, each once; never shown again."""

    recovery_codes: list[str]


class PasskeyAnswer(Input):
    """What the browser's credential interface answered, as JSON."""

    credential: dict[str, Any]


class PasskeyCreate(PasskeyAnswer):
    """A new passkey under a name of its owner."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class PasskeyOptions(Output):
    """Argument of the browser's credential interface; bytes as base64url."""

    public_key: dict[str, Any] = Field(alias="publicKey")


class PasskeyOut(Output):
    """A passkey."""

    id: UUID
    name: str
    is_synced: bool
    last_used_at: UtcTime | None
    created_at: UtcTime


class SessionOut(Output):
    """A browser that is signed in."""

    id: UUID
    browser: str
    address: str
    way: str
    is_current: bool
    last_seen_at: UtcTime
    created_at: UtcTime


class SessionsEnded(Output):
    """How many browsers were signed out."""

    ended: int
