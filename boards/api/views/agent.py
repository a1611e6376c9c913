"""The same boards, tasks, comments and approvals for agents, documented for them.

Source: core specification 18; every operation says when an agent calls it and when not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models.functions import Lower
from rest_framework.request import Request
from rest_framework.response import Response

from boards import reads
from boards.api import memory_schemas, schemas
from boards.api.views import approvals, comments, memory, shared, tasks
from boards.models import Board
from governance.api.schemas import ApprovalOut, ApprovalPage
from missioncontrol.kernel.actors import Kind
from missioncontrol.kernel.api import ApiView, ok, operation
from missioncontrol.kernel.errors import NotFound

LEAD, WORKER, MAIN = "agent-lead", "agent-worker", "agent-main"
ALL = (LEAD, WORKER, MAIN)
WORKING = (LEAD, WORKER)


def for_agents(
    name: str,
    who: tuple[str, ...],
    *,
    intent: str,
    use: str,
    avoid: str,
    effects: tuple[str, ...] = (),
    needs: tuple[str, ...] = ("A valid X-Agent-Token",),
    **schema: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish an operation with what a model has to know before it calls it."""
    return operation(
        tags=who,
        summary=use,
        operation_id=name,
        extensions={
            "x-llm-intent": intent,
            "x-when-to-use": [use],
            "x-when-not-to-use": [avoid],
            "x-required-actor": "_or_".join(tag.removeprefix("agent-") for tag in who),
            "x-prerequisites": list(needs),
            "x-side-effects": list(effects),
            "x-routing-policy": ["own board first", f"actors: {', '.join(who)}"],
        },
        **schema,
    )


class AgentBoardListView(ApiView):
    """Boards that the agent works on."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_list_boards", ALL, intent="board_discovery", response=schemas.BoardPage,
        use="Find the boards you work on.",
        avoid="You know your board's id from AGENTS.md.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """List."""
        found = Board.objects.visible_to(self.actor)
        return shared.answer_boards(self, found.order_by(Lower("name"), "-created_at", "id"))


class AgentBoardView(ApiView):
    """One board, without its tasks."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_get_board", ALL, intent="board_context", response=schemas.BoardOut,
        use="Read goal and rules of your board.",
        avoid="You need its tasks: list them.",
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID) -> Response:
        """Read."""
        found = reads.board(self.actor, board_id)
        if found is None:
            raise NotFound
        return ok(found, version=found["version"])


class AgentTaskListView(tasks.TaskListView):
    """Tasks of the agent's board."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_list_tasks", ALL, intent="task_discovery", response=schemas.TaskPage,
        use="Find your tasks: ?assigned_agent_id=<you>&status=todo,in_progress.",
        avoid="You already know the task's id.",
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID | None = None) -> Response:
        """List."""
        answer: Response = super().get(request, board_id)
        return answer

    @for_agents(
        "agent_create_task", (LEAD,), intent="task_creation",
        request=schemas.TaskIn, response=schemas.TaskOut,
        use="Split work into a task for a worker of your board.",
        avoid="An open task already says the same, or you would assign it to yourself.",
        effects=("Creates a task", "Tells the assignee"),
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID | None = None) -> Response:
        """Create."""
        answer: Response = super().post(request, board_id)
        return answer


class AgentTaskView(tasks.TaskView):
    """One task of the agent's board."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_get_task", ALL, intent="task_context", response=schemas.TaskOut,
        use="Read a task before you begin and before you report.",
        avoid="You look for work: list the tasks.",
    )  # fmt: skip
    def get(
        self, request: Request, task_ref: shared.TaskRef, board_id: UUID | None = None
    ) -> Response:
        """Read."""
        answer: Response = super().get(request, task_ref, board_id)
        return answer

    @for_agents(
        "agent_update_task", ALL, intent="task_progress",
        request=schemas.TaskPatch, response=schemas.TaskOut,
        use="Report progress: in_progress when you begin, review or done when you are through.",
        avoid="Another agent has the task.",
        effects=("Changes the task", "May answer 409 approval_required: ask for an approval first"),
    )  # fmt: skip
    def patch(
        self, request: Request, task_ref: shared.TaskRef, board_id: UUID | None = None
    ) -> Response:
        """Change."""
        answer: Response = super().patch(request, task_ref, board_id)
        return answer

    @for_agents(
        "agent_delete_task", (LEAD,), intent="task_cleanup",
        use="Remove a task that was made by mistake.",
        avoid="It was worked on: finish it instead.",
        effects=("Deletes the task with its comments",),
    )  # fmt: skip
    def delete(
        self, request: Request, task_ref: shared.TaskRef, board_id: UUID | None = None
    ) -> Response:
        """Delete."""
        answer: Response = super().delete(request, task_ref, board_id)
        return answer


class AgentCommentListView(comments.CommentListView):
    """Comments of a task of the agent's board."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_list_comments", WORKING, intent="task_context", response=schemas.CommentPage,
        use="Read what was said on a task.",
        avoid="You need only its status.",
    )  # fmt: skip
    def get(
        self, request: Request, task_ref: shared.TaskRef, board_id: UUID | None = None
    ) -> Response:
        """List."""
        answer: Response = super().get(request, task_ref, board_id)
        return answer

    @for_agents(
        "agent_comment", WORKING, intent="task_report",
        request=schemas.CommentIn, response=schemas.CommentOut,
        use="Say what you did, found, or need.",
        avoid="Nothing changed since your last comment.",
        effects=("Adds a comment", "Tells the mentioned agents, else the assignee"),
    )  # fmt: skip
    def post(
        self, request: Request, task_ref: shared.TaskRef, board_id: UUID | None = None
    ) -> Response:
        """Create."""
        answer: Response = super().post(request, task_ref, board_id)
        return answer


class AgentApprovalsView(approvals.BoardApprovalsView):
    """Approvals of the agent's board."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_list_approvals", WORKING, intent="approval_state", response=ApprovalPage,
        use="See whether your request was decided.",
        avoid="You were told the decision.",
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID) -> Response:
        """List."""
        answer: Response = super().get(request, board_id)
        return answer

    @for_agents(
        "agent_request_approval", WORKING, intent="approval_request",
        request=schemas.ApprovalIn, response=ApprovalOut,
        use="Ask people to decide, when a change answered approval_required or the step is risky.",
        avoid="A request about this task is pending.",
        effects=("Creates a pending approval", "Tells the people of the board"),
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create."""
        answer: Response = super().post(request, board_id)
        return answer


class AgentMemoryView(memory.BoardMemoryView):
    """Memory and chat of the agent's board."""

    actor_kinds: ClassVar[frozenset[Kind]] = shared.AGENT

    @for_agents(
        "agent_list_memory", ALL, intent="board_context",
        response=memory_schemas.BoardMemoryPage,
        use="Read what was decided (?is_chat=false) or said (?is_chat=true) on the board.",
        avoid="You need what was said on one task: list its comments.",
    )  # fmt: skip
    def get(self, request: Request, board_id: UUID) -> Response:
        """List."""
        answer: Response = super().get(request, board_id)
        return answer

    @for_agents(
        "agent_write_memory", ALL, intent="board_communication",
        request=memory_schemas.MemoryIn, response=memory_schemas.BoardMemoryOut,
        use="Keep a decision as a note, or with the tag chat say something to the whole board.",
        avoid="It belongs to one task: comment there.",
        effects=("Adds a note or a message", "A message tells the lead and the mentioned agents"),
    )  # fmt: skip
    def post(self, request: Request, board_id: UUID) -> Response:
        """Create."""
        answer: Response = super().post(request, board_id)
        return answer
