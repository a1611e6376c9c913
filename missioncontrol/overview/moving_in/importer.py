"""The import itself: every table in order, in one transaction, with a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Manager, Model

from activity.publish import History, publish, write_history
from boards.services import custom_fields
from missioncontrol.kernel.actors import SystemActor
from missioncontrol.kernel.unit import service
from missioncontrol.overview.moving_in import fleet, people, record, work
from missioncontrol.overview.moving_in.report import Report, TableReport
from missioncontrol.overview.moving_in.source import BATCH, NOT_DATA, Row, Source
from missioncontrol.overview.moving_in.state import Left, Moved
from orgs.models import Organization

ACTOR = SystemActor("moving in")
Shape = Callable[[Row, Moved], "Model | list[Model] | None"]

#: Table and how its rows look here; none is a row that another one holds here. A table may be read
#: twice, for two kinds of row.
PLAN: tuple[tuple[str, Shape], ...] = (
    ("users", people.user),
    ("organizations", people.organization),
    ("organization_members", people.member),
    ("gateways", fleet.gateway),
    ("board_groups", work.group),
    ("boards", work.board),
    ("organization_board_access", people.board_access),
    ("organization_invite_board_access", people.invite_access),
    ("organization_invites", people.invite),
    ("agents", fleet.agent),
    ("agents (tokens)", fleet.agent_token),
    ("tags", work.tag),
    ("tag_assignments", work.tag_of_task),
    ("task_custom_field_definitions", work.custom_field),
    ("board_task_custom_fields", work.binding),
    ("task_custom_field_values", work.field_value),
    ("tasks", work.task),
    ("task_dependencies", work.dependency),
    ("approvals", record.approval),
    ("approval_task_links", record.approval_task),
    ("approvals (own task)", record.approval_own_task),
    ("board_memory", record.board_note),
    ("board_group_memory", record.group_note),
    ("board_webhooks", record.webhook),
    ("board_webhook_payloads", record.payload),
    ("board_onboarding_sessions", fleet.onboarding),
    ("skill_packs", fleet.pack),
    ("marketplace_skills", fleet.skill),
    ("gateway_installed_skills", fleet.installed),
    ("activity_events (comments)", record.comment),
)
HISTORY = "activity_events"
#: Tables without rows of their own here, and where their content went.
ELSEWHERE = {"task_fingerprints": "computed anew from the tasks"}


class DryRunError(Exception):
    """Ends a dry run: everything is taken back."""


def run(source: Source, *, apply: bool) -> Report:
    """Move everything in, or with ``apply=False`` only find out what would happen."""
    report = Report()
    try:
        with transaction.atomic():
            _move(source, report)
            if not apply:
                raise DryRunError
    except DryRunError:
        pass
    return report


@service
def _move(source: Source, report: Report) -> None:
    moved = Moved()
    for name, shape in PLAN:
        table = name.partition(" (")[0]
        part = report.of(name)
        for rows in _batches(source.rows(table)):
            _move_batch(rows, shape, moved, part)
    _finish(moved)
    _move_history(source, moved, report.of(HISTORY))
    _name_the_rest(source, report)
    for organization in Organization.objects.filter(pk__in=moved.organizations):
        if any(part.moved for part in report.tables.values()):
            publish(
                "data.imported",
                actor=ACTOR,
                target=organization,
                organization_id=organization.pk,
            )


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _move_batch(rows: Iterable[Row], shape: Shape, moved: Moved, part: TableReport) -> None:
    """Shape a batch and write what is new; a row that the database refuses is left alone."""
    made: list[tuple[Row, list[Model]]] = []
    for row in rows:
        part.read += 1
        try:
            shaped = shape(row, moved)
        except Left as reason:
            part.left.append((str(row.get("id", "")), str(reason)))
            continue
        if shaped is None:
            part.joined += 1
        else:
            made.append((row, shaped if isinstance(shaped, list) else [shaped]))
    there = _known(model for _, models in made for model in models)
    fresh = []
    for row, models in made:
        new = [model for model in models if model.pk is None or model.pk not in there]
        if new:
            fresh.append((row, new))
        else:
            part.there += 1
    try:
        with transaction.atomic():
            _write(fresh)
        part.moved += len(fresh)
    except DatabaseError:
        _write_singly(fresh, part)


def _known(models: Iterable[Model]) -> set[Any]:
    rows = list(models)
    if not rows:
        return set()
    ids = [row.pk for row in rows if row.pk is not None]
    return set(_manager(type(rows[0])).filter(pk__in=ids).values_list("pk", flat=True))


def _manager(kind: type[Model]) -> Manager[Any]:
    return kind._default_manager  # noqa: SLF001 - the manager of whatever model comes


def _write(fresh: list[tuple[Row, list[Model]]]) -> None:
    models = list(chain.from_iterable(models for _, models in fresh))
    if not models:
        return
    kind = type(models[0])
    _manager(kind).bulk_create(models)
    _keep_times(kind, ((row, model) for row, new in fresh for model in new))


def _write_singly(fresh: list[tuple[Row, list[Model]]], part: TableReport) -> None:
    for entry in fresh:
        try:
            with transaction.atomic():
                _write([entry])
            part.moved += 1
        except DatabaseError as error:
            first_line = str(error).splitlines()[0]
            part.left.append((str(entry[0].get("id", "")), f"the database refuses: {first_line}"))


def _keep_times(kind: type[Model], pairs: Iterator[tuple[Row, Model]]) -> None:
    """The times of the original instead of those of the import."""
    meta = kind._meta  # noqa: SLF001 - the documented way to a model's fields
    names = [f.name for f in meta.fields if f.name in ("created_at", "updated_at")]
    if not names:
        return
    places = ", ".join(f"{name} = COALESCE(%s, {name})" for name in names)
    statement = f"UPDATE {meta.db_table} SET {places} WHERE id = %s"  # noqa: S608
    values = [[*(row.get(name) for name in names), model.pk] for row, model in pairs]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _finish(moved: Moved) -> None:
    """What boards and tasks keep beside their rows: fields, numbers, counts of comments."""
    custom_fields.spread(moved.boards)
    with connection.cursor() as cursor:
        for board_id, number in moved.numbers.items():
            cursor.execute(
                "UPDATE boards_board SET next_task_number = GREATEST(next_task_number, %s) "
                "WHERE id = %s",
                [number + 1, board_id],
            )
        cursor.execute(
            "UPDATE boards_task t SET comments_count = c.n FROM (SELECT task_id, count(*) AS n "
            "FROM boards_taskcomment GROUP BY task_id) c WHERE c.task_id = t.id AND "
            "t.board_id = ANY(%s) AND t.comments_count <> c.n",
            [list(moved.boards)],
        )


def _move_history(source: Source, moved: Moved, part: TableReport) -> None:
    for rows in _batches(source.rows(HISTORY)):
        past: list[History] = []
        for row in rows:
            part.read += 1
            try:
                past.append(record.history(row, moved))
            except Left as reason:
                part.left.append((str(row["id"]), str(reason)))
        written = write_history(past, actor=ACTOR)
        part.moved += written
        part.there += len(past) - written


def _name_the_rest(source: Source, report: Report) -> None:
    """Tables that nothing here reads are named, with the number of their rows."""
    planned = {name.partition(" (")[0] for name, _ in PLAN} | {HISTORY} | NOT_DATA
    for table in sorted(source.tables - planned):
        part = report.of(table)
        part.read = source.count(table)
        reason = ELSEWHERE.get(table, "this product has no place for it")
        part.left = [("", reason)] * part.read
