"""Comments on tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from activity.publish import publish
from boards import actions, mentioned, rows, rules
from boards.models import Task, TaskComment
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, AgentActor, UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.unit import service

EXCERPT = 200
EDITABLE_FOR = timedelta(minutes=15)
MAX_MESSAGE = 100_000


@service
def add_comment(
    actor: Actor, task_id: Any, *, message: str, board_id: UUID | None = None
) -> TaskComment:
    """Say something on a task.

    Raises:
        Invalid: blank or longer than 100 000 characters.
        NotFound: absent, invisible, or not on ``board_id``.
        Forbidden: no right to write, or a lead whom nobody asked.
    """
    text = checked(message)
    task = _seen(actor, task_id, board_id)
    authz.authorize(actor, actions.COMMENT_TASK, task)
    if isinstance(actor, AgentActor) and actor.is_lead:
        _require_asked(actor, task)
    return write_comment(actor, task, text)


def checked(message: str, *, field: str = "message") -> str:
    """What is stored of a comment.

    Raises:
        Invalid: blank, longer than 100 000 characters, or with a NUL character.
    """
    text = message.strip()
    if not text:
        raise Invalid(_("A comment needs some text."), field=field)
    if len(text) > MAX_MESSAGE:
        raise Invalid(_("The comment is longer than 100 000 characters."), field=field)
    if "\x00" in text:
        raise Invalid(_("The text holds a NUL character."), field=field)
    return text


def _seen(actor: Actor, task_id: Any, board_id: UUID | None) -> Task:
    """A visible task without a lock: a comment needs none on the board."""
    task = rows.visible_task(actor, as_uuid(task_id), board_id)
    if task is None:
        raise NotFound
    return task


def _require_asked(lead: AgentActor, task: Task) -> None:
    """A lead speaks in review, on its own tasks, and where it was mentioned."""
    if task.status == Task.Status.REVIEW or task.created_by_agent_id == lead.id:
        return
    said = TaskComment.objects.filter(task_id=task.pk, message__contains="@")
    for message in said.values_list("message", flat=True):
        handles = rules.mentions(message)
        if "lead" in handles or rules.answers_to(lead.name, handles):
            return
    raise Forbidden(
        _("A lead comments on tasks in review, on its own tasks, and where it is mentioned."),
        code="lead_comment_forbidden",
    )


def write_comment(actor: Actor, task: Task, text: str) -> TaskComment:
    """Store a checked comment and tell of it; part of a running service."""
    now = clock.now()
    comment = TaskComment(
        created_at=now,
        updated_at=now,
        task_id=task.pk,
        message=text,
        author_kind=actor.kind,
        author_id=actor.id,
        author_name=actor.name[:200],
    )
    task.comments_count = rows.insert_comment(comment)
    handles = rules.mentions(text)
    publish(
        "task.commented",
        actor=actor,
        target=task,
        organization_id=task.organization_id,
        board_id=task.board_id,
        task_id=task.pk,
        agent_id=actor.id if isinstance(actor, AgentActor) else None,
        data={
            "comment_id": str(comment.pk),
            "task_id": str(task.pk),
            "excerpt": text[:EXCERPT],
            "mentions": sorted(handles)[:20],
            "comments_count": task.comments_count,
            "author_type": actor.kind,
            "author_id": str(actor.id) if actor.id else None,
            "author_name": actor.name,
        },
    )
    mentioned.tell(
        actor,
        handles,
        organization_id=task.organization_id,
        boards=[task.board_id],
        place=task.target,
        board_id=task.board_id,
        task_id=task.pk,
        comment_id=str(comment.pk),
    )
    return comment


def has_comment_since(task: Task, authors: set[UUID] | None) -> bool:
    """Whether somebody (of ``authors``) commented since the present work began."""
    if task._state.adding:  # noqa: SLF001 - not stored yet, so nobody can have said anything
        return False
    since = task.in_progress_at or task.reopened_at or task.created_at
    said = TaskComment.objects.filter(task_id=task.pk, created_at__gte=since)
    if authors is not None:
        said = said.filter(author_id__in=authors)
    return said.exists()


def _own(
    actor: Actor, task_id: Any, comment_id: Any, board_id: UUID | None
) -> tuple[Task, TaskComment]:
    task = _seen(actor, task_id, board_id)
    comment = (
        TaskComment.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=as_uuid(comment_id), task_id=task.pk)
        .first()
    )
    if comment is None:
        raise NotFound
    authz.authorize(actor, actions.COMMENT_TASK, task)
    return task, comment


def _is_author(actor: Actor, comment: TaskComment) -> bool:
    return comment.author_kind == actor.kind and comment.author_id == actor.id


@service
def edit_comment(
    actor: Actor, task_id: Any, comment_id: Any, *, message: str, board_id: UUID | None = None
) -> TaskComment:
    """Correct an own comment within 15 minutes; the event keeps that it was changed.

    Raises:
        Invalid: blank or too long.
        NotFound: absent or invisible.
        Forbidden: somebody else's comment.
        Conflict: older than 15 minutes.
    """
    text = checked(message)
    task, comment = _own(actor, task_id, comment_id, board_id)
    if not _is_author(actor, comment):
        raise Forbidden(_("A comment is edited by the one who wrote it."))
    if clock.now() - comment.created_at > EDITABLE_FOR:
        raise Conflict(_("A comment can be edited for 15 minutes."), code="comment_too_old")
    if text == comment.message:
        return comment
    comment.message, comment.edited_at = text, clock.now()
    comment.save(update_fields=["message", "edited_at", "updated_at"])
    _trace(actor, task, comment, "task.comment_edited")
    return comment


@service
def delete_comment(
    actor: Actor, task_id: Any, comment_id: Any, *, board_id: UUID | None = None
) -> None:
    """Delete an own comment, or as an admin anybody's; the event keeps who said something when.

    Raises:
        NotFound: absent or invisible.
        Forbidden: somebody else's comment.
    """
    task, comment = _own(actor, task_id, comment_id, board_id)
    is_admin = isinstance(actor, UserActor) and actor.is_admin_in(task.organization_id)
    if not (_is_author(actor, comment) or is_admin or actor.kind == "system"):
        raise Forbidden(_("A comment is deleted by its author or an admin."))
    _trace(actor, task, comment, "task.comment_deleted")
    comment.delete()
    Task.objects.filter(pk=task.pk).update(comments_count=F("comments_count") - 1)


def _trace(actor: Actor, task: Task, comment: TaskComment, type_: str) -> None:
    publish(
        type_,
        actor=actor,
        target=task,
        organization_id=task.organization_id,
        board_id=task.board_id,
        task_id=task.pk,
        data={
            "comment_id": str(comment.pk),
            "task_id": str(task.pk),
            "author_name": comment.author_name,
            "said_at": clock.iso(comment.created_at),
        },
    )
