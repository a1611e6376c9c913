"""A board as a list of rows, and one change for those that are chosen."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, IntegerField, Value, When
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from boards import actions, rules
from boards.models import Board, Task
from boards.pages import cards, choices
from boards.pages.forms import LEVELS, STATUSES
from boards.pages.views import shared
from boards.services import bulk
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import actor, page, page_of
from missioncontrol.kernel.sorting import sorting

PAGE_SIZE = 100


@require_safe
@page
def task_list(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """Tasks of a board as rows; `?sort=` and the filter stand in the address."""
    who = actor(request)
    return _list_page(request, who, shared.board_of(who, board_id))


def _place(name: str, order: tuple[str, ...]) -> Case:
    whens = [When(**{name: value}, then=Value(place)) for place, value in enumerate(order)]
    return Case(*whens, default=Value(len(order)), output_field=IntegerField())


SORTS: dict[str, Any] = {
    "key": "number",
    "title": Lower("title"),
    "status": _place("status", rules.STATUSES),
    "priority": _place("priority", rules.PRIORITIES),
    "assignee": Lower("assigned_agent__name"),
    "due": "due_at",
    "updated": "updated_at",
}


def _list_page(
    request: HttpRequest,
    who: UserActor,
    board: Board,
    *,
    outcomes: list[tuple[str, str]] | None = None,
    chosen: frozenset[UUID] = frozenset(),
    http_status: int = 200,
) -> HttpResponse:
    wanted = shared.filter_of(request)
    asked = sorting(request, SORTS, default="status", last=["number"])
    rows = wanted.narrow(Task.objects.filter(board_id=board.pk)).order_by(*asked.order)
    found = page_of(request, rows.values(*cards.FIELDS), PAGE_SIZE)
    context: dict[str, Any] = {
        "nav": "boards",
        "board": board,
        "filters": wanted,
        "levels": cards.LEVELS,
        "statuses": STATUSES,
        "priorities": LEVELS,
        "agents": shared.assignable(board),
        "tags": choices.tags_of(board.organization_id),
        **asked.context,
        "can_write": shared.can_write(who, board.pk),
        "outcomes": outcomes or [],
        "chosen": chosen,
        **found,
        "rows": cards.cards(found["items"]),
    }
    return render(request, "boards/task_list.html", context, status=http_status)


@require_POST
@page
def task_bulk(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """One change for the chosen rows; what a rule refuses is named row by row."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    authz.authorize(who, actions.UPDATE_TASK, board)
    ids = [pk for raw in request.POST.getlist("ids") if (pk := choices.id_of(raw))]
    change = _change_of(request.POST.get("change", ""))
    if not ids or not change:
        complaint = _("Choose tasks and what happens to them.")
        return _list_page(
            request, who, board, outcomes=[("", complaint)], chosen=frozenset(ids), http_status=422
        )
    if "delete" in change and request.POST.get("confirm") != "1":
        tasks = Task.objects.filter(board_id=board_id, pk__in=ids).order_by("number")
        context = {"nav": "boards", "board": board, "tasks": tasks}
        return render(request, "boards/task_bulk_delete.html", context)
    outcomes = bulk.change_tasks(
        who, board_id, task_ids=ids, change=change, comment=request.POST.get("comment") or None
    )
    return _told(request, who, board, outcomes)


def _change_of(raw: str) -> dict[str, Any]:
    """The change that one option of the bar stands for, e.g. ``status:review``."""
    kind, _sep, value = raw.partition(":")
    if kind in ("status", "priority"):
        return {kind: value}
    if kind == "agent" and value in ("", "none"):
        return {"assigned_agent_id": None}
    if kind == "delete":
        return {"delete": True}
    pk = choices.id_of(value)
    if pk is None:
        return {}
    names = {"agent": "assigned_agent_id", "add": "add_tag_ids", "remove": "remove_tag_ids"}
    if kind not in names:
        return {}
    return {names[kind]: pk if kind == "agent" else [pk]}


def _told(
    request: HttpRequest, who: UserActor, board: Board, outcomes: list[bulk.Outcome]
) -> HttpResponse:
    """Back to the list, or the list with what was refused."""
    refused = [found for found in outcomes if found.refusal is not None]
    changed = len(outcomes) - len(refused)
    if changed:
        messages.success(
            request,
            ngettext("%(n)s task was changed.", "%(n)s tasks were changed.", changed)
            % {"n": changed},
        )
    if not refused:
        query = urlencode(list(request.GET.items()))
        return HttpResponseRedirect(f"/boards/{board.pk}/list" + (f"?{query}" if query else ""))
    keys = dict(
        Task.objects.filter(pk__in=[found.task_id for found in refused]).values_list("pk", "key")
    )
    named = [
        (keys.get(found.task_id, ""), str(found.refusal.detail))
        for found in refused
        if found.refusal is not None
    ]
    chosen = frozenset(found.task_id for found in refused)
    return _list_page(request, who, board, outcomes=named, chosen=chosen, http_status=409)
