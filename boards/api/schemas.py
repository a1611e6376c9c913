"""Inputs and outputs of the API of groups, boards, tasks, comments and requests for approval."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from boards.rules import MAX_DEPENDENCIES
from missioncontrol.kernel.schemas import (
    Input,
    JsonObject,
    Name,
    NonBlankText,
    Output,
    Text,
    Title,
    UtcTime,
)

Slug = Annotated[str, StringConstraints(max_length=200)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Ids = Annotated[list[UUID], Field(max_length=MAX_DEPENDENCIES)]
Key = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2,5}$")
]


class GroupIn(Input):
    """A new group."""

    name: Name
    slug: Slug | None = None
    description: Text | None = None
    organization_id: UUID | None = None


class GroupPatch(Input):
    """Fields of a group to change."""

    name: Name = ""
    slug: Slug | None = None
    description: Text | None = None


class BoardFields(Input):
    """Fields that a board has beside its name."""

    slug: Slug | None = None
    key: Key | None = None
    description: Text | None = None
    gateway_id: UUID | None = None
    board_group_id: UUID | None = None
    board_type: Literal["goal", "general"] | None = None
    objective: Text | None = None
    success_metrics: JsonObject | None = None
    target_date: UtcTime | None = None
    goal_confirmed: bool | None = None
    goal_source: Annotated[str, StringConstraints(max_length=60)] | None = None
    require_approval_for_done: bool | None = None
    approval_gate_scope: Literal["agents", "everyone"] | None = None
    require_review_before_done: bool | None = None
    comment_required_for_review: bool | None = None
    block_status_changes_with_pending_approval: bool | None = None
    only_lead_can_change_status: bool | None = None
    max_agents: int | None = Field(default=None, ge=0, le=10_000)
    execution_policy: Literal["manual", "on_assign"] | None = None
    wip_limits: dict[str, int] | None = None


class BoardIn(BoardFields):
    """A new board."""

    name: Name
    organization_id: UUID | None = None


class BoardPatch(BoardFields):
    """Fields of a board to change."""

    name: Name | None = None


class TaskFields(Input):
    """Fields of a task that clients write.

    ``created_by_user_id`` is accepted and ignored: it is always the caller.
    """

    description: Text | None = None
    due_at: UtcTime | None = None
    assigned_agent_id: UUID | None = None
    depends_on_task_ids: Ids | None = None
    dependencies: Ids | None = None
    tag_ids: Annotated[list[UUID], Field(max_length=200)] | None = None
    custom_field_values: JsonObject | None = None
    created_by_user_id: UUID | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        both = {"depends_on_task_ids", "dependencies"} <= self.model_fields_set
        if both and self.depends_on_task_ids != self.dependencies:
            raise ValueError("dependencies and depends_on_task_ids differ; send one of them.")
        return self


class TaskIn(TaskFields):
    """A new task."""

    title: Title
    board_id: UUID | None = None
    status: Word = "todo"
    priority: Word = "medium"
    allow_duplicate: bool = False
    before_id: UUID | None = None
    after_id: UUID | None = None


class TaskPatch(TaskFields):
    """Fields of a task to change."""

    title: Title | None = None
    status: Word | None = None
    priority: Word | None = None
    comment: Text | None = None


class Assignment(Input):
    """Who gets the task; null takes it away."""

    agent_id: UUID | None = None
    assigned_agent_id: UUID | None = None

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("agent_id is required.")
        if len(self.model_fields_set) == 2 and self.agent_id != self.assigned_agent_id:
            raise ValueError("agent_id and assigned_agent_id differ; send one of them.")
        return self

    @property
    def wanted(self) -> UUID | None:
        """The agent named."""
        return self.agent_id or self.assigned_agent_id


class Relocation(Input):
    """The board that a task moves to."""

    board_id: UUID


class CommentIn(Input):
    """A comment."""

    message: NonBlankText


class TaskFilter(Input):
    """Filters of a task list."""

    status: str | None = None
    assigned_agent_id: UUID | None = None
    unassigned: bool | None = None
    priority: str | None = None
    tag: str | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    due_before: UtcTime | None = None
    updated_since: UtcTime | None = None
    board_id: UUID | None = None
    limit: int | None = None
    offset: int | None = None


class BoardFilter(Input):
    """Filters of a board list."""

    gateway_id: UUID | None = None
    board_group_id: UUID | None = None
    organization_id: UUID | None = None
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    limit: int | None = None
    offset: int | None = None


class SnapshotFilter(Input):
    """What a group snapshot holds."""

    include_self: bool = False
    include_done: bool = False
    per_board_task_limit: int = Field(default=5, ge=0, le=100)


class ApprovalIn(Input):
    """A question to people. ``action`` and ``reason`` are the guide's names."""

    board_id: UUID | None = None
    action_type: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = (
        None
    )
    action: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None = None
    payload: JsonObject | None = None
    metadata: JsonObject | None = None
    reason: Text | None = None
    lead_reasoning: Text | None = None
    confidence: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    rubric_scores: Annotated[dict[str, int], Field(max_length=50)] | None = None
    task_id: UUID | None = None
    task_ids: Annotated[list[UUID], Field(max_length=100)] = []
    agent_id: UUID | None = None
    status: Literal["pending"] = "pending"
    expires_at: UtcTime | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.action_type or self.action):
            raise ValueError("action_type is required.")
        if self.action_type and self.action and self.action_type != self.action:
            raise ValueError("action and action_type differ; send one of them.")
        return self


# --- outputs, for the published schema ------------------------------------------------------------


class BoardEvents(Output):
    """Numbered events of a board, as its socket sends them."""

    items: list[dict[str, Any]]
    latest_seq: int
    reset: bool


class GroupOut(Output):
    """A board group."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    description: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class TaskOut(Output):
    """A task; in snapshots with ``approvals_count`` and ``approvals_pending_count``."""

    id: UUID
    board_id: UUID
    key: str
    number: int
    title: str
    description: str | None
    status: Literal["todo", "in_progress", "review", "done"]
    rank: str
    priority: str
    due_at: datetime | None
    assigned_agent_id: UUID | None
    assignee: str | None
    in_progress_at: datetime | None
    previous_in_progress_at: datetime | None
    first_in_progress_at: datetime | None
    review_at: datetime | None
    done_at: datetime | None
    reopened_at: datetime | None
    created_by_user_id: UUID | None
    created_by_agent_id: UUID | None
    auto_created: bool
    auto_reason: str | None
    depends_on_task_ids: list[UUID]
    dependencies: list[UUID]
    blocked_by_task_ids: list[UUID]
    is_blocked: bool
    tag_ids: list[UUID]
    tags: list[dict[str, Any]]
    custom_field_values: dict[str, Any]
    comments_count: int
    delivery: str
    delivery_detail: str
    version: int
    created_at: datetime
    updated_at: datetime


class TaskPage(Output):
    """A page of tasks, newest first."""

    items: list[TaskOut]
    total: int
    limit: int
    offset: int


class CommentOut(Output):
    """A comment."""

    id: UUID
    task_id: UUID
    message: str
    agent_id: UUID | None
    author_type: Literal["user", "agent", "system"]
    author_id: UUID | None
    author_name: str
    created_at: datetime
    edited_at: datetime | None


class CommentPage(Output):
    """A page of comments, oldest first."""

    items: list[CommentOut]
    total: int
    limit: int
    offset: int


class BoardOut(Output):
    """A board; its detail also has ``tasks``, ``tasks_total`` and ``task_counts``."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    key: str
    description: str
    gateway_id: UUID | None
    board_group_id: UUID | None
    board_type: Literal["goal", "general"]
    objective: str | None
    success_metrics: dict[str, Any] | None
    target_date: datetime | None
    goal_confirmed: bool
    goal_source: str | None
    require_approval_for_done: bool
    approval_gate_scope: Literal["agents", "everyone"]
    require_review_before_done: bool
    comment_required_for_review: bool
    block_status_changes_with_pending_approval: bool
    only_lead_can_change_status: bool
    max_agents: int
    execution_policy: Literal["manual", "on_assign"]
    paused: bool
    wip_limits: dict[str, int]
    version: int
    created_at: datetime
    updated_at: datetime


class BoardPage(Output):
    """A page of boards by name."""

    items: list[BoardOut]
    total: int
    limit: int
    offset: int


class Snapshot(Output):
    """A board with everything that its page shows."""

    board: BoardOut
    tasks: list[TaskOut]
    agents: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    chat_messages: list[dict[str, Any]]
    pending_approvals_count: int


class GroupSnapshot(Output):
    """Boards of a group with their most important tasks."""

    group: GroupOut | None
    boards: list[dict[str, Any]]
