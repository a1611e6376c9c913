"""What identity services say about a person, read into one shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

_EMAIL_KEYS = ("email", "email_address", "primary_email_address")


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """A person of another service; the address counts for invitations only when verified."""

    issuer: str
    subject: str
    email: str | None = None
    is_email_verified: bool = False
    name: str = ""

    @property
    def is_complete(self) -> bool:
        """Nothing is left to ask for."""
        return bool(self.email and self.is_email_verified and self.name)

    def filled_from(self, other: ExternalPerson) -> ExternalPerson:
        """What is missing here, and a verified state of the same or a missing address."""
        person = self if self.name else replace(self, name=other.name)
        takes_email = not person.email or (
            other.is_email_verified and person.email.lower() == (other.email or "").lower()
        )
        if takes_email and other.email:
            return replace(person, email=other.email, is_email_verified=other.is_email_verified)
        return person


def person_of(issuer: str, subject: str, facts: Mapping[str, Any]) -> ExternalPerson:
    """Read address and name out of claims or a profile."""
    email, is_verified = _email(facts)
    return ExternalPerson(issuer, subject, email, is_verified, _name(facts))


def _email(facts: Mapping[str, Any]) -> tuple[str | None, bool]:
    for key in _EMAIL_KEYS:
        found = _address(facts.get(key))
        if found:
            return found, facts.get("email_verified") is True
    return _of_list(facts.get("email_addresses"), facts.get("primary_email_address_id"))


def _of_list(entries: Any, primary: Any) -> tuple[str | None, bool]:
    """The primary one of a list of addresses, else its first."""
    rows = entries if isinstance(entries, list) else []
    known = [
        (row.get("id"), email, _is_verified(row)) if isinstance(row, dict) else (None, email, False)
        for row in rows
        if (email := _address(_text_of(row)))
    ]
    chosen = next((row for row in known if primary and row[0] == primary), None)
    chosen = chosen or (known[0] if known else None)
    return (chosen[1], chosen[2]) if chosen else (None, False)


def _text_of(row: Any) -> Any:
    if isinstance(row, dict):
        return row.get("email_address") or row.get("email")
    return row


def _is_verified(row: Mapping[str, Any]) -> bool:
    check = row.get("verification")
    return isinstance(check, dict) and check.get("status") == "verified"


def _address(value: Any) -> str | None:
    """A plausible e-mail address, or nothing."""
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > 254:
        return None
    try:
        validate_email(text)
    except ValidationError:
        return None
    return text


def _name(facts: Mapping[str, Any]) -> str:
    for key in ("name", "full_name"):
        found = _line(facts.get(key))
        if found:
            return found
    given = _line(facts.get("given_name") or facts.get("first_name"))
    family = _line(facts.get("family_name") or facts.get("last_name"))
    return f"{given} {family}".strip()[:200]


def _line(value: Any) -> str:
    """One line of at most 200 characters."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:200]
