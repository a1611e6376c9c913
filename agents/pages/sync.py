"""The files of all agents of a gateway, written anew."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from agents.pages.forms import SyncForm
from agents.services import template_sync
from gateways.models import Gateway
from missioncontrol.kernel.errors import DomainError
from missioncontrol.kernel.pages import actor, page


@require_http_methods(["GET", "HEAD", "POST"])
@page
def gateway_sync(request: HttpRequest, gateway_id: UUID) -> HttpResponse:
    """The options of a sync, and the sync; what failed is listed by agent."""
    who = actor(request)
    gateway = Gateway.objects.seen_by(who, gateway_id)
    form = SyncForm(request.POST) if request.method == "POST" else SyncForm()
    errors: list[dict[str, str]] = []
    fault = ""
    if request.method == "POST" and form.is_valid():
        try:
            result = template_sync.sync_templates(who, gateway_id, **form.cleaned_data)
        except DomainError as refusal:
            fault = str(refusal.detail)
        else:
            errors = result["errors"]
            done = result["agents_updated"]
            text = ngettext(
                "Files of %(n)s agent were written.", "Files of %(n)s agents were written.", done
            )
            messages.success(request, text % {"n": done})
            if not errors:
                return HttpResponseRedirect(f"/gateways/{gateway_id}")
    context = {
        "nav": "gateways",
        "gateway": gateway,
        "sync_form": form,
        "errors": errors,
        "fault": fault,
    }
    status = 409 if fault else 200
    return render(request, "agents/gateway_sync.html", context, status=status)
