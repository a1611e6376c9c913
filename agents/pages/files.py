"""Workspace files of an agent: the list, and one file as text."""

from __future__ import annotations

import difflib
import hashlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents import reads
from agents.models import Agent
from agents.pages.forms import FileForm
from agents.services import files as services
from missioncontrol.kernel.errors import DomainError, Forbidden, NotFound
from missioncontrol.kernel.pages import actor, page


@require_safe
@page
def file_list(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """Files that the gateway holds for the agent; the gateway is asked now."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    context = {
        "nav": "agents",
        "tab": "files",
        "can_edit": True,
        "agent": reads.agent_rows([agent], who)[0],
        "files": [],
        "fault": "",
    }
    try:
        context["files"] = services.list_files(who, agent_id)
    except Forbidden:
        raise
    except DomainError as refusal:
        context["fault"] = str(refusal.detail)
    return render(request, "agents/file_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def file_edit(request: HttpRequest, agent_id: UUID, name: str) -> HttpResponse:
    """One file, read from the gateway; what would change is shown before it is written."""
    who = actor(request)
    agent = Agent.objects.seen_by(who, agent_id)
    context = {"nav": "agents", "agent": agent, "name": name, "lines": None, "is_stale": False}
    if request.method == "POST":
        form = FileForm(request.POST)
        if form.is_valid():
            try:
                if _write_or_compare(request, agent_id, name, form, context):
                    messages.success(request, _("%(name)s was written.") % {"name": name})
                    return HttpResponseRedirect(f"/agents/{agent_id}/files")
            except (Forbidden, NotFound):
                raise
            except DomainError as refusal:
                form.add_error("content", str(refusal.detail))
    else:
        form = FileForm(initial={"content": services.read_file(who, agent_id, name)})
    context["form"] = form
    return render(request, "agents/file_edit.html", context, status=422 if form.errors else 200)


def _write_or_compare(
    request: HttpRequest, agent_id: UUID, name: str, form: FileForm, context: dict[str, Any]
) -> bool:
    """Write a text whose difference was confirmed; else put the difference into the context."""
    who = actor(request)
    present, wanted = services.read_file(who, agent_id, name), form.cleaned_data["content"]
    print_of = hashlib.sha256(present.encode()).hexdigest()
    confirmed = request.POST.get("confirmed", "")
    if confirmed == print_of:
        services.write_file(who, agent_id, name, content=wanted)
        return True
    context |= {
        "lines": difference(present, wanted), "print": print_of, "is_stale": bool(confirmed),
    }  # fmt: skip
    return False


def difference(present: str, wanted: str) -> list[tuple[str, str]]:
    """Lines with ``add``, ``del`` or nothing, with three lines around each change."""
    found = difflib.unified_diff(
        present.replace("\r\n", "\n").splitlines(), wanted.replace("\r\n", "\n").splitlines(),
        lineterm="", n=3,
    )  # fmt: skip
    kinds = {"+": "add", "-": "del", " ": "", "@": "place"}
    return [(kinds[line[0]], line if line[0] == "@" else line[1:]) for line in list(found)[2:]]
