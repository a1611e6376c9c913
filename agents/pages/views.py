"""Pages of agents: list, one agent, new, edit, its commands and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from activity.models import ActivityEvent
from activity.reads import event_rows
from agents import actions, reads, rules, souls
from agents.models import Agent
from agents.pages.forms import OWN, AgentForm
from agents.services import crud, model_choice, orders, promotion
from agents.services.files import literal
from boards.models import Board
from gateways.models import Gateway
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page, page_of
from missioncontrol.kernel.querysets import as_uuid
from missioncontrol.kernel.sorting import sorting

PAGE_SIZE = 100
SORTS = {"name": Lower("name"), "board": "board__name", "gateway": "gateway__name"}
RECENT = 12
MOST_SOULS = 300
MOST_SHOWN = 8


@require_safe
@page
def agent_list(request: HttpRequest) -> HttpResponse:
    """Agents that the actor may see."""
    who = actor(request)
    filters = {
        name: request.GET.get(name, "").strip() for name in ("q", "board", "gateway", "state")
    }
    agents = _visible(who)
    if filters["q"]:
        agents = agents.filter(name__icontains=filters["q"])
    if filters["board"]:
        agents = agents.filter(board_id=as_uuid(filters["board"]))
    if filters["gateway"]:
        agents = agents.filter(gateway_id=as_uuid(filters["gateway"]))
    states = reads.states(agents)
    wanted = reads.VIEWS.get(filters["state"])
    if wanted is not None:
        agents = agents.filter(pk__in=[key for key, state in states.items() if wanted(state)])
    asked = sorting(request, SORTS, default="name")
    part = page_of(request, agents.order_by(*asked.order), PAGE_SIZE)
    boards = Board.objects.visible_to(who).filter(organization_id=home_of(who))
    context = {
        "nav": "agents",
        **part,
        **asked.context,
        "rows": reads.agent_rows(part["items"], who),
        "total": len(states),
        "care_count": sum(state in reads.CARE for state in states.values()),
        "filters": {**filters, "any": any(filters.values())},
        "boards": boards.order_by("name"),
        "can_create": who.is_admin_in(who.organization_id),
    }
    name = "agents/_agent_rows.html" if is_htmx(request) else "agents/agent_list.html"
    return render(request, name, context)


def _visible(who: UserActor) -> QuerySet[Agent]:
    agents: QuerySet[Agent] = Agent.objects.visible_to(who)
    return agents.filter(organization_id=home_of(who)).select_related("board", "gateway")


def _context(who: UserActor, agent_id: UUID) -> dict[str, Any]:
    agent: Agent = Agent.objects.select_related("board", "gateway").seen_by(who, agent_id)
    readable = Q(board_id__isnull=True) | Q(board_id__in=Board.objects.visible_to(who).values("pk"))
    events = ActivityEvent.objects.filter(readable, agent_id=agent.id).order_by("-seq")[:RECENT]
    return {
        "nav": "agents",
        "tab": "overview",
        "agent": reads.agent_rows([agent], who)[0],
        "tasks": reads.tasks_in_hand(agent, who),
        "events": event_rows(events),
        "can_edit": who.is_admin_in(agent.organization_id),
        "can_change": authz.allowed(who, actions.UPDATE, agent),
    }


@require_safe
@page
def agent_detail(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """One agent."""
    return render(request, "agents/agent_detail.html", _context(actor(request), agent_id))


@require_safe
@page
def agent_body(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """What changes on the page of an agent."""
    return render(request, "agents/_agent_body.html", _context(actor(request), agent_id))


@require_safe
@page
def on_gateway(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """Agents of a gateway, for its page."""
    who = actor(request)
    authz.authorize(who, actions.VIEW_GATEWAY, Gateway.objects.seen_by(who, gateway_id))
    agents = _visible(who).filter(gateway_id=gateway_id)
    found = reads.agent_rows(list(agents.order_by("agent_type", "name")[:PAGE_SIZE]), who)
    context = {"rows": found, "gateway_id": gateway_id}
    return render(request, "agents/_on_gateway.html", context)


@require_safe
@page
def on_board(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """Agents of a board, for its page."""
    who = actor(request)
    Board.objects.seen_by(who, board_id)
    agents = _visible(who).filter(board_id=board_id).order_by("agent_type", "name", "id")
    found = reads.agent_rows(list(agents[:PAGE_SIZE]), who)
    context = {
        "rows": found[:MOST_SHOWN],
        "words": reads.state_words(found),
        "board_id": board_id,
        "can_create": who.is_admin_in(who.organization_id),
    }
    return render(request, "agents/_on_board.html", context)


@require_safe
@page
def agent_sign(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """State and strip, for pages of other apps."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    return render(request, "agents/_sign.html", {"agent": reads.agent_rows([agent], who)[0]})


@require_safe
@page
def agent_state(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The state of an agent, for the head of its pages."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    return render(request, "agents/_agent_state.html", {"agent": reads.agent_rows([agent], who)[0]})


@require_http_methods(["GET", "HEAD", "POST"])
@page
def agent_new(request: HttpRequest) -> HttpResponse:
    """A new agent; with a board that has a gateway it is set up at once."""
    who = actor(request)
    _admins_only(who)
    form = AgentForm(
        request.POST or None,
        initial={
            "board_id": _asked_board(request),
            "soul": request.GET.get("soul", ""),
            "every": "10m",
        },
    )
    form.offer(_boards(who))
    form.offer_souls(_souls())
    form.offer_models(_models_on(who, _asked_board(request), request.POST.get("model", "")))
    form.ask_models_at(request.path)
    if request.method == "POST" and form.is_valid():
        try:
            inputs = _inputs(form)
            inputs["config"] = {key: value for key, value in inputs["config"].items() if value}
            agent = crud.create_agent(who, home_of(who), **inputs)
        except (Conflict, Forbidden, Invalid) as refusal:
            _take(form, refusal)
        else:
            return HttpResponseRedirect(f"/agents/{agent.id}")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def agent_edit(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """An agent's facts; a change is written to its gateway."""
    who = actor(request)
    agent: Agent = Agent.objects.select_related("gateway").seen_by(who, agent_id)
    authz.authorize(who, actions.UPDATE, agent)
    profile = agent.identity_profile or {}
    form = AgentForm(
        request.POST or None,
        initial={
            "name": agent.name,
            "board_id": str(agent.board_id or ""),
            "agent_type": agent.agent_type,
            "description": agent.description or "",
            "role": profile.get("role", ""),
            "capabilities": ", ".join(agent.capabilities or []),
            "every": (agent.heartbeat_config or {}).get("every", "10m"),
            "model": str((agent.config or {}).get("model") or ""),
            "soul": OWN if agent.soul_template else "",
            "soul_template": agent.soul_template or "",
        },
    )
    form.offer(_boards(who))
    form.offer_souls(_souls())
    form.offer_models(_models(agent, request.POST.get("model", "")))
    form.offer_every(str(rules.heartbeat_of(agent.heartbeat_config)["every"]))
    if agent.gateway_id is not None:
        form.offer_main()
    if request.method == "POST" and form.is_valid():
        changes = _inputs(form)
        chosen = {**changes, "model": changes.pop("config")["model"]}
        changes = model_choice.settled(chosen, gateway=None, present=agent.config)
        changes["identity_profile"] = {**profile, **changes["identity_profile"]}
        changes["heartbeat_config"] = {
            **(agent.heartbeat_config or {}),
            **changes["heartbeat_config"],
        }
        try:
            changes["agent_type"] = form.cleaned_data["agent_type"] or agent.agent_type
            _save(who, agent, changes)
        except (Conflict, Forbidden, Invalid) as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("%(name)s was saved.") % {"name": agent.name})
            return HttpResponseRedirect(f"/agents/{agent_id}")
    return _form_page(request, form, agent)


def _save(who: UserActor, agent: Agent, changes: dict[str, Any]) -> None:
    """Write the changes; the role may make it its gateway's own agent, or end that."""
    is_main, was_main = (
        kind == Agent.Type.MAIN for kind in (changes["agent_type"], agent.agent_type)
    )
    if is_main:
        changes.pop("agent_type")
    if is_main and was_main:
        changes.pop("board_id")
    if is_main == was_main:
        crud.update_agent(who, agent.pk, changes=changes)
    else:
        promotion.change_main(who, agent.pk, is_main=is_main, changes=changes)


def _take(form: AgentForm, refusal: Conflict | Forbidden | Invalid) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))


def _inputs(form: AgentForm) -> dict[str, Any]:
    wanted = form.cleaned_data
    return {
        "name": wanted["name"],
        "board_id": UUID(wanted["board_id"]) if wanted["board_id"] else None,
        "agent_type": wanted["agent_type"] or Agent.Type.WORKER,
        "description": wanted["description"] or None,
        "capabilities": wanted["capabilities"],
        "identity_profile": {"role": wanted["role"]} if wanted["role"] else {},
        "heartbeat_config": {"every": wanted["every"] or "10m"},
        "config": {"model": wanted["model"] or None},
        "soul_template": _soul(wanted["soul"], wanted["soul_template"]),
    }


def _models(agent: Agent, chosen: str) -> list[str]:
    """Models of the agent's gateway, asked now, and the one that it has or was given."""
    present = str((agent.config or {}).get("model") or "")
    found = [] if chosen else model_choice.offered_by(agent.gateway)
    return list(dict.fromkeys(name[:200] for name in (present, chosen, *found) if name))


def _asked_board(request: HttpRequest) -> str:
    """The board that the address names, or the one that was just chosen in the form."""
    return str(request.GET.get("board") or request.GET.get("board_id") or "")


def _models_on(who: UserActor, board_id: str, chosen: str) -> list[str]:
    """Models of the board's gateway, asked now; a choice that was sent is what was offered."""
    if chosen:
        return [chosen[:200]]
    return model_choice.offered_by(
        model_choice.gateway_of(who, as_uuid(board_id) if board_id else None)
    )


def _souls() -> list[str]:
    return [entry.key for entry in souls.known()][:MOST_SOULS]


def _soul(chosen: str, typed: str) -> str | None:
    """The own text that a choice stands for; none means the role's."""
    if chosen == OWN:
        return typed.strip() or None
    handle, _slash, slug = chosen.partition("/")
    return literal(souls.text_of(handle, slug)) if slug else None


def _boards(who: UserActor) -> list[tuple[str, str]]:
    boards = Board.objects.writable_by(who).filter(organization_id=home_of(who))
    return [(str(pk), name) for pk, name in boards.order_by("name").values_list("pk", "name")]


def _admins_only(who: UserActor) -> None:
    if not who.is_admin_in(who.organization_id):
        raise Forbidden(_("Agents are set up by admins of the organization."))


def _form_page(request: HttpRequest, form: AgentForm, agent: Agent | None) -> HttpResponse:
    context = {"nav": "agents", "form": form, "agent": agent}
    return render(request, "agents/agent_form.html", context, status=422 if form.errors else 200)


def _command(call: Callable[[UserActor, UUID], Any], said: Any) -> Callable[..., HttpResponse]:
    """A button that calls one service and comes back to the agent."""

    @require_POST
    @page
    def view(request: HttpRequest, agent_id: UUID) -> HttpResponse:
        call(actor(request), agent_id)
        messages.success(request, str(said))
        return HttpResponseRedirect(f"/agents/{agent_id}")

    return view


agent_wake = _command(orders.wake_agent, gettext_lazy("The wake message is on its way."))
agent_retry = _command(orders.retry_agent, gettext_lazy("It is being set up again."))
agent_pause = _command(orders.pause_agent, gettext_lazy("It is paused and gets no messages."))
agent_resume = _command(orders.resume_agent, gettext_lazy("It gets messages again."))
agent_rotate_token = _command(
    orders.rotate_token,
    gettext_lazy("A new token is being written to its workspace. The old one works until then."),
)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def agent_delete(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The question before an agent is deleted, and the deletion."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    authz.authorize(who, actions.DELETE, agent)
    is_named = request.POST.get("confirm_name", "").strip() == agent.name
    if request.method == "POST" and is_named:
        orders.delete_agent(who, agent_id, force=request.POST.get("force") == "1")
        messages.success(request, _("%(name)s is being removed.") % {"name": agent.name})
        return HttpResponseRedirect("/agents")
    context = {"nav": "agents", "agent": agent, "is_refused": request.method == "POST"}
    return render(request, "agents/agent_delete.html", context)
