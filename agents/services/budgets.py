"""Budgets: limits of money in a period, told at 50, 80 and 100 %, and the pause at the end.

Each step is told once in a period. A person who resumes an agent overrules the pause until the
next period; a raised limit or a new period resumes whom the budget paused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from activity.publish import publish
from agents import actions, usage_rules
from agents.models import Agent, Budget, UsageEntry
from boards.models import Board
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import Actor, SystemActor, UserActor
from missioncontrol.kernel.errors import Conflict, Invalid, NotFound
from missioncontrol.kernel.unit import service

from . import orders, skills

Scope = Budget.Scope
FULL = 100


def states_of(rows: Sequence[Budget]) -> dict[UUID, dict[str, Any]]:
    """``since``, ``spent`` and ``percent`` of the present period of each budget.

    One query, however many there are: what was used is summed by organization, board, agent and
    currency, once for each period that somebody asks for.
    """
    if not rows:
        return {}
    now = clock.now()
    starts = {row.period: usage_rules.period_start(row.period, now) for row in rows}
    sums = list(_sums(rows, starts))
    return {row.pk: _state(row, starts[row.period], sums) for row in rows}


def _sums(rows: Sequence[Budget], starts: Mapping[str, datetime]) -> QuerySet[Any, Any]:
    used = UsageEntry.objects.filter(
        organization_id__in={row.organization_id for row in rows},
        currency__in={row.currency for row in rows},
        at__gte=min(starts.values()),
    )
    if all(row.scope != Scope.ORGANIZATION for row in rows):
        used = used.filter(
            Q(board_id__in={row.board_id for row in rows if row.scope == Scope.BOARD})
            | Q(agent_id__in={row.agent_id for row in rows if row.scope == Scope.AGENT})
        )
    groups = used.order_by().values("organization_id", "board_id", "agent_id", "currency")
    found: QuerySet[Any, Any] = groups.annotate(
        **{f"in_{name}": Sum("cost", filter=Q(at__gte=since)) for name, since in starts.items()}
    )
    return found


def _state(budget: Budget, since: datetime, sums: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    own: dict[str, Any] = {"organization_id": budget.organization_id, "currency": budget.currency}
    if budget.scope == Scope.BOARD:
        own["board_id"] = budget.board_id
    elif budget.scope == Scope.AGENT:
        own["agent_id"] = budget.agent_id
    counted = (row for row in sums if all(row[name] == value for name, value in own.items()))
    spent = sum((row[f"in_{budget.period}"] or Decimal(0) for row in counted), Decimal(0))
    return {"since": since, "spent": spent, "percent": usage_rules.percent_of(spent, budget.limit)}


def state_of(budget: Budget) -> dict[str, Any]:
    """``since``, ``spent`` and ``percent`` of the present period."""
    return states_of([budget])[budget.pk]


def _agents_of(budget: Budget) -> QuerySet[Agent]:
    agents = Agent.objects.filter(organization_id=budget.organization_id)
    if budget.scope == Scope.BOARD:
        agents = agents.filter(board_id=budget.board_id)
    elif budget.scope == Scope.AGENT:
        agents = agents.filter(pk=budget.agent_id)
    return agents


# --- kept by admins -------------------------------------------------------------------------------


@service
def create_budget(
    actor: UserActor,
    *,
    scope: str,
    limit: Decimal,
    period: str = Budget.Period.MONTH,
    currency: str = "USD",
    board_id: UUID | None = None,
    agent_id: UUID | None = None,
    pauses_agents: bool = True,
) -> Budget:
    """Set a limit for the organization, a board or an agent.

    Raises:
        Forbidden: not an admin.
        Invalid: the scope does not fit what it names, or the limit is not above zero.
        NotFound: board or agent not visible.
        Conflict: ``duplicate``.
    """
    owner = skills.home(actor, actions.CHANGE_BUDGETS)
    board, agent = _about(actor, owner.pk, scope, board_id, agent_id)
    budget = Budget(
        organization=owner, scope=scope, board=board, agent=agent, period=period,
        limit=_limit(limit), currency=_currency(currency), pauses_agents=pauses_agents,
    )  # fmt: skip
    try:
        with transaction.atomic():
            budget.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            _("There is a budget for this and this period already."), code="duplicate"
        ) from error
    _note("budget.created", actor, budget, limit=str(budget.limit), currency=budget.currency)
    _judge(budget)
    return budget


def _about(
    actor: UserActor, organization_id: UUID, scope: str, board_id: UUID | None,
    agent_id: UUID | None,
) -> tuple[Board | None, Agent | None]:  # fmt: skip
    if scope == Scope.BOARD and board_id is not None and agent_id is None:
        board: Board = Board.objects.seen_by(actor, board_id)
        if board.organization_id != organization_id:
            raise NotFound
        return board, None
    if scope == Scope.AGENT and agent_id is not None and board_id is None:
        agent: Agent = Agent.objects.seen_by(actor, agent_id)
        if agent.organization_id != organization_id:
            raise NotFound
        return None, agent
    if scope == Scope.ORGANIZATION and board_id is None and agent_id is None:
        return None, None
    raise Invalid(_("Name the board or the agent that the budget is for."), field="scope")


def _limit(raw: Any) -> Decimal:
    amount = usage_rules.money(raw)
    if not amount:
        raise Invalid(_("The limit is an amount above zero."), field="limit")
    return amount


def _currency(raw: str) -> str:
    plain = raw.strip().upper()
    if not (3 <= len(plain) <= 12 and plain.isalnum()):
        raise Invalid(_("A currency has 3 to 12 letters, for example USD."), field="currency")
    return plain


@service
def update_budget(actor: UserActor, budget_id: UUID, *, changes: Mapping[str, Any]) -> Budget:
    """Change limit, period, currency or whether it pauses; steps already told stay told.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
        Invalid: a value does not fit.
        Conflict: ``duplicate``.
    """
    budget: Budget = Budget.objects.open_for(actor, budget_id)
    authz.authorize(actor, actions.CHANGE_BUDGETS, budget)
    given = dict(changes)
    if "limit" in given:
        given["limit"] = _limit(given["limit"])
    if "currency" in given:
        given["currency"] = _currency(given["currency"])
    changed = [name for name, value in given.items() if getattr(budget, name) != value]
    if not changed:
        return budget
    for name in changed:
        setattr(budget, name, given[name])
    budget.version += 1
    try:
        with transaction.atomic():
            budget.save(update_fields=[*changed, "version", "updated_at"])
    except IntegrityError as error:
        raise Conflict(
            _("There is a budget for this and this period already."), code="duplicate"
        ) from error
    _note("budget.updated", actor, budget, changes=changed)
    if "limit" in changed:  # below the old steps again: they may be told anew
        reached = usage_rules.step_reached(state_of(budget)["percent"])
        if reached < budget.told_percent:
            budget.told_percent = reached
            budget.save(update_fields=["told_percent", "updated_at"])
    _judge(budget)
    return budget


@service
def delete_budget(actor: UserActor, budget_id: UUID) -> None:
    """Remove a budget; whom it paused goes on.

    Raises:
        NotFound, Forbidden: not visible, not an admin.
    """
    budget: Budget = Budget.objects.open_for(actor, budget_id, for_delete=True)
    authz.authorize(actor, actions.CHANGE_BUDGETS, budget)
    _note("budget.deleted", actor, budget)
    _resume(budget)
    budget.delete()


# --- judged by what is spent ----------------------------------------------------------------------


@service
def look_at(agent: Agent) -> None:
    """An agent used something: judge the budgets that it counts against."""
    about = Q(scope=Scope.ORGANIZATION) | Q(agent_id=agent.pk)
    if agent.board_id is not None:
        about |= Q(board_id=agent.board_id)
    rows = Budget.objects.select_for_update(of=("self",), no_key=True).select_related(
        "board", "agent"
    )
    for budget in rows.filter(about, organization_id=agent.organization_id).order_by("pk"):
        _judge(budget)


@service
def look_again() -> int:
    """A period may have begun: resume whom a budget paused that is no longer used up."""
    ids = Agent.objects.filter(paused_by_budget_id__isnull=False).values("paused_by_budget_id")
    rows = Budget.objects.select_for_update(of=("self",), no_key=True)
    found = list(rows.filter(pk__in=ids).order_by("pk"))
    for budget in found:
        _judge(budget)
    return len(found)


def _judge(budget: Budget) -> None:
    """Tell a step that was reached for the first time in this period; pause or resume."""
    state = state_of(budget)
    told = budget.told_percent if budget.told_for == state["since"] else 0
    reached = usage_rules.step_reached(state["percent"])
    if reached > told:
        budget.told_percent, budget.told_for = reached, state["since"]
        budget.save(update_fields=["told_percent", "told_for", "updated_at"])
        who = SystemActor("budget", budget.organization_id)
        _note(
            "budget.threshold_reached", who, budget, percent=reached, spent=str(state["spent"]),
            limit=f"{budget.limit:f}", currency=budget.currency,
        )  # fmt: skip
        if reached == FULL and budget.pauses_agents:
            _pause(budget)
    if reached < FULL or not budget.pauses_agents:
        _resume(budget)


def _pause(budget: Budget) -> None:
    who = SystemActor("budget", budget.organization_id)
    agents = _agents_of(budget).exclude(
        status__in=[Agent.Status.PAUSED, Agent.Status.DELETING, Agent.Status.DRAFT]
    )
    for pk in list(agents.order_by("pk").values_list("pk", flat=True)):
        orders.pause_agent(who, pk)
        Agent.objects.filter(pk=pk).update(paused_by_budget_id=budget.pk)


def _resume(budget: Budget) -> None:
    who = SystemActor("budget", budget.organization_id)
    agents = Agent.objects.filter(paused_by_budget_id=budget.pk).order_by("pk")
    for pk in list(agents.values_list("pk", flat=True)):
        orders.resume_agent(who, pk)
        Agent.objects.filter(pk=pk).update(paused_by_budget_id=None)


@service
def forget_pause(agent_id: UUID) -> None:
    """Somebody resumed the agent: the budget no longer holds it."""
    Agent.objects.filter(pk=agent_id).update(paused_by_budget_id=None)


def _note(name: str, actor: Actor, budget: Budget, **data: Any) -> None:
    publish(
        name,
        actor=actor,
        target=budget,
        organization_id=budget.organization_id,
        board_id=budget.board_id,
        agent_id=budget.agent_id,
        data={"scope": budget.scope, "period": budget.period, **data},
    )
