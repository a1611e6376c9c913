"""What a gateway's own agent sends in an interview: the API reads it, the prompt shows it.

Both come from these models, so the prompt cannot promise what the API refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from missioncontrol.kernel.schemas import Input, JsonObject, Name, UtcTime

#: Models write numbers where a word is meant.
OptionId = Annotated[
    str,
    BeforeValidator(lambda v: str(v) if isinstance(v, int) else v),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4_000)]


class Option(Input):
    """One answer that the person may choose."""

    id: OptionId
    label: Line


class Question(Input):
    """One question with its answers."""

    question: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)
    ]
    options: Annotated[list[Option], Field(min_length=1, max_length=12)]


class Profile(Input):
    """What the person said about himself."""

    preferred_name: Words | None = None
    pronouns: Words | None = None
    timezone: Words | None = None
    notes: Words | None = None
    context: Words | None = None


class Identity(Input):
    """Who the lead is; further facts may be named."""

    model_config = ConfigDict(extra="allow")

    role: Words | None = None
    communication_style: Words | None = None
    emoji: Words | None = None


class LeadDraft(Input):
    """The lead that is proposed."""

    name: Name | None = None
    identity_profile: Identity | None = None
    autonomy_level: Literal["ask_first", "balanced", "autonomous"] | None = None
    verbosity: Literal["concise", "balanced", "detailed"] | None = None
    output_format: Literal["bullets", "mixed", "narrative"] | None = None
    update_cadence: Literal["asap", "hourly", "daily", "weekly"] | None = None
    custom_instructions: Words | None = None


class Completion(Input):
    """The end of an interview: a goal and a lead to confirm."""

    status: Literal["complete"]
    board_type: Literal["goal", "general"]
    objective: Words | None = None
    success_metrics: JsonObject | None = None
    target_date: UtcTime | None = None
    user_profile: Profile | None = None
    lead_agent: LeadDraft | None = None


def example_of(shape: type[BaseModel]) -> str:
    """A shape as one line of JSON: names as they are, choices joined by ``|``, the rest in <>."""
    schema = shape.model_json_schema()
    sketch = _sketch(schema, schema.get("$defs", {}), "value")
    return orjson.dumps(sketch).decode()


def _sketch(schema: Mapping[str, Any], known: Mapping[str, Any], name: str) -> Any:
    if "$ref" in schema:
        return _sketch(known[schema["$ref"].rpartition("/")[2]], known, name)
    if "anyOf" in schema:
        real = next(part for part in schema["anyOf"] if part.get("type") != "null")
        return _sketch(real, known, name)
    if schema.get("type") == "object":
        fields = schema.get("properties")
        if fields is None:
            return {"<METRIC>": "<TARGET>"}
        return {key: _sketch(part, known, key) for key, part in fields.items()}
    if schema.get("type") == "array":
        return [_sketch(schema["items"], known, name)]
    return _word(schema, name)


def _word(schema: Mapping[str, Any], name: str) -> str:
    """What stands for a single value."""
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "|".join(schema["enum"])
    return "<YYYY-MM-DD>" if schema.get("format") == "date-time" else f"<{name.upper()}>"
