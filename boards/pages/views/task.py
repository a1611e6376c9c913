"""Tasks: panel, card, moves, facts, comments, the form of a whole task."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from boards import actions, custom_fields, services
from boards.models import Board, Task
from boards.pages import cards, choices
from boards.pages.forms import CommentForm, MoveForm, QuickTaskForm, TaskForm
from boards.pages.views import shared
from missioncontrol.kernel import authz
from missioncontrol.kernel.errors import DomainError, Invalid
from missioncontrol.kernel.pages import actor, is_htmx, page


@require_safe
@page
def task_panel(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """The panel of a task."""
    who = actor(request)
    return shared.render_panel(request, who, shared.task_of(who, board_id, task_id))


@require_safe
@page
def task_body(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """What changes in the panel, without head and composer."""
    who = actor(request)
    context = shared.panel_context(who, shared.task_of(who, board_id, task_id))
    return render(request, "boards/_task_body.html", context)


@require_safe
@page
def task_card(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """One card."""
    task = shared.task_of(actor(request), board_id, task_id)
    return render(request, "boards/_task_card.html", {"card": cards.card_of(task)})


@require_POST
@page
def task_move(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """A card's new place; a refusal becomes the toast that the middleware draws."""
    who = actor(request)
    shared.task_of(who, board_id, task_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("This place does not exist on the board."))
    wanted = form.cleaned_data
    task = services.move_task(
        who,
        task_id,
        to=wanted["status"],
        before_id=wanted["before_id"],
        after_id=wanted["after_id"],
        expected_version=wanted["version"],
    )
    return render(request, "boards/_task_card.html", {"card": cards.card_of(task)})


@require_POST
@page
def task_facts(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """Status, assignee, priority and date from the panel."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    form = shared.facts_form(task, shared.assignable(task.board), request.POST)
    if not form.is_valid():
        return refused_in_panel(request, task, first_error(form), 422)
    wanted = form.cleaned_data
    changes = {
        "assigned_agent_id": UUID(wanted["assigned_agent_id"])
        if wanted["assigned_agent_id"]
        else None,
        "priority": wanted["priority"],
        "due_at": form.wanted_due,
        "status": wanted["status"],
    }
    changed = {name: new for name, new in changes.items() if new != getattr(task, name)}
    if form.custom_values():
        changed["custom_field_values"] = form.custom_values()
    try:
        if changed:
            services.update_task(who, task_id, changes=changed, expected_version=wanted["version"])
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, _sentence(refusal), refusal.status)
    return shown_in_panel(request, board_id, task_id)


def _sentence(refusal: DomainError) -> str:
    """What was refused, with the first complaint about a single value."""
    errors = refusal.extra.get("errors") or []
    more = str(errors[0]["msg"]) if errors else ""
    detail = str(refusal.detail)
    return f"{detail} {more}" if more and more != detail else detail


def first_error(form: Any) -> str:
    """What a form complains about first."""
    return str(next(iter(form.errors.values()))[0])


def refused_in_panel(request: HttpRequest, task: Task, refusal: str, status: int) -> HttpResponse:
    """The panel with the sentence of a refusal; without script the whole page."""
    who = actor(request)
    if is_htmx(request):
        return shared.render_panel(request, who, task, refusal=refusal, http_status=status)
    return shared.render_board(
        request, who, task.board, task=task, refusal=refusal, http_status=status
    )


def shown_in_panel(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """The panel after a change; without script back to the page."""
    who = actor(request)
    if not is_htmx(request):
        return redirect(f"/boards/{board_id}?task={task_id}")
    task = shared.task_of(who, board_id, task_id)
    return _with_card(shared.render_panel(request, who, task), task)


def _with_card(response: HttpResponse, task: Task) -> HttpResponse:
    """Let the board fetch the task's card, as it does for changes by others."""
    changed = {"mc:card-changed": {"id": str(task.id), "version": task.version}}
    response["HX-Trigger"] = json.dumps(changed)
    return response


@require_POST
@page
def comment_new(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """A comment from the panel's composer."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return refused_in_panel(request, task, first_error(form), 422)
    services.add_comment(who, task_id, message=form.cleaned_data["message"])
    return shown_in_panel(request, board_id, task_id)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def task_new(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """A new task: the column's quick line, or the whole form."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    authz.authorize(who, actions.CREATE_TASK, board)
    if request.method == "POST" and is_htmx(request):
        return _quick(request, board)
    form = _task_form(
        board, request.POST or None, initial={"status": request.GET.get("status", "todo")}
    )
    if request.method == "POST" and "find" not in request.POST and form.is_valid():
        try:
            task = services.create_task(who, board_id, **_inputs(form))
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            messages.success(request, _("%(key)s was added.") % {"key": task.key})
            _warn_of_duplicate(request, task)
            return HttpResponseRedirect(f"/boards/{board_id}?task={task.key}")
    return _task_page(request, board, form, None)


def _warn_of_duplicate(request: HttpRequest, task: Task) -> None:
    """Name the open task that says the same."""
    for warning in task.warnings:
        kind, _sep, pk = warning.partition(":")
        key = Task.objects.filter(pk=pk).values_list("key", flat=True).first()
        if kind == "duplicate_of" and key:
            messages.warning(request, _("%(key)s is open and says the same.") % {"key": key})


def _quick(request: HttpRequest, board: Board) -> HttpResponse:
    form = QuickTaskForm(request.POST)
    status = request.POST.get("status", "todo")
    context: dict[str, Any] = {"board": board, "status": status, "keep_open": True}
    if form.is_valid():
        try:
            task = services.create_task(actor(request), board.id, **form.cleaned_data)
        except Invalid as refusal:
            form.add_error("title", _sentence(refusal))
            return render(
                request, "boards/_quick_create.html", {**context, "form": form}, status=422
            )
        context["duplicate"] = [warning.partition(":")[2] for warning in task.warnings]
        return _with_card(render(request, "boards/_quick_create.html", context), task)
    return render(request, "boards/_quick_create.html", {**context, "form": form}, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def task_edit(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """A whole task as a form."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    authz.authorize(who, actions.UPDATE_TASK, task)
    form = _task_form(task.board, request.POST or None, task=task)
    if request.method == "POST" and "find" not in request.POST and form.is_valid():
        inputs = _inputs(form)
        inputs.pop("status")
        if not inputs["custom_field_values"]:
            inputs.pop("custom_field_values")
        if not (inputs["description"] or task.description):
            inputs.pop("description")
        expected = form.cleaned_data["version"]
        try:
            services.update_task(who, task_id, changes=inputs, expected_version=expected)
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/boards/{board_id}?task={task.key}")
    return _task_page(request, task.board, form, task)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def task_delete(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """The question before a task is deleted, and the deletion."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    authz.authorize(who, actions.DELETE_TASK, task)
    if request.method == "POST":
        services.delete_task(who, task_id)
        messages.success(request, _("%(key)s was deleted.") % {"key": task.key})
        return HttpResponseRedirect(f"/boards/{board_id}")
    return render(request, "boards/task_delete.html", {"nav": "boards", "task": task})


def _task_form(
    board: Board, data: Any, *, task: Task | None = None, initial: dict[str, Any] | None = None
) -> TaskForm:
    values: dict[str, Any] = dict(initial or {})
    if task is not None:
        chosen = task.dependency_links.values_list("depends_on_id", flat=True)
        values = {
            name: getattr(task, name)
            for name in ("title", "description", "priority", "due_at", "version", "status")
        }
        values["assigned_agent_id"] = str(task.assigned_agent_id or "")
        values["depends_on"] = [str(pk) for pk in chosen]
        values["tags"] = [str(pk) for pk in task.tag_ids]
    form = TaskForm(data, initial=values)
    form.offer(shared.assignable(board), task)
    specs = custom_fields.unpack(board.custom_fields)
    shown = custom_fields.shown(specs, task.custom_field_values if task else {})
    form.ask([spec for spec in specs if spec.visibility != "hidden"], shown, place="field")
    return form


def _inputs(form: TaskForm) -> dict[str, Any]:
    wanted = form.cleaned_data
    assignee = wanted["assigned_agent_id"]
    return {
        "title": wanted["title"],
        "description": wanted["description"] or None,
        "status": wanted["status"] or Task.Status.TODO,
        "priority": wanted["priority"],
        "assigned_agent_id": UUID(assignee) if assignee else None,
        "due_at": form.wanted_due,
        "depends_on_task_ids": [UUID(pk) for pk in wanted["depends_on"]],
        "tag_ids": [UUID(pk) for pk in wanted["tags"]],
        "custom_field_values": form.custom_values(),
    }


def _task_page(
    request: HttpRequest, board: Board, form: TaskForm, task: Task | None
) -> HttpResponse:
    tags = choices.tags_of(board.organization_id)
    context: dict[str, Any] = {
        "nav": "boards",
        "board": board,
        "form": form,
        "task": task,
        "tags": tags,
        "tag_ids": {str(pk) for pk in form["tags"].value() or ()},
        **choices.needs(
            board,
            q=request.POST.get("q", "").strip(),
            chosen=[str(pk) for pk in form["depends_on"].value() or ()],
            own=task.pk if task else None,
        ),
    }
    is_refused = bool(form.errors) and "find" not in request.POST
    return render(request, "boards/task_form.html", context, status=422 if is_refused else 200)
