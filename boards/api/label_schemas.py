"""Inputs and outputs of the API of tags, custom fields and changes of many tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from missioncontrol.kernel.schemas import Input, Json, JsonObject, Name, Output, Text

Slug = Annotated[str, StringConstraints(max_length=200)]
Color = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^#?[0-9A-Fa-f]{6}$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Pattern = Annotated[str, StringConstraints(max_length=500)]
Boards = Annotated[list[UUID], Field(min_length=1, max_length=1_000)]
Tags = Annotated[list[UUID], Field(max_length=200)]


class TagFields(Input):
    """Fields that a tag has beside its name."""

    slug: Slug | None = None
    color: Color | None = None
    description: Text | None = None


class TagIn(TagFields):
    """A new tag."""

    name: Name
    organization_id: UUID | None = None


class TagPatch(TagFields):
    """Fields of a tag to change; at least one."""

    name: Name | None = None


class FieldFields(Input):
    """What a custom field has beside its key."""

    label: Name | None = None
    field_type: Word | None = None
    ui_visibility: Word | None = None
    validation_regex: Pattern | None = None
    description: Text | None = None
    required: bool | None = None
    default_value: Json = None
    board_ids: Boards | None = None


class FieldIn(FieldFields):
    """A new custom field."""

    field_key: Name
    board_ids: Boards
    organization_id: UUID | None = None


class FieldPatch(FieldFields):
    """What of a custom field to change; at least one thing, never the key."""

    field_key: Any = None


class BulkChange(Input):
    """One change for many tasks: exactly one of these."""

    status: Word | None = None
    assigned_agent_id: UUID | None = None
    priority: Word | None = None
    tag_ids: Tags | None = None
    add_tag_ids: Tags | None = None
    remove_tag_ids: Tags | None = None
    delete: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("Name exactly one change.")
        name = next(iter(self.model_fields_set))
        if name != "assigned_agent_id" and not getattr(self, name) and name != "tag_ids":
            raise ValueError(f"{name} needs a value.")
        return self


class BulkIn(Input):
    """Tasks of a board and what happens to each of them."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]
    change: BulkChange
    comment: Text | None = None


# --- outputs --------------------------------------------------------------------------------------


class TagOfTask(Output):
    """A tag as tasks show it."""

    id: UUID
    name: str
    slug: str
    color: str


class TagOut(Output):
    """A tag."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    color: str
    description: str | None
    task_count: int
    version: int
    created_at: datetime
    updated_at: datetime


class TagPage(Output):
    """A page of tags by name."""

    items: list[TagOut]
    total: int
    limit: int
    offset: int


class FieldOut(Output):
    """A custom field."""

    id: UUID
    organization_id: UUID
    field_key: str
    label: str
    field_type: Literal[
        "text", "text_long", "integer", "decimal", "boolean", "date", "date_time", "url", "json"
    ]
    ui_visibility: Literal["always", "if_set", "hidden"]
    validation_regex: str | None
    description: str | None
    required: bool
    default_value: Any
    board_ids: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime


class BulkResult(Output):
    """What became of one task: its new state, or the refusal."""

    task_id: UUID
    ok: bool
    task: JsonObject | None
    error: JsonObject | None


class BulkOut(Output):
    """What became of every task, in the order sent."""

    changed: int
    refused: int
    results: list[BulkResult]
