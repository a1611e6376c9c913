"""Usage, budgets, and sessions of agents for people; usage reports for agents."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from agents import actions, usage_reads
from agents.api import usage_schemas as schemas
from agents.api.agent import AgentDoor
from agents.models import Agent, Budget, UsageEntry
from agents.services import budgets, sessions, skills
from agents.services import usage as services
from boards.api.views.agent import ALL, for_agents
from missioncontrol.kernel import authz
from missioncontrol.kernel.api import ApiView, Pages, done, ok, operation
from missioncontrol.kernel.clock import iso

TAGS = ("usage",)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "cost": _text(row["cost"])}


class UsageReportView(AgentDoor):
    """An agent says what it used."""

    @for_agents(
        "agent_report_usage",
        ALL,
        intent="usage_report",
        use="Say what a model call outside your gateway took, if you know it",
        avoid="Do not report calls of your gateway; it tells them itself",
        effects=("Budgets count it",),
        request=schemas.UsageReport,
        response=schemas.UsageReported,
    )
    def post(self, request: Request) -> Response:
        """Not counted where its gateway tells the same."""
        body = self.read(schemas.UsageReport)
        counted = services.report_usage(self.agent, **body.model_dump())
        return ok({"ok": True, "counted": counted})


class UsageView(ApiView):
    """Tokens and money of the organization."""

    @operation(tags=TAGS, summary="Sum usage", response=schemas.UsageOut)
    def get(self, request: Request) -> Response:
        """By agent, task, board, model or day; members see readable boards."""
        return self._sums(self._rows())

    def _rows(self) -> QuerySet[UsageEntry]:
        return UsageEntry.objects.visible_to(self.user).filter(
            organization_id=self.user.organization_id
        )

    def _sums(self, rows: QuerySet[UsageEntry]) -> Response:
        asked = self.query(schemas.UsageQuery)
        wanted = {
            "at__gte": asked.since, "at__lt": asked.until, "agent_id": asked.agent_id,
            "board_id": asked.board_id, "task_id": asked.task_id, "model": asked.model or None,
        }  # fmt: skip
        rows = rows.filter(**{key: value for key, value in wanted.items() if value is not None})
        return ok(
            {
                "group_by": asked.group_by,
                "totals": [_plain(row) for row in usage_reads.totals(rows)],
                "items": [_plain(row) for row in usage_reads.sums(rows, asked.group_by)],
            }
        )


class AgentUsageView(UsageView):
    """Tokens and money of one agent."""

    @operation(tags=TAGS, summary="Sum an agent's usage", response=schemas.UsageOut)
    def get(self, request: Request, agent_id: UUID) -> Response:
        """By task, board, model or day."""
        agent: Agent = Agent.objects.seen_by(self.user, agent_id)
        return self._sums(UsageEntry.objects.visible_to(self.user).filter(agent=agent))


# --- budgets --------------------------------------------------------------------------------------


def budget_shape(row: Budget, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A budget with what is spent in the present period, asked for unless it is given."""
    state = state or budgets.state_of(row)
    return {
        "id": row.id,
        "organization_id": row.organization_id,
        "scope": row.scope,
        "board_id": row.board_id,
        "agent_id": row.agent_id,
        "period": row.period,
        "limit": _text(row.limit),
        "currency": row.currency,
        "pauses_agents": row.pauses_agents,
        "spent": _text(state["spent"]),
        "percent": state["percent"],
        "since": iso(state["since"]),
        "version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


class BudgetListView(ApiView):
    """Budgets."""

    @operation(tags=TAGS, summary="List budgets", response=list[schemas.BudgetOut])
    def get(self, request: Request) -> Response:
        """Of the active organization, newest first."""
        owner = skills.home(self.user, actions.VIEW_BUDGETS)
        rows = Budget.objects.filter(organization=owner).order_by("-created_at", "-id")
        states: dict[UUID, dict[str, Any]] = {}
        return self.listing(
            rows,
            lambda row: budget_shape(row, states[row.id]),
            before=lambda found: states.update(budgets.states_of(found)),
        )

    @operation(
        tags=TAGS, summary="Set a budget", request=schemas.BudgetCreate, response=schemas.BudgetOut
    )
    def post(self, request: Request) -> Response:
        """For the organization, a board or an agent."""
        budget = budgets.create_budget(self.user, **self.read(schemas.BudgetCreate).model_dump())
        location = f"/api/v1/budgets/{budget.id}"
        return ok(budget_shape(budget), version=budget.version, location=location)


class BudgetView(ApiView):
    """One budget."""

    @operation(tags=TAGS, summary="Read a budget", response=schemas.BudgetOut)
    def get(self, request: Request, budget_id: UUID) -> Response:
        """With what is spent."""
        budget: Budget = Budget.objects.seen_by(self.user, budget_id)
        authz.authorize(self.user, actions.VIEW_BUDGETS, budget)
        return ok(budget_shape(budget), version=budget.version)

    @operation(
        tags=TAGS, summary="Change a budget", request=schemas.BudgetPatch,
        response=schemas.BudgetOut,
    )  # fmt: skip
    def patch(self, request: Request, budget_id: UUID) -> Response:
        """Only the fields that are sent."""
        changes = self.read(schemas.BudgetPatch).given()
        budget = budgets.update_budget(self.user, budget_id, changes=changes)
        return ok(budget_shape(budget), version=budget.version)

    @operation(tags=TAGS, summary="Remove a budget")
    def delete(self, request: Request, budget_id: UUID) -> Response:
        """Whom it paused goes on."""
        budgets.delete_budget(self.user, budget_id)
        return done()


# --- sessions -------------------------------------------------------------------------------------


class AgentSessionsView(ApiView):
    """Sessions of an agent."""

    @operation(
        tags=("agents",), summary="Sessions of an agent", response=list[schemas.AgentSession]
    )
    def get(self, request: Request, agent_id: UUID) -> Response:
        """As its gateway keeps them, without tokens."""
        rows = sessions.list_sessions(self.user, agent_id)
        return ok({"items": rows, "total": len(rows), "limit": sessions.SHOWN, "offset": 0})


class AgentTranscriptView(ApiView):
    """What was said in a session of an agent."""

    @operation(
        tags=("agents",),
        summary="Transcript of a session of an agent",
        response=schemas.AgentTranscript,
    )
    def get(self, request: Request, agent_id: UUID, key: str) -> Response:
        """Oldest first; ``offset`` counts from the newest message."""
        pages = Pages(request.GET, default=100)
        found = sessions.transcript(
            self.user, agent_id, key, limit=pages.limit, offset=pages.offset
        )
        return ok(found)
