"""What a task has beside its facts: dependencies, tags, its board, and what was said on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from boards import actions, services
from boards.models import Board, Task
from boards.pages import choices
from boards.pages.forms import AskForm, CommentForm
from boards.pages.views import shared
from boards.pages.views.task import first_error, refused_in_panel, shown_in_panel
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import actor, page


@require_safe
@page
def task_search(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """Tasks that a task may wait for, as choices of its form: chosen ones, then found ones."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    context = choices.needs(
        board,
        q=request.GET.get("q", "").strip(),
        chosen=request.GET.getlist("depends_on"),
        own=choices.id_of(request.GET.get("task", "")),
    )
    return render(request, "boards/_needs_choices.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def task_needs(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """Tasks found for the panel's search box; adding one of them, or taking one away."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    present = list(task.dependency_links.values_list("depends_on_id", flat=True))
    if request.method != "POST":
        q = request.GET.get("q", "").strip()
        found = choices.search(task.board, q, besides=[task.pk, *present]) if q else []
        context = {"task": task, "found": found, "q": q}
        return render(request, "boards/_needs_found.html", context)
    added = choices.id_of(request.POST.get("add", ""))
    removed = choices.id_of(request.POST.get("remove", ""))
    wanted = [pk for pk in present if pk != removed] + ([added] if added else [])
    try:
        services.update_task(who, task_id, changes={"depends_on_task_ids": wanted})
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_POST
@page
def task_tags(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """The tags chosen in the panel; those that it had keep their order."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    chosen = [pk for raw in request.POST.getlist("tags") if (pk := choices.id_of(raw))]
    kept = [pk for pk in task.tag_ids if pk in chosen]
    wanted = kept + [pk for pk in chosen if pk not in kept]
    try:
        services.update_task(who, task_id, changes={"tag_ids": wanted})
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_POST
@page
def task_ask(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """A request for an approval of the task."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    form = AskForm(request.POST)
    if not form.is_valid():
        return refused_in_panel(request, task, first_error(form), 422)
    try:
        services.request_approval(
            who,
            board_id,
            task_id=task.pk,
            action_type=form.cleaned_data["action_type"],
            lead_reasoning=form.cleaned_data["reason"],
        )
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_POST
@page
def comment_edit(
    request: HttpRequest, board_id: UUID, task_id: UUID, comment_id: UUID
) -> HttpResponse:
    """Another text for an own comment, within a quarter of an hour."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return refused_in_panel(request, task, first_error(form), 422)
    try:
        services.edit_comment(who, task_id, comment_id, message=form.cleaned_data["message"])
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_POST
@page
def comment_delete(
    request: HttpRequest, board_id: UUID, task_id: UUID, comment_id: UUID
) -> HttpResponse:
    """A comment goes; that it was there stays in the task's history."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    try:
        services.delete_comment(who, task_id, comment_id)
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def task_relocate(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """The choice of another board for a task, and the move."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    authz.authorize(who, actions.RELOCATE_TASK, task)
    boards = _other_boards(who, task)
    context: dict[str, Any] = {"nav": "boards", "task": task, "boards": boards}
    if request.method != "POST":
        return render(request, "boards/task_relocate.html", context)
    wanted = choices.id_of(request.POST.get("board_id", ""))
    if wanted not in {pk for pk, _name in boards}:
        context["refusal"] = _("Choose one of your boards.")
        return render(request, "boards/task_relocate.html", context, status=422)
    try:
        moved = services.relocate_task(who, task_id, board_id=wanted)
    except shared.REFUSALS as refusal:
        context["refusal"] = str(refusal.detail)
        return render(request, "boards/task_relocate.html", context, status=refusal.status)
    messages.success(
        request,
        _("%(old)s is %(new)s now; the old key still finds it.")
        % {"old": task.key, "new": moved.key},
    )
    return HttpResponseRedirect(f"/boards/{wanted}?task={moved.key}")


def _other_boards(who: UserActor, task: Task) -> list[tuple[UUID, str]]:
    """Boards of the organization that the person may write on, without the task's own."""
    boards = Board.objects.writable_by(who).filter(organization_id=task.organization_id)
    boards = boards.filter(~Q(pk=task.board_id)).order_by(Lower("name"), "id")
    return list(boards.values_list("pk", "name"))
