"""Used tokens and money are written down once, by the gateway's transcript or by the agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from agents import actions, usage_rules
from agents.models import Agent, AgentNotification, UsageEntry
from agents.usage_rules import Used
from boards.models import Task
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import AgentActor
from missioncontrol.kernel.unit import service

from . import budgets

Source = UsageEntry.Source
GATEWAY_SPEAKS_FOR = timedelta(days=1)


@service
def record_used(agent_id: UUID, used: Sequence[Used]) -> int:
    """Write what was not known yet and look at the budgets; returns the number of new entries."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        return 0
    known = set(
        UsageEntry.objects.filter(
            agent=agent, source=Source.GATEWAY, external_id__in=[one.external_id for one in used]
        ).values_list("external_id", flat=True)
    )
    fresh = {one.external_id: one for one in used if one.external_id not in known}
    tasks = _tasks(agent, fresh.values())
    rows = [
        _row(agent, one, source=Source.GATEWAY, task_id=tasks.get(one.external_id))
        for one in fresh.values()
    ]
    UsageEntry.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        budgets.look_at(agent)
    return len(rows)


def times_of(agent_id: UUID, session_key: str, *, newest: int) -> set[datetime]:
    """When the newest answers of a session that are written down were given."""
    rows = UsageEntry.objects.filter(
        agent_id=agent_id, session_key=session_key[:300], source=Source.GATEWAY
    )
    return set(rows.order_by("-at").values_list("at", flat=True)[:newest])


def _row(agent: Agent, one: Used, *, source: str, task_id: UUID | None) -> UsageEntry:
    return UsageEntry(
        organization_id=agent.organization_id, agent=agent, agent_name=agent.name,
        gateway_id=agent.gateway_id, board_id=agent.board_id, task_id=task_id, source=source,
        provider=one.provider, model=one.model, session_key=one.session_key, run_id=one.run_id,
        external_id=one.external_id, input_tokens=one.input_tokens,
        output_tokens=one.output_tokens, cached_tokens=one.cached_tokens, cost=one.cost,
        currency=one.currency, at=one.at,
    )  # fmt: skip


def _tasks(agent: Agent, used: Iterable[Used]) -> dict[str, UUID]:
    """The task of each answer: of the message it answers, else the only one in progress then."""
    entries = list(used)
    runs = [run for run in (_uuid(one.run_id) for one in entries) if run is not None]
    told = AgentNotification.objects.filter(agent=agent, pk__in=runs, task_id__isnull=False)
    by_run = {str(pk): task for pk, task in told.values_list("pk", "task_id") if task}
    present = set(Task.objects.filter(pk__in=by_run.values()).values_list("pk", flat=True))
    in_hand = list(
        Task.objects.filter(assigned_agent=agent, status=Task.Status.IN_PROGRESS).values_list(
            "pk", "in_progress_at"
        )[:2]
    )
    found: dict[str, UUID] = {}
    for one in entries:
        task_id = by_run.get(one.run_id)
        if task_id is not None and task_id in present:
            found[one.external_id] = task_id
        elif one.run_id not in by_run and len(in_hand) == 1:
            pk, since = in_hand[0]
            if since is not None and one.at >= since:
                found[one.external_id] = pk
    return found


def _uuid(raw: str) -> UUID | None:
    try:
        return UUID(raw)
    except ValueError:
        return None


@service
def report_usage(
    actor: AgentActor,
    *,
    model: str,
    input_tokens: int,
    output_tokens: int,
    cost_usd: Any = None,
    task_id: UUID | None = None,
) -> bool:
    """An agent says what it used; ``False`` where its gateway already tells the same.

    Raises:
        NotFound: the task is not on its board.
    """
    agent: Agent = Agent.objects.seen_by(actor, actor.id)
    authz.authorize(actor, actions.REPORT_USAGE, agent)
    if task_id is not None:
        Task.objects.seen_by(actor, task_id)
    now = clock.now()
    told = UsageEntry.objects.filter(
        agent=agent, source=Source.GATEWAY, at__gte=now - GATEWAY_SPEAKS_FOR
    )
    if told.exists():
        return False
    one = Used(
        external_id=str(uuid4()), at=now, model=model, input_tokens=input_tokens,
        output_tokens=output_tokens, cost=usage_rules.money(cost_usd),
    )  # fmt: skip
    _row(agent, one, source=Source.AGENT, task_id=task_id).save(force_insert=True)
    budgets.look_at(agent)
    return True
