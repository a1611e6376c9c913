"""Pages of the souls directory."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents import souls
from missioncontrol.kernel.errors import DomainError
from missioncontrol.kernel.pages import actor, is_htmx, page

MOST = 100


@require_safe
@page
def soul_list(request: HttpRequest) -> HttpResponse:
    """Roles that fit; without the source only those that are known."""
    actor(request)
    query = request.GET.get("q", "").strip()
    fault = ""
    try:
        found = souls.search(query, limit=MOST)
    except DomainError as refusal:
        fault = str(refusal.detail)
        found = [entry for entry in souls.known() if query.lower() in entry.key.lower()][:MOST]
    context = {"nav": "agents", "entries": found, "query": query, "fault": fault}
    name = "agents/_soul_rows.html" if is_htmx(request) else "agents/soul_list.html"
    return render(request, name, context)


@require_safe
@page
def soul_detail(request: HttpRequest, handle: str, slug: str) -> HttpResponse:
    """One role."""
    who = actor(request)
    context = {
        "nav": "agents",
        "handle": handle,
        "slug": slug,
        "title": souls.title_of(slug),
        "text": souls.text_of(handle, slug),
        "can_create": who.is_admin_in(who.organization_id),
    }
    return render(request, "agents/soul_detail.html", context)
