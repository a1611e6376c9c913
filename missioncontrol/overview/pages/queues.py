"""The page of background work."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from activity.services import parked
from missioncontrol.kernel.errors import Forbidden
from missioncontrol.kernel.pages import actor, is_htmx, page
from missioncontrol.overview import queues

PARKED_SHOWN = 50


@require_safe
@page
def work(request: HttpRequest) -> HttpResponse:
    """Queues, workers, scheduler, listeners and what was parked or failed."""
    who = actor(request)
    if not (who.is_super_admin or who.is_admin_in(who.organization_id)):
        raise Forbidden(_("Background work is shown to admins of the organization."))
    rows = parked.visible_to(who).filter(event__organization_id=who.organization_id)
    listeners = queues.listeners(who.organization_id)
    context: dict[str, Any] = {
        "nav": "jobs",
        "work": queues.work(),
        "failed": queues.failed_jobs() if who.is_super_admin else None,
        "listeners": listeners,
        "late": [row for row in listeners if row.lag],
        "parked": rows.select_related("event").order_by("-pk")[:PARKED_SHOWN],
    }
    name = "overview/_jobs.html" if is_htmx(request) else "overview/jobs.html"
    return render(request, name, context)


@require_POST
@page
def job_retry(request: HttpRequest, job_id: str) -> HttpResponse:
    """Put a failed job back into its queue."""
    queues.retry_job(actor(request), job_id)
    messages.success(request, _("The job is back in its queue."))
    return HttpResponseRedirect(reverse("overview:jobs"))


@require_POST
@page
def job_delete(request: HttpRequest, job_id: str) -> HttpResponse:
    """Forget a failed job."""
    queues.delete_job(actor(request), job_id)
    messages.success(request, _("The failed job was removed."))
    return HttpResponseRedirect(reverse("overview:jobs"))


@require_POST
@page
def parked_retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Give a parked event to its listener."""
    if parked.retry_delivery(actor(request), delivery_id):
        messages.success(request, _("The listener took the event."))
    else:
        messages.warning(request, _("The listener refused the event again."))
    return HttpResponseRedirect(reverse("overview:jobs"))
