"""Approvals, notes, webhooks, comments and history of the original product as rows of ours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.db.models import Model

from activity.publish import History, Target
from boards.models import BoardMemory, BoardWebhook, GroupMemory, TaskComment, WebhookPayload
from governance.models import Approval, ApprovalTask
from missioncontrol.kernel import secrets
from missioncontrol.overview.moving_in.source import Row
from missioncontrol.overview.moving_in.state import Left, Moved

COMMENT = "task.comment"
STATUSES = set(Approval.Status.values)


def approval(row: Row, moved: Moved) -> Model:
    """A request for a decision, decided or not."""
    organization_id = moved.board(row["board_id"])[0]
    moved.approvals[row["id"]] = row["board_id"]
    agent_id = row.get("agent_id")
    name = moved.agents.get(agent_id, (None, ""))[1] if agent_id else ""
    return Approval(
        id=row["id"],
        organization_id=organization_id,
        board_id=row["board_id"],
        action_type=row["action_type"],
        status=row["status"] if row.get("status") in STATUSES else Approval.Status.PENDING,
        **{key: row.get(key) for key in ("payload", "confidence", "rubric_scores", "resolved_at")},
        agent_id=agent_id,
        agent_name=name,
        requested_by_kind="agent" if agent_id else "user",
        requested_by_id=agent_id,
        requested_by_name=name,
    )


def approval_task(row: Row, moved: Moved) -> list[Model]:
    """A task that a request is about."""
    if row["approval_id"] not in moved.approvals:
        raise Left("its approval is not there")
    title = moved.task(row["task_id"])[1]
    keys = {"approval_id": row["approval_id"], "task_id": row["task_id"]}
    if ApprovalTask.objects.filter(**keys).exists():
        return []
    moved.positions[row["approval_id"]] += 1
    return [ApprovalTask(**keys, title=title, position=moved.positions[row["approval_id"]])]


def approval_own_task(row: Row, moved: Moved) -> list[Model] | None:
    """The one task that an older request names in its own row."""
    if row.get("task_id") is None:
        return None
    return approval_task({"approval_id": row["id"], "task_id": row["task_id"]}, moved)


def _note(row: Row, organization_id: UUID) -> dict[str, Any]:
    if not (row.get("content") or "").strip():
        raise Left("it is blank")
    tags = row.get("tags")
    return {
        "id": row["id"],
        "organization_id": organization_id,
        "content": row["content"],
        "tags": tags,
        "is_chat": bool(row.get("is_chat")) or "chat" in (tags or []),
        "source": row.get("source"),
        "author_kind": "system",
        "author_name": (row.get("source") or "")[:200],
    }


def board_note(row: Row, moved: Moved) -> Model:
    """A note or message of a board."""
    organization_id = moved.board(row["board_id"])[0]
    return BoardMemory(board_id=row["board_id"], **_note(row, organization_id))


def group_note(row: Row, moved: Moved) -> Model:
    """A note or message of a group."""
    organization_id = moved.groups.get(row["board_group_id"])
    if organization_id is None:
        raise Left("its group is not there")
    return GroupMemory(board_group_id=row["board_group_id"], **_note(row, organization_id))


def webhook(row: Row, moved: Moved) -> Model:
    """An address for senders; it stays the same, and so does the secret."""
    organization_id = moved.board(row["board_id"])[0]
    moved.webhooks[row["id"]] = row["board_id"]
    agent_id, secret = row.get("agent_id"), row.get("secret") or ""
    return BoardWebhook(
        id=row["id"],
        organization_id=organization_id,
        board_id=row["board_id"],
        agent_id=agent_id if agent_id in moved.agents else None,
        description=row.get("description") or "",
        enabled=row.get("enabled") is not False,
        secret_sealed=secrets.seal(secret) if secret else "",
        signature_header=row.get("signature_header"),
    )


def payload(row: Row, moved: Moved) -> Model:
    """What a sender sent; it is not told to an agent again."""
    board_id = moved.webhooks.get(row["webhook_id"])
    if board_id is None:
        raise Left("its webhook is not there")
    content = row.get("payload")
    is_json = not isinstance(content, str)
    body = orjson.dumps(content).decode() if is_json else str(content)
    return WebhookPayload(
        id=row["id"],
        organization_id=moved.board(board_id)[0],
        board_id=board_id,
        webhook_id=row["webhook_id"],
        body=body,
        is_json=is_json,
        size_bytes=len(body.encode()),
        headers=row.get("headers") or {},
        source_ip=row.get("source_ip") or "",
        content_type=row.get("content_type") or "",
        received_at=row["received_at"],
        delivery_status=WebhookPayload.Delivery.SKIPPED,
    )


def comment(row: Row, moved: Moved) -> list[Model] | None:
    """A comment: there an event, here a row of its own; other events are the history's."""
    if row.get("event_type") != COMMENT or not (row.get("message") or "").strip():
        return None
    moved.task(row.get("task_id"))
    agent_id = row.get("agent_id")
    if TaskComment.objects.filter(pk=row["id"]).exists():
        return []
    return [
        TaskComment(
            id=row["id"],
            task_id=row["task_id"],
            message=row["message"],
            author_kind="agent" if agent_id else "user",
            author_id=agent_id,
            author_name=moved.agents[agent_id][1] if agent_id in moved.agents else "",
            created_at=row["created_at"],
        )
    ]


def history(row: Row, moved: Moved) -> History:
    """An event of the past, for the timeline."""
    task_id, agent_id = row.get("task_id"), row.get("agent_id")
    board_id = row.get("board_id")
    title = ""
    if task_id in moved.tasks:
        board_id, title = moved.tasks[task_id]
    if board_id in moved.boards:
        organization_id = moved.boards[board_id][0]
    elif agent_id in moved.agents:
        organization_id, title = moved.agents[agent_id]
    else:
        raise Left("nothing that it is about is there")
    kind = "task" if task_id in moved.tasks else "agent" if agent_id in moved.agents else "board"
    about = {"task": task_id, "agent": agent_id, "board": board_id}[kind]
    return History(
        id=row["id"],
        at=row["created_at"],
        organization_id=organization_id,
        board_id=board_id if board_id in moved.boards else None,
        target=Target(kind, about, title),
        task_id=task_id if task_id in moved.tasks else None,
        agent_id=agent_id if agent_id in moved.agents else None,
        agent_name=moved.agents[agent_id][1] if agent_id in moved.agents else "",
        name=row["event_type"],
        message=row.get("message") or "",
    )
