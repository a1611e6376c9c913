"""Boards: list, page, columns, new, edit, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from boards import services
from boards.models import Board, BoardGroup, Task
from boards.pages import cards, choices
from boards.pages.forms import POLICY, BoardEditForm, BoardNewForm, PlacedForm, exact
from boards.pages.views import shared
from gateways.models import Gateway
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Forbidden, RemoteFailed
from missioncontrol.kernel.pages import actor, home_of, is_htmx, listing, page
from missioncontrol.kernel.sorting import sorting

EDITED = (
    "name", "key", "description", "board_type", "objective", "success_metrics", "target_date",
    "goal_confirmed", "approval_gate_scope", "max_agents", "execution_policy", *POLICY,
)  # fmt: skip

SORTS: dict[str, Any] = {
    "name": Lower("name"),
    "group": Lower("board_group__name"),
    **{status: f"n_{status}" for status in Task.Status.values},
}
#: Parts of a board that deep links name, and where they stand.
PANELS = {"chat": "/boards/%s/chat", "approvals": "/approvals?board=%s"}


@require_safe
@page
def board_list(request: HttpRequest) -> HttpResponse:
    """Boards that the actor may read, with the number of tasks per column."""
    who = actor(request)
    q = request.GET.get("q", "").strip()
    boards: QuerySet[Board] = Board.objects.visible_to(who)
    boards = boards.filter(organization_id=home_of(who))
    boards = boards.select_related("gateway", "board_group")
    if q:
        boards = boards.filter(Q(name__icontains=q) | Q(key__iexact=q))
    counts = {
        f"n_{status}": Count("tasks", filter=Q(tasks__status=status))
        for status in Task.Status.values
    }
    context: dict[str, Any] = {
        "nav": "boards",
        "filters": {"q": q, "any": bool(q)},
        "can_create": who.is_admin_in(who.organization_id),
        "waiting": shared.waiting_by_board(who),
    }
    asked = sorting(request, SORTS, default="name", last=["-created_at", "id"])
    rows = boards.annotate(**counts).order_by(*asked.order)
    context |= asked.context
    return listing(request, rows, "boards/board_list.html", context=context)


@require_safe
@page
def board_detail(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """A board; `?task=` opens a task beside it, other deep links lead to their own address."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    panel = request.GET.get("panel", "")
    if panel in PANELS:
        return HttpResponseRedirect(PANELS[panel] % board_id)
    wanted = request.GET.get("taskId", "")
    named = (request.GET.get("task") or wanted).strip()
    task = shared.open_task(who, board, named) if named else None
    if named and task is None:
        task = shared.task_elsewhere(who, board, named)
        if task is None:
            messages.info(request, _("This task is not on the board, or was deleted."))
    if task is not None and (wanted or task.board_id != board.id):
        return HttpResponseRedirect(_address(task, request.GET.get("commentId", "")))
    return shared.render_board(request, who, board, task=task)


def _address(task: Task, comment: str) -> str:
    """Address of a task on its board, and of a comment in it."""
    known = choices.id_of(comment)
    return f"/boards/{task.board_id}?task={task.key}" + (f"#comment-{known}" if known else "")


@require_safe
@page
def board_columns(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """All columns anew, after more changes than single cards are fetched for."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    context = {
        "board": board,
        "columns": cards.columns(board, shared.filter_of(request)),
        "can_write": shared.can_write(who, board_id),
        "open_key": request.GET.get("task", ""),
    }
    return render(request, "boards/_columns.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def board_new(request: HttpRequest) -> HttpResponse:
    """A new board."""
    who = actor(request)
    _admins_only(who, who.organization_id)
    form = BoardNewForm(request.POST or None, initial=_first_places(request, who))
    _offer(who, form)
    if request.method == "POST" and form.is_valid():
        try:
            board = services.create_board(
                who,
                home_of(who),
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                objective=form.cleaned_data["objective"] or None,
                **_places(form),
            )
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/boards/{board.id}")
    context = {"nav": "boards", "form": form}
    return render(request, "boards/board_new.html", context, status=422 if form.errors else 200)


def _first_places(request: HttpRequest, who: UserActor) -> dict[str, str]:
    """The group that the address names, and the organization's default gateway."""
    default = Gateway.objects.filter(organization_id=home_of(who), is_default=True).first()
    return {
        "board_group_id": request.GET.get("group", ""),
        "gateway_id": str(default.pk) if default else "",
    }


@require_http_methods(["GET", "HEAD", "POST"])
@page
def board_edit(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """A board's facts, rules and column limits."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    is_admin = who.is_admin_in(board.organization_id)
    if not (is_admin or shared.can_write(who, board_id)):
        raise Forbidden(_("You may read this board, but not change it."))
    form = BoardEditForm(request.POST or None, initial=_present(board))
    _offer(who, form) if is_admin else form.for_writers()
    if request.method == "POST" and form.is_valid():
        try:
            _save(who, board, form)
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("The board was saved."))
            return HttpResponseRedirect(f"/boards/{board_id}")
    totals = dict(
        Task.objects.filter(board_id=board.id).values_list("status").annotate(n=Count("id"))
    )
    context: dict[str, Any] = {
        "nav": "boards",
        "board": board,
        "form": form,
        "is_admin": is_admin,
        "columns": [
            (status, totals.get(status, 0), form[f"wip_{status}"]) for status in Task.Status.values
        ],
    }
    return render(request, "boards/board_edit.html", context, status=422 if form.errors else 200)


def _present(board: Board) -> dict[str, Any]:
    values = {name: getattr(board, name) for name in EDITED}
    limits = board.wip_limits or {}
    return {
        **values,
        **{f"wip_{status}": limits.get(status) for status in Task.Status.values},
        "gateway_id": str(board.gateway_id or ""),
        "board_group_id": str(board.board_group_id or ""),
        "version": board.version,
    }


def _save(who: UserActor, board: Board, form: BoardEditForm) -> None:
    wanted = {name: form.cleaned_data[name] for name in EDITED if name in form.fields}
    wanted["objective"] = wanted["objective"] or None
    wanted["target_date"] = exact(wanted["target_date"], board.target_date)
    wanted["board_type"] = wanted["board_type"] or board.board_type
    if "gateway_id" in form.fields:
        wanted |= _places(form)
    wanted["wip_limits"] = form.wip_limits()
    changes = {name: value for name, value in wanted.items() if value != getattr(board, name)}
    if changes:
        services.update_board(
            who, board.id, changes=changes, expected_version=form.cleaned_data["version"]
        )


def _places(form: PlacedForm) -> dict[str, UUID | None]:
    return {
        name: UUID(form.cleaned_data[name]) if form.cleaned_data[name] else None
        for name in ("gateway_id", "board_group_id")
    }


def _offer(who: UserActor, form: PlacedForm) -> None:
    own = {"organization_id": home_of(who)}
    gateways = Gateway.objects.visible_to(who).filter(**own).order_by("name")
    groups = BoardGroup.objects.visible_to(who).filter(**own).order_by("name")
    form.offer(
        [(str(pk), name) for pk, name in gateways.values_list("pk", "name")],
        [(str(pk), name) for pk, name in groups.values_list("pk", "name")],
    )


def _admins_only(who: UserActor, organization_id: UUID | None) -> None:
    if not who.is_admin_in(organization_id):
        raise Forbidden(_("Boards are set up by admins of the organization."))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def board_delete(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """The question before a board is deleted, and the deletion."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    _admins_only(who, board.organization_id)
    is_named = request.POST.get("confirm_name", "").strip() == board.name
    away = ""
    if request.method == "POST" and is_named:
        try:
            services.delete_board(who, board_id, force=request.POST.get("force") == "1")
        except RemoteFailed as refusal:
            away = str(refusal.detail)
        else:
            messages.success(request, _("The board %(name)s was deleted.") % {"name": board.name})
            return HttpResponseRedirect("/boards")
    is_refused = request.method == "POST" and not is_named
    context = {"nav": "boards", "board": board, "is_refused": is_refused, "away": away}
    return render(request, "boards/board_delete.html", context)


@require_POST
@page
def board_pause(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """Stop or let go on what agents get from this board."""
    who = actor(request)
    if request.POST.get("paused") == "1":
        services.pause_board(who, board_id)
    else:
        services.resume_board(who, board_id)
    target = f"/boards/{board_id}"
    if is_htmx(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return HttpResponseRedirect(target)
