"""Input and output shapes: pydantic models, closed for unknown fields, times in UTC.

``Input`` refuses what it does not know (``unknown_field``). PATCH tells absent from null by
:meth:`Input.given`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    field_validator,
)

from .errors import FieldError

MAX_TEXT = 100_000
MAX_JSON_BYTES = 256 * 1024
MAX_JSON_DEPTH = 32
#: Beyond it a number comes back from the database as one that JSON encoders refuse.
MAX_JSON_NUMBER = 2**63 - 1
#: A day inside of what can be computed with, so that every time zone can show it.
EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def _to_utc(value: datetime) -> datetime:
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("The time is out of range.")
    return moment.astimezone(UTC)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("The text holds a NUL character.")
    return value


def bounded_json(value: Any) -> Any:
    """JSON that can be stored and sent again: not too deep, not too large, numbers of 64 bits.

    Raises:
        ValueError: saying which of these.
    """
    import orjson

    def depth(node: Any, level: int) -> None:
        if level > MAX_JSON_DEPTH:
            raise ValueError(f"Nested deeper than {MAX_JSON_DEPTH} levels.")
        if isinstance(node, dict):
            for key, child in node.items():
                _no_nul(str(key))
                depth(child, level + 1)
        elif isinstance(node, list):
            for child in node:
                depth(child, level + 1)
        elif isinstance(node, str):
            _no_nul(node)
        elif isinstance(node, int | float) and abs(node) > MAX_JSON_NUMBER:
            raise ValueError("Holds a number of more than 64 bits.")

    depth(value, 1)
    if len(orjson.dumps(value)) > MAX_JSON_BYTES:
        raise ValueError(f"Larger than {MAX_JSON_BYTES // 1024} KiB.")
    return value


UtcTime = Annotated[datetime, AfterValidator(_to_utc)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_no_nul),
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_no_nul),
]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_no_nul)]
NonBlankText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    AfterValidator(_no_nul),
]
Json = Annotated[Any, AfterValidator(bounded_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(bounded_json)]


class Input(BaseModel):
    """Body of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @field_validator("*", mode="after", check_fields=False)
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """No text, alone, in a list or as a key, holds what the database cannot keep."""
        for text in value if isinstance(value, list | dict) else (value,):
            if isinstance(text, str):
                _no_nul(text)
        return value

    def given(self) -> dict[str, Any]:
        """Only what the caller sent (by field name), so that absent differs from null."""
        return {key: getattr(self, key) for key in self.model_fields_set}


class Output(BaseModel):
    """Shape of an answer, for the published schema."""

    model_config = ConfigDict(extra="allow")


class Acknowledged(Output):
    """It was done; the answer of a delete."""

    ok: bool


def field_errors(error: ValidationError, root: str = "body") -> list[FieldError]:
    """Pydantic's findings in the product's shape; an extra field becomes ``unknown_field``."""
    found: list[FieldError] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        kind = "unknown_field" if item["type"] == "extra_forbidden" else item["type"]
        message = "Unknown field." if kind == "unknown_field" else item["msg"]
        message = message.removeprefix("Value error, ")
        found.append({"loc": [root, *item["loc"]], "msg": message, "type": kind})
    return found
