"""A task while a service changes it: new values, what differs, one write, the event's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.utils.translation import gettext as _

from activity.models import ActivityEvent
from activity.publish import publish
from boards import custom_fields, reads, rows, rules
from boards.models import Board, Task
from missioncontrol.kernel import clock
from missioncontrol.kernel.actors import Actor, AgentActor
from missioncontrol.kernel.errors import StaleVersion

#: Fields whose change is a conflict when two people make it, and which events name.
TRACKED = (
    "title",
    "description",
    "status",
    "rank",
    "priority",
    "due_at",
    "assigned_agent_id",
    "depends_on_task_ids",
    "tag_ids",
    "custom_field_values",
)
TIMES = ("in_progress_at", "review_at", "done_at", "reopened_at")


class TaskDraft:
    """New values of one locked task, written once."""

    def __init__(self, actor: Actor, board: Board, task: Task, *, acting_for: str = "") -> None:
        self.actor, self.board, self.task = actor, board, task
        self.acting_for = acting_for
        self.previous: dict[str, Any] = {}
        self.assignee_name: str | None = getattr(task, "assignee_name", None)
        self.previous_assignee_name = self.assignee_name
        self.dependency_ids: list[UUID] = list(getattr(task, "dependency_ids", []))
        self.unfinished_ids: list[UUID] = list(getattr(task, "unfinished_ids", []))
        self.previous_dependency_ids = list(self.dependency_ids)
        self.tags: list[dict[str, Any]] = list(getattr(task, "tags", []))
        self.field_specs = custom_fields.unpack(board.custom_fields)
        self.was_blocked = bool(self.unfinished_ids) and task.status != "done"

    def put(self, name: str, value: Any) -> None:
        """Give a column a new value; an equal one changes nothing."""
        present = getattr(self.task, name)
        if value != present:
            self.previous.setdefault(name, present)
            setattr(self.task, name, value)

    def put_tags(self, tags: list[dict[str, Any]]) -> None:
        """Give the task other tags, known ones in order."""
        self.put("tag_ids", [UUID(tag["id"]) for tag in tags])
        self.tags = tags

    def put_all(self, values: Mapping[str, Any]) -> None:
        """Give several columns new values."""
        for name, value in values.items():
            self.put(name, value)

    def put_assignee(self, agent_id: UUID | None, name: str | None) -> None:
        """Give the task to an agent whose name is known, or to nobody."""
        self.put("assigned_agent_id", agent_id)
        self.assignee_name = name if agent_id else None

    @property
    def changed(self) -> set[str]:
        """Names of the columns that differ, and of the dependencies."""
        found = {n for n, old in self.previous.items() if getattr(self.task, n) != old}
        if self.dependency_ids != self.previous_dependency_ids:
            found.add("depends_on_task_ids")
        return found

    @property
    def is_blocked(self) -> bool:
        """Something unfinished stands in the way."""
        return bool(self.unfinished_ids) and self.task.status != "done"

    def require_version(self, wanted: Mapping[str, Any], expected_version: int | None) -> None:
        """Refuse when a field that would get another value was changed since (ruling 3).

        Raises:
            StaleVersion: with the present row, the fields, and who changed them.
        """
        if expected_version is None or expected_version >= self.task.version:
            return
        differing = [name for name, value in wanted.items() if self._present(name) != value]
        fields = rules.stale_fields(self.task.field_versions, differing, expected_version)
        if fields:
            raise StaleVersion(
                _("Somebody else changed the task since."),
                fields=fields,
                current=reads.task_of(self.task),
                changed_by=self._changer(fields),
            )

    def _present(self, name: str) -> Any:
        return self.dependency_ids if name == "depends_on_task_ids" else getattr(self.task, name)

    def _changer(self, fields: list[str]) -> str:
        """Name of who last changed one of the fields; asked only when a change is refused."""
        events = ActivityEvent.objects.filter(
            task_id=self.task.pk, data__changes__has_any_keys=fields
        ).order_by("-seq")
        return events.values_list("actor_name", flat=True).first() or ""

    def write(self) -> set[str]:
        """Write the changed columns as the next version; returns the names of what changed."""
        changed = self.changed
        if not changed:
            return changed
        task = self.task
        task.version += 1
        task.updated_at = clock.now()
        tracked = changed.intersection(TRACKED)
        task.field_versions = {**task.field_versions, **dict.fromkeys(tracked, task.version)}
        columns = changed - {"depends_on_task_ids"}
        values = {name: getattr(task, name) for name in columns}
        values |= {"version": task.version, "updated_at": task.updated_at}
        for name in ("field_versions", "custom_field_values"):
            if name in values or name == "field_versions":
                values[name] = orjson.dumps(getattr(task, name)).decode()
        rows.update_task(task.pk, values)
        self.refresh_annotations()
        return changed

    def refresh_annotations(self) -> None:
        """Make the row carry what :mod:`boards.reads` shapes."""
        facts = self.task.__dict__
        facts["assignee_name"] = self.assignee_name
        facts["dependency_ids"] = self.dependency_ids
        facts["unfinished_ids"] = self.unfinished_ids
        facts["tags"] = self.tags
        facts["field_specs"] = self.field_specs

    # --- events ------------------------------------------------------------

    def data(self, names: set[str], **more: Any) -> dict[str, Any]:
        """Data of an event about these fields: version, changes, previous values."""
        changes: dict[str, Any] = {}
        previous: dict[str, Any] = {}
        for name in sorted(names.intersection(self.previous)):
            if name in TRACKED or name in TIMES:
                changes[name] = _plain(getattr(self.task, name))
                previous[name] = _plain(self.previous[name])
        if "assigned_agent_id" in changes:
            changes["assignee"] = self.assignee_name
            previous["assignee"] = self.previous_assignee_name
        if "tag_ids" in changes:
            changes["tags"] = self.tags
        if "custom_field_values" in changes:
            changes["custom_field_values"], previous["custom_field_values"] = self._values()
        if "depends_on_task_ids" in names:
            changes |= blocking(self.dependency_ids, self.unfinished_ids, self.task.status)
            previous["depends_on_task_ids"] = [str(i) for i in self.previous_dependency_ids]
        found: dict[str, Any] = {
            "task_id": str(self.task.pk),
            "version": self.task.version,
            "changes": rules.event_values(changes),
            "previous": rules.event_values(previous),
            **more,
        }
        if self.acting_for:
            found["acting_for"] = self.acting_for
        return found

    def _values(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Custom field values that differ, as shown now and before."""
        now = custom_fields.shown(self.field_specs, self.task.custom_field_values)
        old = custom_fields.shown(self.field_specs, self.previous["custom_field_values"])
        names = [name for name in now if now[name] != old[name]]
        return (
            custom_fields.excerpt({name: now[name] for name in names}),
            custom_fields.excerpt({name: old[name] for name in names}),
        )

    def publish(self, type_: str, data: Mapping[str, Any], *, agent_id: UUID | None = None) -> None:
        """Record one fact about the task."""
        own = self.actor.id if isinstance(self.actor, AgentActor) else None
        publish(
            type_,
            actor=self.actor,
            target=self.task,
            organization_id=self.board.organization_id,
            board_id=self.board.id,
            task_id=self.task.pk,
            agent_id=agent_id or own,
            data=data,
        )


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return clock.iso(value) if hasattr(value, "astimezone") else value


def blocking(dependency_ids: list[UUID], unfinished_ids: list[UUID], status: str) -> dict[str, Any]:
    """The dependency fields of a task as events name them."""
    waits = [] if status == "done" else unfinished_ids
    return {
        "depends_on_task_ids": [str(i) for i in dependency_ids],
        "blocked_by_task_ids": [str(i) for i in waits],
        "is_blocked": bool(waits),
    }
