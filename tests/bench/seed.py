"""Rows to measure on, written in bulk: the services are measured, not the seeding."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone


@dataclass(frozen=True)
class World:
    """Ids that the measurements use."""

    organization_id: uuid.UUID
    board_id: uuid.UUID
    task_ids: list[uuid.UUID]
    worker_id: uuid.UUID
    worker_token: str


def fill(
    *, tasks: int, events: int, agents: int, approvals: int = 200, comments: int = 20
) -> World:
    """One board of 500 tasks (the rest on others), events, approvals, agents, comments."""
    from agents.models import Agent
    from boards.models import Board, Task
    from missioncontrol.kernel.secrets import new_token, token_hash
    from orgs.services import users

    operator = users.ensure_local_user()
    organization_id = operator.memberships.first().organization_id  # type: ignore[union-attr]
    boards = [
        Board(
            organization_id=organization_id, name=f"Board {n}", slug=f"board-{n}",
            key=_key(n), next_task_number=501,
        )
        for n in range(max(1, tasks // 500))
    ]  # fmt: skip
    Board.objects.bulk_create(boards)
    tokens = [new_token("mca_") for _ in range(agents)]
    fleet = [
        Agent(
            organization_id=organization_id, board_id=boards[0].id, name=f"agent {n}",
            status="online", token_hash=token_hash(token), last_seen_at=timezone.now(),
        )
        for n, token in enumerate(tokens)
    ]  # fmt: skip
    Agent.objects.bulk_create(fleet)
    rows: list[Any] = []
    statuses = ["todo", "in_progress", "review", "done"]
    for n in range(tasks):
        board = boards[min(n // 500, len(boards) - 1)]
        rows.append(
            Task(
                organization_id=organization_id, board_id=board.id, number=n + 1,
                key=f"{board.key}-{n + 1}", title=f"Task {n} with a title of ordinary length",
                description="What is to be done, in a few words." * 3, status=statuses[n % 4],
                rank=f"{n:08d}", fingerprint=uuid.uuid4().hex, priority="medium",
                assigned_agent_id=fleet[n % len(fleet)].id if n % 3 else None,
                **_moments(statuses[n % 4], n),
            )
        )  # fmt: skip
    Task.objects.bulk_create(rows, batch_size=2000)
    Board.objects.update(next_task_number=tasks + 1)
    first = [t.id for t in rows if t.board_id == boards[0].id]
    _comments(first[0], comments)
    _approvals(organization_id, boards[0].id, rows[:approvals])
    _events(organization_id, boards[0].id, first, events)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return World(organization_id, boards[0].id, first, fleet[0].id, tokens[0])


def _moments(status: str, number: int) -> dict[str, Any]:
    """When a task came into its status: spread over the last month."""
    at = timezone.now() - timedelta(minutes=7 * (number % 6000))
    field = {"in_progress": "in_progress_at", "review": "review_at", "done": "done_at"}.get(status)
    if field is None:
        return {}
    return {field: at, "first_in_progress_at": at - timedelta(hours=1 + number % 40)}


def _key(number: int) -> str:
    letters = ""
    for _ in range(4):
        letters = chr(65 + number % 26) + letters
        number //= 26
    return letters


def _comments(task_id: uuid.UUID, count: int) -> None:
    from boards.models import TaskComment

    TaskComment.objects.bulk_create(
        TaskComment(
            task_id=task_id, message=f"Comment {n}: what was seen and done.",
            author_kind="user", author_name="Bench",
        )
        for n in range(count)
    )  # fmt: skip


def _approvals(organization_id: uuid.UUID, board_id: uuid.UUID, tasks: list[Any]) -> None:
    from governance.models import Approval, ApprovalTask

    asked = [
        Approval(
            organization_id=organization_id, board_id=board_id, action_type="task.done",
            payload={"reason": "Everything is checked."}, confidence=80,
            requested_by_kind="agent", requested_by_name="agent 0",
        )
        for _ in tasks
    ]  # fmt: skip
    Approval.objects.bulk_create(asked)
    ApprovalTask.objects.bulk_create(
        ApprovalTask(approval=a, task_id=t.id, title=t.title)
        for a, t in zip(asked, tasks, strict=True)
    )


def _events(
    organization_id: uuid.UUID, board_id: uuid.UUID, tasks: list[uuid.UUID], count: int
) -> None:
    """Events by one SQL statement: a million rows in seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT last_seq FROM activity_eventstream WHERE id = %s), 0), "
            "coalesce((SELECT last_seq FROM activity_eventstream WHERE id = %s), 0)",
            [organization_id, board_id],
        )
        org_seq, board_seq = cursor.fetchone()
        cursor.execute(
            "INSERT INTO activity_activityevent (id, organization_id, seq, board_id, board_seq, "
            "task_id, agent_id, actor_kind, actor_id, actor_name, target_kind, target_id, "
            "target_title, type, data, request_id, at) "
            "SELECT gen_random_uuid(), %s, %s + n, %s, %s + n, (%s::uuid[])[1 + n %% %s], NULL, "
            "'user', NULL, 'Bench', 'task', (%s::uuid[])[1 + n %% %s], 'AAAA-1 Task', "
            "'task.moved', '{\"from\": \"todo\", \"to\": \"in_progress\"}', '', "
            "%s + n * interval '1 millisecond' FROM generate_series(1, %s) AS n",
            [organization_id, org_seq, board_id, board_seq, tasks, len(tasks), tasks, len(tasks),
             timezone.now() - timedelta(days=1), count],
        )  # fmt: skip
        for key, kind, last in ((organization_id, "org", org_seq), (board_id, "board", board_seq)):
            cursor.execute(
                "INSERT INTO activity_eventstream (id, kind, last_seq) VALUES (%s, %s, %s) "
                "ON CONFLICT (id) DO UPDATE SET last_seq = EXCLUDED.last_seq",
                [key, kind, last + count],
            )
    from activity import tally

    tally.advance_all()  # as the periodic job does each minute
