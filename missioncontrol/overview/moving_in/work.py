"""Groups, boards, tags, fields and tasks of the original product as rows of ours."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from boards import rules
from boards.models import Board, BoardGroup, CustomField, Tag, Task, TaskDependency
from missioncontrol.overview.moving_in.source import Row
from missioncontrol.overview.moving_in.state import Left, Moved

FLAGS = (
    "goal_confirmed",
    "require_review_before_done",
    "comment_required_for_review",
    "block_status_changes_with_pending_approval",
    "only_lead_can_change_status",
)


def group(row: Row, moved: Moved) -> Model:
    """A board group."""
    organization_id = moved.organization(row["organization_id"])
    moved.groups[row["id"]] = organization_id
    return BoardGroup(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        slug=row.get("slug") or rules.slug_of(row["name"]),
        description=row.get("description"),
    )


def board(row: Row, moved: Moved) -> Model:
    """A board with its rules; it gets a short key for its tasks."""
    organization_id = moved.organization(row["organization_id"])
    there = Board.objects.filter(pk=row["id"]).first()
    taken = moved.board_keys[organization_id]
    if not taken:
        boards = Board.objects.filter(organization_id=organization_id)
        taken.update(boards.values_list("key", flat=True))
    key = there.key if there else rules.derive_key(row["name"], taken)
    taken.add(key)
    moved.boards[row["id"]] = (organization_id, key)
    if there is not None:
        moved.numbers[row["id"]] = there.next_task_number - 1
    gateway_id, group_id = row.get("gateway_id"), row.get("board_group_id")
    return Board(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        slug=row.get("slug") or rules.slug_of(row["name"]),
        key=key,
        description=row.get("description") or "",
        gateway_id=gateway_id if gateway_id in moved.gateways else None,
        board_group_id=group_id if group_id in moved.groups else None,
        board_type=row.get("board_type") or "goal",
        **{name: row.get(name) for name in ("objective", "success_metrics", "target_date")},
        **{name: bool(row.get(name)) for name in FLAGS},
        goal_source=row.get("goal_source"),
        require_approval_for_done=row.get("require_approval_for_done") is not False,
        max_agents=int(row["max_agents"]) if row.get("max_agents") is not None else 1,
    )


def tag(row: Row, moved: Moved) -> Model:
    """A tag."""
    organization_id = moved.organization(row["organization_id"])
    moved.tags.add(row["id"])
    color = str(row.get("color") or "9e9e9e").lower().lstrip("#")
    return Tag(
        id=row["id"],
        organization_id=organization_id,
        name=row["name"],
        slug=row.get("slug") or rules.slug_of(row["name"]) or "tag",
        color=color[:6],
        description=row.get("description"),
    )


def tag_of_task(row: Row, moved: Moved) -> None:
    """A tag on a task: kept on the task, in the order of assignment."""
    if row["tag_id"] not in moved.tags:
        raise Left("its tag is not there")
    moved.tags_of_tasks[row["task_id"]].append(row["tag_id"])


def custom_field(row: Row, moved: Moved) -> Model:
    """A custom field."""
    organization_id = moved.organization(row["organization_id"])
    moved.fields[row["id"]] = row["field_key"]
    return CustomField(
        id=row["id"],
        organization_id=organization_id,
        field_key=row["field_key"],
        label=row.get("label") or row["field_key"],
        field_type=row.get("field_type") or "text",
        ui_visibility=row.get("ui_visibility") or "always",
        **{name: row.get(name) for name in ("validation_regex", "description", "default_value")},
        required=bool(row.get("required")),
    )


def binding(row: Row, moved: Moved) -> list[Model]:
    """A field on a board."""
    moved.board(row["board_id"])
    key = row["task_custom_field_definition_id"]
    if key not in moved.fields:
        raise Left("its field is not there")
    through = CustomField.boards.through
    known = through.objects.filter(board_id=row["board_id"], customfield_id=key)
    return [] if known.exists() else [through(board_id=row["board_id"], customfield_id=key)]


def field_value(row: Row, moved: Moved) -> None:
    """A value of a field: kept on the task."""
    key = moved.fields.get(row["task_custom_field_definition_id"])
    if key is None:
        raise Left("its field is not there")
    moved.values_of_tasks[row["task_id"]][key] = row.get("value")


def task(row: Row, moved: Moved) -> Model:
    """A task; ``inbox`` is ``todo`` here, and it gets the next number of its board."""
    organization_id, key = moved.board(row["board_id"])
    moved.tasks[row["id"]] = (row["board_id"], row["title"][:500])
    status = rules.parse_status(row.get("status") or "todo") or Task.Status.TODO
    moved.numbers[row["board_id"]] += 1
    number = moved.numbers[row["board_id"]]
    column = (row["board_id"], status)
    moved.last_rank[column] = rules.rank_between(moved.last_rank.get(column), None)
    assignee = row.get("assigned_agent_id")
    times: dict[str, Any] = {
        name: row.get(name)
        for name in ("due_at", "in_progress_at", "previous_in_progress_at", "auto_reason")
    }
    return Task(
        id=row["id"],
        organization_id=organization_id,
        board_id=row["board_id"],
        number=number,
        key=f"{key}-{number}",
        title=row["title"][:500],
        description=row.get("description"),
        status=status,
        rank=moved.last_rank[column],
        priority=str(row.get("priority") or "medium")[:32],
        assigned_agent_id=assignee if assignee in moved.agents else None,
        created_by_id=moved.user(row.get("created_by_user_id")),
        auto_created=bool(row.get("auto_created")),
        first_in_progress_at=row.get("in_progress_at") or row.get("previous_in_progress_at"),
        done_at=row.get("updated_at") if status == Task.Status.DONE else None,
        review_at=row.get("updated_at") if status == Task.Status.REVIEW else None,
        fingerprint=rules.fingerprint(row["board_id"], row["title"], row.get("description")),
        tag_ids=moved.tags_of_tasks.get(row["id"], []),
        custom_field_values=moved.values_of_tasks.get(row["id"], {}),
        **times,
    )


def dependency(row: Row, moved: Moved) -> list[Model]:
    """A task that waits for another of the same board."""
    board_id, _ = moved.task(row["task_id"])
    if moved.task(row["depends_on_task_id"])[0] != board_id:
        raise Left("the two tasks are on different boards")
    keys = {"task_id": row["task_id"], "depends_on_id": row["depends_on_task_id"]}
    if TaskDependency.objects.filter(**keys).exists():
        return []
    moved.positions[row["task_id"]] += 1
    return [TaskDependency(**keys, position=moved.positions[row["task_id"]])]
