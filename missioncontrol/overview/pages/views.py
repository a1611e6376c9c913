"""Start and dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from missioncontrol.kernel.pages import actor, is_htmx, page, session_actor
from missioncontrol.overview import reads


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The dashboard for signed-in people, sign-in for others."""
    signed_in = session_actor(request) is not None
    return HttpResponseRedirect("/dashboard" if signed_in else "/sign-in")


@require_safe
@page
def dashboard(request: HttpRequest) -> HttpResponse:
    """The state of the fleet and what waits for a person."""
    wanted = request.GET.get("range", reads.DEFAULT_RANGE)
    range_key = wanted if wanted in reads.RANGES else reads.DEFAULT_RANGE
    who = actor(request)
    shown = reads.dashboard(who, range_key)
    context = {
        "nav": "dashboard",
        "dashboard": shown,
        "step": reads.first_step(who, shown),
        "range": range_key,
        "ranges": list(reads.RANGES),
    }
    name = "overview/_dashboard.html" if is_htmx(request) else "overview/dashboard.html"
    return render(request, name, context)
