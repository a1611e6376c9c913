"""Changes and snapshots of a board for its socket: the services, told in the socket's words.

Source: specification of modules, M9.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from activity.frames import OPERATION
from activity.models import EventStream
from boards import reads, rows, services
from boards.models import Board, Task
from missioncontrol.kernel import clock, credentials
from missioncontrol.kernel.actors import UserActor, actor_key
from missioncontrol.kernel.context import request_id, set_request_id
from missioncontrol.kernel.errors import (
    ApprovalRequired,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    StaleVersion,
    Unauthenticated,
)
from missioncontrol.kernel.models import IdempotencyRecord
from missioncontrol.kernel.schemas import Input, JsonObject, Text, Title, UtcTime, field_errors

PER_COLUMN = 500
DONE_FOR = timedelta(days=30)
#: Words of refusals on the socket; the first class that fits.
CODES: tuple[tuple[type[DomainError], str], ...] = (
    (StaleVersion, "VERSION_CONFLICT"),
    (ApprovalRequired, "APPROVAL_REQUIRED"),
    (Conflict, "TRANSITION_BLOCKED"),
    (Forbidden, "FORBIDDEN"),
    (Unauthenticated, "FORBIDDEN"),
    (NotFound, "NOT_FOUND"),
    (RateLimited, "RATE_LIMITED"),
    (Invalid, "VALIDATION"),
)


class _Op(Input):
    """What every change frame has."""

    type: str
    id: str | None = None
    op_id: UUID


class MoveFrame(_Op):
    """``task.move``."""

    task_id: UUID
    status: str
    before_id: UUID | None = None
    after_id: UUID | None = None
    base_version: int | None = None

    def run(self, actor: UserActor, board_id: UUID) -> Task:
        """Carry it out."""
        return services.move_task(
            actor,
            self.task_id,
            to=self.status,
            before_id=self.before_id,
            after_id=self.after_id,
            expected_version=self.base_version,
            board_id=board_id,
        )


class CreateFrame(_Op):
    """``task.create``."""

    title: Title
    status: str = "todo"
    assignee_id: UUID | None = None
    priority: str | None = None
    before_id: UUID | None = None
    after_id: UUID | None = None

    def run(self, actor: UserActor, board_id: UUID) -> Task:
        """Carry it out."""
        return services.create_task(
            actor,
            board_id,
            title=self.title,
            status=self.status,
            priority=self.priority or "medium",
            assigned_agent_id=self.assignee_id,
            before_id=self.before_id,
            after_id=self.after_id,
        )


class PatchChanges(Input):
    """Fields that ``task.patch`` changes."""

    title: Title | None = None
    description: Text | None = None
    priority: str | None = None
    due_at: UtcTime | None = None
    assigned_agent_id: UUID | None = None
    depends_on_task_ids: list[UUID] | None = None
    tags: list[UUID] | None = None
    custom_field_values: JsonObject | None = None


class PatchFrame(_Op):
    """``task.patch``."""

    task_id: UUID
    base_version: int | None = None
    changes: PatchChanges

    def run(self, actor: UserActor, board_id: UUID) -> Task:
        """Carry it out."""
        changes = self.changes.given()
        if "tags" in changes:
            changes["tag_ids"] = changes.pop("tags")
        return services.update_task(
            actor,
            self.task_id,
            changes=changes,
            expected_version=self.base_version,
            board_id=board_id,
        )


Op = MoveFrame | CreateFrame | PatchFrame
OPS: dict[str, type[MoveFrame] | type[CreateFrame] | type[PatchFrame]] = {
    "task.move": MoveFrame,
    "task.create": CreateFrame,
    "task.patch": PatchFrame,
}


def parse(frame: dict[str, Any]) -> Op:
    """A change frame.

    Raises:
        Invalid: it does not fit its type.
    """
    from pydantic import ValidationError

    try:
        return OPS[frame["type"]].model_validate(frame)
    except ValidationError as error:
        raise Invalid(_("The frame does not fit."), errors=field_errors(error, "frame")) from error


def fresh(known: UserActor) -> UserActor:
    """The person with his rights of this moment; a token's narrower scope stays.

    Raises:
        Unauthenticated: no longer active.
    """
    found = credentials.from_session(known.id, known.organization_id)
    if found is None:
        raise Unauthenticated
    return replace(found, scope=known.scope)


def perform(known: UserActor, board_id: UUID, op: Op) -> dict[str, Any]:
    """Carry a change out once per ``op_id`` and person; a repeat gets the first answer.

    Raises:
        DomainError: what the service refuses; then nothing is kept.
    """
    actor = fresh(known)
    before = request_id()
    set_request_id(f"{OPERATION}{op.op_id}")
    try:
        with transaction.atomic():
            record, is_new = IdempotencyRecord.objects.get_or_create(
                actor_key=actor_key(actor), path=f"ws:board:{board_id}", key=str(op.op_id)
            )
            if not is_new and record.body is not None:
                return dict(record.body)
            task = op.run(actor, board_id)
            # The change holds the stream's counter, so its last number is this change's own.
            seq = EventStream.objects.filter(pk=board_id).values_list("last_seq", flat=True).first()
            record.status, record.body = (
                200,
                {
                    "type": "op.ok",
                    "op_id": str(op.op_id),
                    "seq": seq or 0,
                    "task_id": str(task.pk),
                    "version": task.version,
                },
            )
            record.save(update_fields=["status", "body"])
            return dict(record.body)
    finally:
        set_request_id(before)


def refusal(error: DomainError, frame: dict[str, Any], current: Any) -> dict[str, Any]:
    """A refused change as the socket says it."""
    code = next((word for kind, word in CODES if isinstance(error, kind)), "INTERNAL")
    answer: dict[str, Any] = {
        "type": "op.error",
        "op_id": frame.get("op_id"),
        "code": code,
        "message": str(error.detail),
        "reason": error.machine_code,
    }
    if error.extra.get("blocked_by_task_ids"):
        answer["blocked_by"] = error.extra["blocked_by_task_ids"]
    for name in ("fields", "changed_by", "errors", "request_at"):
        if error.extra.get(name):
            answer[name] = error.extra[name]
    if current is not None:
        answer["current"] = current
    return answer


def current_task(actor: UserActor, board_id: UUID, raw: Any) -> dict[str, Any] | None:
    """The task of a refused change as it stands, so that the page can go back to it."""
    try:
        pk = UUID(str(raw))
    except ValueError:
        return None
    found = reads.tasks(Task.objects.visible_to(actor).filter(pk=pk, board_id=board_id))
    return found[0] if found else None


def state(actor: UserActor, board_id: UUID) -> dict[str, Any]:
    """A snapshot with the number after which events follow.

    The number is read first: what changes meanwhile comes again as an event, never not at all.

    Raises:
        NotFound: absent or not readable any more.
    """
    board = Board.objects.seen_by(actor, board_id)
    seq = EventStream.objects.filter(pk=board_id).values_list("last_seq", flat=True).first() or 0
    counts = reads.task_counts([board_id])[board_id]
    recent = ~Q(status=Task.Status.DONE) | Q(done_at__gte=clock.now() - DONE_FOR)
    newest = Window(RowNumber(), partition_by=["status"], order_by=[F("created_at").desc(), "id"])
    found = Task.objects.filter(recent, board_id=board_id).annotate(place=newest)
    shown_rows = found.filter(place__lte=PER_COLUMN).order_by("status", "rank", "id")
    tasks = reads.with_approvals(reads.tasks(shown_rows), rows.approval_counts(board_id))
    shown = dict.fromkeys(counts, 0)
    for task in tasks:
        shown[task["status"]] += 1
    return {
        "type": "board.state",
        "seq": seq,
        "board": {"id": board.pk, "key": board.key, "name": board.name, "version": board.version},
        "tasks": tasks,
        "columns": {
            status: {"count": count, "truncated": shown[status] < count}
            for status, count in counts.items()
        },
        "me": {"user_id": actor.id, "can_write": may_write(actor, board_id)},
        "server_time": clock.now(),
    }


def may_write(actor: UserActor, board_id: UUID) -> bool:
    """Whether the person may change the board."""
    if actor.scope == "read":
        return False
    return bool(Board.objects.writable_by(actor).filter(pk=board_id).exists())
