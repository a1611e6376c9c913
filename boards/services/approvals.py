"""Asking for an approval of tasks: boards check the tasks, governance keeps the question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from boards import actions, assignees
from boards.models import Task
from boards.services import opening
from governance import rules as governance_rules
from governance import services as governance
from governance.models import Approval
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import Actor
from missioncontrol.kernel.errors import NotFound
from missioncontrol.kernel.unit import service


@service
def request_approval(
    actor: Actor,
    board_id: Any,
    *,
    task_ids: Iterable[UUID] = (),
    action_type: str,
    payload: Mapping[str, Any] | None = None,
    confidence: float | None = None,
    rubric_scores: Mapping[str, Any] | None = None,
    lead_reasoning: str | None = None,
    task_id: UUID | None = None,
    agent_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Approval:
    """Ask people of a board to decide something, about no, one or several of its tasks.

    Args:
        actor: A person or an agent who may write on the board.
        board_id: The board.
        task_ids: Tasks it is about; ids in the payload are added (core specification 13.1).
        action_type: What is to be decided.
        payload: Facts for whoever decides.
        confidence: 0 to 100.
        rubric_scores: Name to 0–100.
        lead_reasoning: The reason, unless the payload has it.
        task_id: The first task.
        agent_id: The agent it is asked for; an agent's own request always names itself.
        expires_at: Undecided by then counts as refused.

    Raises:
        Invalid: no action, no reason, or a number out of range.
        NotFound: absent or invisible board; a task that is not on it; an unknown agent.
        Forbidden: no right to write.
        Conflict: a task already has a pending approval.
    """
    wanted = governance_rules.task_ids_of(task_id, task_ids, payload)
    board = opening.open_board(actor, board_id)
    authz.authorize(actor, actions.REQUEST_APPROVAL, board)
    agent_name = _agent_name(agent_id, board.organization_id)
    titles = _locked_titles(board.pk, wanted)
    return governance.create_approval(
        actor,
        organization_id=board.organization_id,
        board_id=board.pk,
        tasks=[governance.TaskRef(pk, titles[pk]) for pk in wanted],
        action_type=action_type,
        payload=payload,
        confidence=confidence,
        rubric_scores=rubric_scores,
        lead_reasoning=lead_reasoning,
        expires_at=expires_at,
        agent_id=agent_id,
        agent_name=agent_name,
    )


def _locked_titles(board_id: UUID, wanted: list[UUID]) -> dict[UUID, str]:
    """What the tasks are called; they are locked in ascending order.

    Raises:
        NotFound: a task that is not on the board, with ``missing_task_ids``.
    """
    if not wanted:
        return {}
    rows = Task.objects.select_for_update(of=("self",), no_key=True).filter(board_id=board_id)
    named = rows.filter(pk__in=wanted).order_by("pk").values_list("pk", "key", "title")
    titles = {pk: f"{key} {title}" for pk, key, title in named}
    missing = [str(pk) for pk in wanted if pk not in titles]
    if missing:
        raise NotFound(_("Some of the tasks do not exist on this board."), missing_task_ids=missing)
    return titles


def _agent_name(agent_id: UUID | None, organization_id: UUID) -> str:
    if agent_id is None:
        return ""
    agent = assignees.facts_of([agent_id]).get(agent_id)
    if agent is None or agent.organization_id != organization_id:
        raise NotFound(_("No such agent."), missing_agent_ids=[str(agent_id)])
    return agent.name
