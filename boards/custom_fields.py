"""Pure rules of custom fields: what a value must be, what a task shows, what it may store.

Source: core specification 12.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
import regex
from django.utils.translation import gettext as _

from missioncontrol.kernel.schemas import MAX_JSON_NUMBER

ALIASES = {
    "text (long)": "text_long",
    "long_text": "text_long",
    "true/false": "boolean",
    "date & time": "date_time",
    "datetime": "date_time",
    "if set": "if_set",
}
WITH_REGEX = frozenset({"text", "text_long", "date", "date_time", "url"})
MAX_REGEX = 500
#: The largest product of counted repetitions; a pattern beyond it needs memory without bound.
MAX_REPETITIONS = 10_000
REGEX_SECONDS = 0.05
MAX_TEXT = 100_000
MAX_EVENT_BYTES = 2_000
KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$")
_COUNTED = re.compile(r"\{\s*(\d*)\s*,?\s*(\d*)\s*\}")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field as its boards carry it."""

    key: str
    label: str
    type: str
    visibility: str
    required: bool
    default: Any
    regex: str | None
    description: str | None


def word(raw: Any) -> str:
    """A type or visibility as clients write it, by its stored name."""
    text = str(raw).strip().lower()
    return ALIASES.get(text, text)


def pack(specs: Iterable[FieldSpec]) -> tuple[list[dict[str, Any]], str]:
    """Fields as a board stores them, and the digest of it; both empty without fields."""
    packed = [asdict(spec) for spec in specs]
    if not packed:
        return [], ""
    raw = orjson.dumps(packed, option=orjson.OPT_SORT_KEYS)
    return packed, hashlib.sha256(raw).hexdigest()[:32]


def unpack(packed: Sequence[Mapping[str, Any]]) -> tuple[FieldSpec, ...]:
    """Fields of a board from what it stores."""
    return tuple(FieldSpec(**entry) for entry in packed)


# --- patterns -------------------------------------------------------------------------------------


def regex_fault(pattern: str) -> str | None:
    """Why a pattern cannot be used, in words; ``None`` when it can."""
    if len(pattern) > MAX_REGEX:
        return _("The pattern is longer than 500 characters.")
    product = 1
    for low, high in _COUNTED.findall(pattern):
        product *= max(1, int((high or low or "1")[:9]))
        if product > MAX_REPETITIONS:
            return _("The pattern repeats too often.")
    try:
        _compiled(pattern)
    except (regex.error, RecursionError, OverflowError):
        return _("This is not a valid pattern.")
    return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return regex.compile(pattern)


def _regex_reason(pattern: str, value: str) -> str | None:
    """Why a text does not pass its pattern; a pattern that takes too long does not pass either."""
    try:
        found = _compiled(pattern).fullmatch(value, timeout=REGEX_SECONDS)
    except TimeoutError:
        return _("The pattern took too long on this value.")
    return None if found else _("The value does not match the pattern.")


# --- values ---------------------------------------------------------------------------------------


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return _("A text is needed.")
    if len(value) > MAX_TEXT:
        return _("The text is longer than 100 000 characters.")
    return None


def _integer(value: Any) -> str | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    is_fitting = is_whole and abs(value) <= MAX_JSON_NUMBER
    return None if is_fitting else _("A whole number is needed.")


def _decimal(value: Any) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number and abs(value) <= MAX_JSON_NUMBER else _("A number is needed.")


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else _("Yes or no is needed.")


def _date(value: Any) -> str | None:
    fault = _("A date such as 2026-11-30 is needed.")
    if not isinstance(value, str) or not _DATE.match(value):
        return fault
    try:
        date.fromisoformat(value)
    except ValueError:
        return fault
    return None


def _date_time(value: Any) -> str | None:
    fault = _("A date with time such as 2026-11-30T17:00:00Z is needed.")
    if not isinstance(value, str) or not re.match(r"^\d{4}-\d{2}-\d{2}[T ]\d", value):
        return fault
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return fault
    return None


def _url(value: Any) -> str | None:
    fault = _("A web address with http or https is needed.")
    if not isinstance(value, str) or len(value) > MAX_TEXT or re.search(r"\s", value):
        return fault
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
    except ValueError:
        return fault
    return None if parts.scheme in ("http", "https") and has_host else fault


def _json(value: Any) -> str | None:
    return None if isinstance(value, dict | list) else _("A JSON object or list is needed.")


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "text": _text,
    "text_long": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "date_time": _date_time,
    "url": _url,
    "json": _json,
}


def reason(field_type: str, pattern: str | None, value: Any) -> str | None:
    """Why a value does not fit a type and its pattern, in words; ``None`` when it fits."""
    fault = _CHECKS[field_type](value)
    if fault is None and pattern and field_type in WITH_REGEX:
        return _regex_reason(pattern, value)
    return fault


# --- what a task shows and stores -----------------------------------------------------------------


def shown(specs: Iterable[FieldSpec], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Values of all bound fields; what is not stored shows its default."""
    return {spec.key: stored.get(spec.key, spec.default) for spec in specs}


def merged(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the task stores after the change: null deletes, other fields stay."""
    values = {**stored, **wanted}
    return {key: value for key, value in values.items() if value is not None}


def missing(specs: Iterable[FieldSpec], stored: Mapping[str, Any]) -> list[str]:
    """Keys of required fields that have neither a value nor a default."""
    values = shown(specs, stored)
    return [spec.key for spec in specs if spec.required and values[spec.key] in (None, "")]


def excerpt(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values cut to what an event may carry: long texts are cut, large objects left out."""
    found: dict[str, Any] = {}
    room = 2 * MAX_EVENT_BYTES
    for key, value in values.items():
        kept = value
        if len(orjson.dumps(value)) > MAX_EVENT_BYTES // 4:
            kept = value[:100] + "…" if isinstance(value, str) else "…"
        room -= len(orjson.dumps(kept)) + len(key)
        if room < 0:
            break
        found[key] = kept
    return found
