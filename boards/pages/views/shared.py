"""What the views of boards and tasks have in common: reading, choices, the page itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from activity.models import EventStream
from agents.models import Agent
from boards import custom_fields
from boards.models import Board, Task
from boards.pages import cards, choices, field_inputs, panel
from boards.pages.about import about
from boards.pages.forms import FactsForm
from governance.models import Approval
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, StaleVersion
from missioncontrol.kernel.pages import home_of
from orgs.models import Organization

#: Refusals that are shown where the person is, instead of as a page of their own.
REFUSALS = (Forbidden, Conflict, Invalid, StaleVersion)


def board_of(who: UserActor, board_id: UUID) -> Board:
    """A readable board with its group and gateway.

    Raises:
        NotFound: absent or not readable.
    """
    board: Board = Board.objects.select_related("board_group", "gateway").seen_by(who, board_id)
    return board


def home_row(who: UserActor) -> Organization:
    """The active organization, in which something is to be created.

    Raises:
        Forbidden: the person belongs to none.
    """
    found: Organization = Organization.objects.seen_by(who, home_of(who))
    return found


def task_of(who: UserActor, board_id: UUID, task_id: UUID) -> Task:
    """A readable task of that board, with what its panel needs.

    Raises:
        NotFound: absent, not readable, or on another board.
    """
    tasks = Task.objects.filter(board_id=board_id)
    task: Task = tasks.select_related("assigned_agent", "created_by", "board").seen_by(who, task_id)
    return task


def can_write(who: UserActor, board_id: UUID) -> bool:
    """Whether buttons that change the board are drawn; the service decides again."""
    return bool(Board.objects.writable_by(who).filter(pk=board_id).exists())


def waiting_by_board(who: UserActor) -> dict[UUID, int]:
    """Number of approvals that wait for a decision, by board."""
    waiting = Approval.objects.visible_to(who).filter(status=Approval.Status.PENDING)
    return dict(waiting.values_list("board_id").annotate(n=Count("id")))


def filter_of(request: HttpRequest) -> cards.BoardFilter:
    """What the reader asked for; a malformed id asks for nothing."""
    names = ("q", "agent", "priority", "tag", "status", "all")
    values = {name: request.GET.get(name, "").strip() for name in names}
    for name in ("agent", "tag"):
        if values[name] not in {"", "none"} and choices.id_of(values[name]) is None:
            values[name] = ""
    values["tag"] = "" if values["tag"] == "none" else values["tag"]
    return cards.BoardFilter(**values)


def assignable(board: Board) -> list[tuple[str, str]]:
    """Agents that a task of the board may be given to, as choices."""
    agents = Agent.objects.filter(organization_id=board.organization_id).exclude(agent_type="main")
    agents = agents.filter(Q(board_id=board.id) | Q(board__isnull=True)).order_by("name")
    return [(str(pk), name) for pk, name in agents.values_list("pk", "name")]


def facts_form(task: Task, agents: list[tuple[str, str]], data: Any = None) -> FactsForm:
    """The form in the panel with the task's present values."""
    form = FactsForm(
        data,
        auto_id="fact_%s",
        initial={
            "status": task.status,
            "assigned_agent_id": str(task.assigned_agent_id or ""),
            "priority": task.priority,
            "due_at": task.due_at,
            "version": task.version,
        },
    )
    specs = custom_fields.unpack(task.board.custom_fields)
    values = custom_fields.shown(specs, task.custom_field_values)
    shown = [spec for spec in specs if field_inputs.is_shown(spec, values)]
    form.ask(shown, values, place="fact-field")
    form.offer(agents, task)
    return form


def panel_context(who: UserActor, task: Task, **extra: Any) -> dict[str, Any]:
    """Context of `boards/_task_panel.html`."""
    return {
        "panel": panel.panel_of(task, who),
        "tags": choices.tags_of(task.organization_id),
        "form": extra.pop("form", None) or facts_form(task, assignable(task.board)),
        "can_write": can_write(who, task.board_id),
        "board": task.board,
        **extra,
    }


def render_panel(request: HttpRequest, who: UserActor, task: Task, **extra: Any) -> HttpResponse:
    """The panel alone."""
    status = extra.pop("http_status", 200)
    context = panel_context(who, task, **extra)
    return render(request, "boards/_task_panel.html", context, status=status)


def render_board(
    request: HttpRequest,
    who: UserActor,
    board: Board,
    *,
    task: Task | None = None,
    http_status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """The whole page of a board, with a task's panel in it when one is open."""
    wanted = filter_of(request)
    agents, may_write = assignable(board), can_write(who, board.id)
    context: dict[str, Any] = {
        "nav": "boards",
        "board": board,
        "about": about(board),
        "columns": cards.columns(board, wanted),
        "filters": wanted,
        "levels": cards.LEVELS,
        "tags": choices.tags_of(board.organization_id),
        "agents": agents,
        "can_write": may_write,
        "can_edit": who.is_admin_in(board.organization_id) or may_write,
        "event_seq": last_board_seq(board.id),
        "open_key": task.key if task else "",
    }
    if task is not None:
        context["panel"] = panel.panel_of(task, who)
        context["form"] = extra.pop("form", None) or facts_form(task, agents)
    return render(request, "boards/board_detail.html", {**context, **extra}, status=http_status)


def last_board_seq(board_id: UUID) -> int:
    """Last number of the board's stream, from which its socket goes on."""
    return EventStream.objects.filter(pk=board_id).values_list("last_seq", flat=True).first() or 0


def open_task(who: UserActor, board: Board, named: str) -> Task | None:
    """The task that `?task=` names by key or id; nothing when it is not on this board."""
    tasks = Task.objects.filter(board_id=board.id)
    tasks = tasks.select_related("assigned_agent", "created_by", "board").visible_to(who)
    try:
        return tasks.filter(pk=UUID(named)).first()
    except ValueError:
        return tasks.filter(Q(key__iexact=named) | Q(aliases__key__iexact=named)).first()


def task_elsewhere(who: UserActor, board: Board, named: str) -> Task | None:
    """A task that a link to this board names, on the board where it is now."""
    tasks: QuerySet[Task] = Task.objects.visible_to(who)
    tasks = tasks.filter(organization_id=board.organization_id)
    known = choices.id_of(named)
    if known is not None:
        return tasks.filter(pk=known).first()
    return tasks.filter(Q(key__iexact=named) | Q(aliases__key__iexact=named)).first()


def field_errors(error: Exception) -> list[Any]:
    """Complaints of a refusal that belong to single fields."""
    return list(error.extra.get("errors", [])) if isinstance(error, Invalid) else []
