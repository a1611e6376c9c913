"""Board groups: list, one group with its boards, new, edit, delete."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from boards import actions, reads, services
from boards.models import Board, BoardGroup, GroupMemory, Task
from boards.pages.forms import GroupForm
from boards.pages.views import shared
from missioncontrol.kernel import authz
from missioncontrol.kernel.pages import actor, home_of, listing, page
from missioncontrol.kernel.sorting import sorting

#: Open tasks of each board that a group's page shows.
TASKS_OF_A_BOARD = 5


@require_safe
@page
def group_list(request: HttpRequest) -> HttpResponse:
    """Groups with the number of their readable boards."""
    who = actor(request)
    readable = Board.objects.visible_to(who).values("pk")
    groups: QuerySet[BoardGroup] = BoardGroup.objects.visible_to(who)
    groups = groups.filter(organization_id=home_of(who))
    rows = groups.annotate(n_boards=Count("boards", filter=Q(boards__in=readable), distinct=True))
    asked = sorting(request, {"name": Lower("name"), "boards": "n_boards"}, default="name")
    context = {
        "nav": "board-groups",
        "can_create": who.is_admin_in(who.organization_id),
        **asked.context,
    }
    return listing(request, rows.order_by(*asked.order), "boards/group_list.html", context=context)


@require_safe
@page
def group_detail(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """One group with the state of its readable boards."""
    who = actor(request)
    group = BoardGroup.objects.seen_by(who, group_id)
    boards = Board.objects.visible_to(who).filter(board_group_id=group.id)
    counts = {
        f"n_{status}": Count("tasks", filter=Q(tasks__status=status))
        for status in Task.Status.values
    }
    shown = list(boards.select_related("gateway").annotate(**counts).order_by(Lower("name"), "id"))
    tasks = reads.first_tasks([board.pk for board in shown], TASKS_OF_A_BOARD, with_done=False)
    context = {
        "nav": "board-groups",
        "group": group,
        "boards": shown,
        "open_tasks": [(board, tasks[board.pk]) for board in shown if tasks[board.pk]],
        "waiting": shared.waiting_by_board(who),
        "can_edit": who.is_admin_in(group.organization_id),
    }
    return render(request, "boards/group_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def group_new(request: HttpRequest) -> HttpResponse:
    """A new group."""
    who = actor(request)
    authz.authorize(who, actions.CREATE_GROUP, shared.home_row(who))
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            group = services.create_group(
                who,
                home_of(who),
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"] or None,
            )
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/board-groups/{group.id}")
    return _form_page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def group_edit(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """A group's name and description."""
    who = actor(request)
    group = BoardGroup.objects.seen_by(who, group_id)
    authz.authorize(who, actions.UPDATE_GROUP, group)
    present = {"name": group.name, "description": group.description}
    form = GroupForm(request.POST or None, initial=present)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_group(who, group_id, changes=_inputs(form))
        except shared.REFUSALS as refusal:
            form.take(shared.field_errors(refusal), str(refusal.detail))
        else:
            return HttpResponseRedirect(f"/board-groups/{group_id}")
    return _form_page(request, form, group)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def group_delete(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """The question before a group is deleted, and the deletion; its boards stay."""
    who = actor(request)
    group = BoardGroup.objects.seen_by(who, group_id)
    authz.authorize(who, actions.DELETE_GROUP, group)
    if request.method == "POST":
        services.delete_group(who, group_id)
        messages.success(request, _("The group %(name)s was deleted.") % {"name": group.name})
        return HttpResponseRedirect("/board-groups")
    memories = GroupMemory.objects.filter(board_group=group)
    context = {
        "nav": "board-groups",
        "group": group,
        "note_count": memories.filter(is_chat=False).count(),
        "message_count": memories.filter(is_chat=True).count(),
        "board_count": group.boards.count(),
    }
    return render(request, "boards/group_delete.html", context)


def _inputs(form: GroupForm) -> dict[str, str | None]:
    return {
        "name": form.cleaned_data["name"],
        "description": form.cleaned_data["description"] or None,
    }


def _form_page(request: HttpRequest, form: GroupForm, group: BoardGroup | None) -> HttpResponse:
    context = {"nav": "board-groups", "form": form, "group": group}
    return render(request, "boards/group_form.html", context, status=422 if form.errors else 200)
