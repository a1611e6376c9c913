"""Workspace files of an agent: the list, and one file as text."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents.models import Agent
from agents.pages.forms import FileForm
from agents.services import files as services
from missioncontrol.kernel.errors import DomainError
from missioncontrol.kernel.pages import actor, page


@require_safe
@page
def file_list(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Files that the gateway holds for the agent; the gateway is asked now."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    context = {"nav": "agents", "agent": agent, "files": [], "fault": ""}
    try:
        context["files"] = services.list_files(who, agent_id)
    except DomainError as refusal:
        context["fault"] = str(refusal.detail)
    return render(request, "agents/file_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def file_edit(request: HttpRequest, agent_id: UUID, name: str) -> HttpResponse:
    """One file, read from and written to the gateway."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    if request.method == "POST":
        form = FileForm(request.POST)
        if form.is_valid():
            try:
                services.write_file(who, agent_id, name, content=form.cleaned_data["content"])
            except DomainError as refusal:
                form.add_error("content", str(refusal.detail))
            else:
                messages.success(request, _("%(name)s was written.") % {"name": name})
                return HttpResponseRedirect(f"/agents/{agent_id}/files")
    else:
        form = FileForm(initial={"content": services.read_file(who, agent_id, name)})
    context = {"nav": "agents", "agent": agent, "name": name, "form": form}
    return render(request, "agents/file_edit.html", context, status=422 if form.errors else 200)
