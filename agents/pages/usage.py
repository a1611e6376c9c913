"""Pages of usage and budgets, and of an agent's sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents import actions, reads, usage_reads
from agents.models import Agent, Budget, UsageEntry
from agents.pages.usage_forms import BudgetForm
from agents.services import budgets, sessions
from boards.models import Board
from gateways.remote import speaker
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import DomainError, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, home_of, page, page_number

SPANS = {"7": 7, "30": 30, "90": 90}
SAID_AT_ONCE = 100


def _admin(request: HttpRequest) -> UserActor:
    who = actor(request)
    if not who.is_admin_in(who.organization_id):
        raise Forbidden(_("Budgets are kept by admins of the organization."))
    return who


def _sums(request: HttpRequest, rows: QuerySet[UsageEntry], default: str) -> dict[str, Any]:
    """Sums of the chosen span by the chosen group."""
    span = request.GET.get("days", "30")
    days = SPANS.get(span, 30)
    group = request.GET.get("by", default)
    if group not in usage_reads.GROUPS:
        group = default
    now = clock.now()
    rows = rows.filter(at__gte=now - timedelta(days=days))
    return {
        "rows": usage_reads.sums(rows, group),
        "totals": usage_reads.totals(rows),
        "points": usage_reads.per_day(rows, until=now, days=min(days, 30)),
        "group": group,
        "days": days,
        "spans": list(SPANS.values()),
    }


@require_safe
@page
def usage(request: HttpRequest) -> HttpResponse:
    """What the organization used, and its budgets."""
    who = actor(request)
    rows = UsageEntry.objects.visible_to(who).filter(organization_id=home_of(who))
    is_admin = who.is_admin_in(who.organization_id)
    found: list[Budget] = []
    if is_admin:
        found = list(
            Budget.objects.filter(organization_id=home_of(who))
            .select_related("board", "agent")
            .order_by("scope", "created_at")[:50]
        )
    context = {
        "nav": "usage",
        **_sums(request, rows, "agent"),
        "budgets": _with_states(found),
        "is_admin": is_admin,
    }
    return render(request, "agents/usage.html", context)


def _with_states(found: list[Budget]) -> list[dict[str, Any]]:
    states = budgets.states_of(found)
    return [{"budget": budget, **states[budget.pk]} for budget in found]


@require_safe
@page
def agent_usage(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """What one agent used."""
    who = actor(request)
    agent: Agent = Agent.objects.seen_by(who, agent_id)
    rows = UsageEntry.objects.visible_to(who).filter(agent=agent)
    is_admin = who.is_admin_in(agent.organization_id)
    own = Budget.objects.filter(agent=agent).select_related("board", "agent")
    found = list(own) if is_admin else []
    context = {
        "nav": "agents",
        "tab": "usage",
        "agent": reads.agent_rows([agent], who)[0],
        "agent_key": str(agent.pk),
        **_sums(request, rows, "task"),
        "budgets": _with_states(found),
        "can_edit": is_admin,
    }
    return render(request, "agents/agent_usage.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def budget_new(request: HttpRequest) -> HttpResponse:
    """A new limit."""
    who = _admin(request)
    wanted = request.GET.get("agent", "")
    start = {"about": f"agent:{wanted}" if wanted else "", "period": "month", "currency": "USD",
             "pauses_agents": True}  # fmt: skip
    form = BudgetForm(request.POST or None, initial=start)
    _offer(form, who)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        kind, _colon, pk = given.pop("about").partition(":")
        try:
            budgets.create_budget(
                who,
                scope=kind or "organization",
                board_id=UUID(pk) if kind == "board" else None,
                agent_id=UUID(pk) if kind == "agent" else None,
                **given,
            )
        except DomainError as refusal:
            _take(form, refusal)
        else:
            return HttpResponseRedirect("/usage")
    return _form_page(request, form, None)


def _offer(form: BudgetForm, who: UserActor) -> None:
    boards = Board.objects.visible_to(who).filter(organization_id=home_of(who)).order_by("name")
    agents = Agent.objects.visible_to(who).filter(organization_id=home_of(who)).order_by("name")
    form.offer(
        [(f"board:{pk}", name) for pk, name in boards.values_list("pk", "name")[:200]],
        [(f"agent:{pk}", name) for pk, name in agents.values_list("pk", "name")[:500]],
    )


def _take(form: BudgetForm, refusal: DomainError) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))


def _form_page(request: HttpRequest, form: BudgetForm, budget: Budget | None) -> HttpResponse:
    context = {"nav": "usage", "form": form, "budget": budget}
    status = 422 if form.errors else 200
    return render(request, "agents/budget_form.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def budget_edit(request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """A present limit."""
    who = _admin(request)
    budget: Budget = Budget.objects.select_related("board", "agent").seen_by(who, budget_id)
    authz.authorize(who, actions.CHANGE_BUDGETS, budget)
    names = ("period", "limit", "currency", "pauses_agents")
    form = BudgetForm(request.POST or None, initial={n: getattr(budget, n) for n in names})
    del form.fields["about"]
    if request.method == "POST" and form.is_valid():
        try:
            budgets.update_budget(who, budget_id, changes=form.cleaned_data)
        except DomainError as refusal:
            _take(form, refusal)
        else:
            return HttpResponseRedirect("/usage")
    return _form_page(request, form, budget)


@require_POST
@page
def budget_delete(request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """Remove a limit."""
    budgets.delete_budget(_admin(request), budget_id)
    messages.success(request, _("The budget was removed. Agents that it paused go on."))
    return HttpResponseRedirect("/usage")


# --- sessions -------------------------------------------------------------------------------------


@require_safe
@page
def session_list(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Sessions that the gateway keeps for the agent; it is asked now."""
    who = actor(request)
    agent: Agent = Agent.objects.seen_by(who, agent_id)
    context: dict[str, Any] = {
        "nav": "agents", "tab": "sessions", "can_edit": True, "sessions": [], "fault": "",
        "agent": reads.agent_rows([agent], who)[0],
    }  # fmt: skip
    try:
        context["sessions"] = [_shown(row) for row in sessions.list_sessions(who, agent_id)]
    except Forbidden:
        raise
    except DomainError as refusal:
        context["fault"] = str(refusal.detail)
    return render(request, "agents/session_list.html", context)


def _moment(raw: Any) -> datetime | None:
    """A time in milliseconds, as the gateway writes it."""
    if not isinstance(raw, int | float) or not 0 < raw < 10**14:
        return None
    return datetime.fromtimestamp(raw / 1000, UTC)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": str(row.get("key") or ""),
        "label": str(row.get("label") or row.get("displayName") or row.get("key") or ""),
        "is_running": bool(row.get("hasActiveRun") or row.get("status") == "running"),
        "model": str(row.get("model") or ""),
        "tokens": row.get("totalTokens") or 0,
        "at": _moment(row.get("updatedAt")),
    }


@require_safe
@page
def session_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """What was said in one session, without tokens."""
    who = actor(request)
    agent: Agent = Agent.objects.seen_by(who, agent_id)
    key = request.GET.get("key", "")
    number = page_number(request)
    context: dict[str, Any] = {
        "nav": "agents", "agent": agent, "key": key, "said": [], "fault": "", "number": number,
        "has_previous": number > 1, "has_next": False, "total": 0,
    }  # fmt: skip
    try:
        found = sessions.transcript(
            who, agent_id, key, limit=SAID_AT_ONCE, offset=(number - 1) * SAID_AT_ONCE
        )
    except Forbidden:
        raise
    except DomainError as refusal:
        context["fault"] = str(refusal.detail)
    else:
        rows = [row for row in found.get("messages") or [] if isinstance(row, dict)]
        context["said"] = [_line(row) for row in rows]
        context["has_next"] = bool(found.get("hasMore"))
        context["total"] = found.get("totalMessages") or len(rows)
    return render(request, "agents/session_detail.html", context)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    content = row.get("content")
    if isinstance(content, list):
        parts = [str(part.get("text") or "") for part in content if isinstance(part, dict)]
        content = "\n".join(part for part in parts if part)
    return {
        "role": speaker(row.get("role")),
        "text": str(content or ""),
        "at": _moment(row.get("timestamp")),
    }
