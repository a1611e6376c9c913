"""Which gateway versions are accepted.

Source: core specification, version rule (``v?YYYY.M.D(-REV)?``, compared as numbers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_MINIMUM = "2026.02.9"
#: Used when the minimum is configured as blank.
BLANK_MINIMUM = "2026.1.30"

_FORM = re.compile(r"v?(\d{4})\.(\d{1,2})\.(\d{1,2})(?:-(\d+))?", re.ASCII)


class VersionFinding(StrEnum):
    """Outcome of the version rule."""

    OK = "ok"
    TOO_OLD = "too_old"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    BAD_MINIMUM = "bad_minimum"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a gateway's version is accepted.

    Attributes:
        finding: which case applies.
        version: what the gateway reported, empty when it reported nothing.
        minimum: the minimum that was applied.
        text: one English sentence that names the minimum.

    """

    finding: VersionFinding
    version: str
    minimum: str
    text: str

    @property
    def is_compatible(self) -> bool:
        """Whether the gateway may be used."""
        return self.finding is VersionFinding.OK


def judge_version(version: str | None, minimum: str | None = DEFAULT_MINIMUM) -> Verdict:
    """Compare a gateway's version with the minimum.

    A blank minimum means ``BLANK_MINIMUM``; a malformed one makes everything incompatible, so
    that a typing error in the settings is noticed instead of switching the rule off.
    """
    lowest = (minimum or "").strip() or BLANK_MINIMUM
    given = (version or "").strip()
    floor, found = parse_version(lowest), parse_version(given)
    if floor is None:
        text = f"GATEWAY_MIN_VERSION {lowest!r} is not a version; no gateway is accepted."
        return Verdict(VersionFinding.BAD_MINIMUM, given, lowest, text)
    if not given:
        text = f"The gateway reports no version; at least {lowest} is needed."
        return Verdict(VersionFinding.UNKNOWN, given, lowest, text)
    if found is None:
        text = (
            f"The gateway reports {given!r}, which is not a version; at least {lowest} is needed."
        )
        return Verdict(VersionFinding.MALFORMED, given, lowest, text)
    if found < floor:
        text = f"The gateway runs {given}; at least {lowest} is needed."
        return Verdict(VersionFinding.TOO_OLD, given, lowest, text)
    return Verdict(VersionFinding.OK, given, lowest, f"Version {given} is accepted.")


def parse_version(text: str) -> tuple[int, int, int, int] | None:
    """``(year, month, day, revision)``, or None when malformed; no revision counts as 0."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, revision = (int(part or 0) for part in match.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return year, month, day, revision
