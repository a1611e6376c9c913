"""Rows as plain values, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Field, Model, Q, QuerySet

from missioncontrol.overview.moving_out.plan import Part
from orgs.models import User


def model_of(part: Part) -> type[Model]:
    """The model of a part."""
    return apps.get_model(part.model)


def fields_of(part: Part) -> list[Field[Any, Any]]:
    """The columns that leave."""
    meta = model_of(part)._meta  # noqa: SLF001 - the documented way to a model's fields
    hidden = {*part.without, *(["id"] if part.is_numbered else [])}
    return [f for f in meta.concrete_fields if f.name not in hidden]


def rows_of(part: Part, organization_id: UUID) -> QuerySet[Any]:
    """Rows of an organization, in their fixed order."""
    rows = model_of(part)._base_manager.order_by(*part.order)  # noqa: SLF001
    if part.model == "orgs.User":
        return rows.filter(people_of(organization_id)).distinct()
    return rows.filter(**{part.path: organization_id})


def people_of(organization_id: UUID) -> Q:
    """Members, and whoever left a trace by name of row."""
    boards, tasks = "boards.Task", "governance.Approval"
    made = apps.get_model(boards).objects.filter(organization_id=organization_id)
    decided = apps.get_model(tasks).objects.filter(organization_id=organization_id)
    return (
        Q(memberships__organization_id=organization_id)
        | Q(pk__in=made.filter(created_by__isnull=False).values("created_by_id"))
        | Q(pk__in=decided.filter(decided_by__isnull=False).values("decided_by_id"))
    )


def plain_rows(part: Part, organization_id: UUID) -> Iterator[dict[str, Any]]:
    """Each row as a mapping of plain values."""
    columns = fields_of(part)
    links = [f for f in model_of(part)._meta.many_to_many if part.model != "orgs.User"]  # noqa: SLF001
    for row in rows_of(part, organization_id).iterator(chunk_size=1000):
        values = {f.attname: _plain(f.value_from_object(row)) for f in columns}
        for name, states in part.settled.items():
            values[name] = states.get(values[name], values[name])
        for link in links:
            keys = getattr(row, link.name).order_by("pk").values_list("pk", flat=True)
            values[link.name] = [str(key) for key in keys]
        yield values


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def restore(part: Part, values: dict[str, Any]) -> Model:
    """Write one row exactly as it was."""
    model = model_of(part)
    columns = {f.attname: f for f in fields_of(part)}
    links = {f.name for f in model._meta.many_to_many}  # noqa: SLF001
    known = {k: columns[k].to_python(v) for k, v in values.items() if k in columns}
    row = model(**known)
    if isinstance(row, User):
        row.set_unusable_password()
    row.save_base(raw=True, force_insert=True)
    for name in links & set(values):
        getattr(row, name).set(values[name])
    return row
