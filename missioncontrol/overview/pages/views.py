"""Start and dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from missioncontrol.kernel.pages import actor, is_htmx, page, session_actor
from missioncontrol.overview import reads

RANGE_WORDS = (
    ("24h", _("24 hours")),
    ("3d", _("3 days")),
    ("7d", _("7 days")),
    ("14d", _("14 days")),
    ("1m", _("30 days")),
    ("3m", _("3 months")),
    ("6m", _("6 months")),
    ("1y", _("1 year")),
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The dashboard for signed-in people, what this is and the way in for others."""
    if session_actor(request) is not None:
        return HttpResponseRedirect("/dashboard")
    return render(request, "overview/start.html")


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
        "unit": shown.metrics.periods.range.unit,
        "ui_is_admin": who.is_admin_in(who.organization_id),
        "range": range_key,
        "ranges": RANGE_WORDS,
    }
    name = "overview/_dashboard.html" if is_htmx(request) else "overview/dashboard.html"
    return render(request, name, context)
