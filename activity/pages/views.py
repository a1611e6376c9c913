"""The timeline of the organization."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from activity import types
from activity.models import ActivityEvent
from activity.querysets import EventQuerySet
from activity.reads import event_rows
from boards.models import Board
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page
from missioncontrol.kernel.querysets import as_uuid

PAGE_SIZE = 60
KINDS = (
    ("task", _("Tasks")),
    ("approval", _("Approvals")),
    ("agent", _("Agents")),
    ("gateway", _("Gateways")),
    ("board", _("Boards")),
    ("execution", _("Executions")),
    ("member", _("Members")),
    ("token", _("Tokens")),
)
ACTORS = (
    ("user", _("People")),
    ("agent", _("Agents")),
    ("gateway", _("Gateways")),
    ("system", _("System")),
)


@require_safe
@page
def event_list(request: HttpRequest) -> HttpResponse:
    """Timeline with its filters in the address; `before=<seq>` continues it."""
    who = actor(request)
    filters = {
        name: request.GET.get(name, "").strip()
        for name in ("kind", "by", "board", "agent", "q", "raw")
    }
    events = _filtered(_readable(who), filters)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) <= 15:
        events = events.filter(seq__lt=int(before))
    found = list(events[: PAGE_SIZE + 1])
    rows = event_rows(found[:PAGE_SIZE], with_raw=filters["raw"] == "1")
    context: dict[str, Any] = {
        "nav": "activity",
        "days": [(lines[0].at, lines) for lines in _by_day(rows)],
        "older": rows[-1].seq if len(found) > PAGE_SIZE else None,
        "is_first": not before,
        "filters": {**filters, "any": any(v for k, v in filters.items() if k != "raw")},
        "kinds": KINDS,
        "actors": ACTORS,
        "boards": _boards(who),
        "export_url": _export_url(who, filters),
    }
    name = "activity/_events.html" if is_htmx(request) else "activity/event_list.html"
    return render(request, name, context)


def _readable(who: UserActor) -> EventQuerySet:
    """Events of the active organization that the person may read, newest first."""
    home = home_of(who)
    boards = Board.objects.visible_to(who).filter(organization_id=home)
    events: EventQuerySet = ActivityEvent.objects.filter(organization_id=home)
    return events.visible_to(who, boards=boards.values_list("id", flat=True)).order_by("-seq")


def _by_day(rows: list[Any]) -> list[list[Any]]:
    return [list(group) for _day, group in groupby(rows, key=lambda row: localtime(row.at).date())]


def _export_url(who: UserActor, filters: dict[str, str]) -> str:
    """Address of the same events as a file, for admins; empty for others."""
    if not who.is_admin_in(home_of(who)):
        return ""
    wanted = {
        "format": "csv",
        "event_type": f"{filters['kind']}.*" if filters["kind"] else "",
        "actor_type": filters["by"],
        "board_id": filters["board"],
        "agent_id": filters["agent"],
        "q": filters["q"],
    }
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{reverse('v1:activity-export')}?{query}"


def _boards(who: UserActor) -> QuerySet[Board]:
    boards: QuerySet[Board] = Board.objects.visible_to(who)
    return boards.filter(organization_id=home_of(who)).order_by("name").only("id", "name")


def _filtered(events: EventQuerySet, filters: dict[str, str]) -> EventQuerySet:
    if filters["kind"]:
        names = [name for name in types.TYPES if name.split(".")[0] == filters["kind"]]
        events = events.filter(type__in=names)
    if filters["by"]:
        events = events.filter(actor_kind=filters["by"])
    if filters["board"]:
        events = events.filter(board_id=as_uuid(filters["board"]))
    if filters["agent"]:
        agent_id = as_uuid(filters["agent"])
        events = events.filter(Q(agent_id=agent_id) | Q(actor_id=agent_id) | Q(target_id=agent_id))
    if filters["q"]:
        events = events.filter(
            Q(target_title__icontains=filters["q"]) | Q(actor_name__icontains=filters["q"])
        )
    return events
