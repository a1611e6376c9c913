"""The heartbeat of the agents of a group."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from agents import group_heartbeat, reads
from agents.models import Agent
from agents.pages.forms import GroupHeartbeatForm
from agents.services import heartbeats
from boards.models import BoardGroup
from missioncontrol.kernel.errors import Invalid
from missioncontrol.kernel.pages import actor, page


@require_http_methods(["GET", "HEAD", "POST"])
@page
def group_heartbeat_page(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """One interval for all agents of a group, and what each has now."""
    who = actor(request)
    group: BoardGroup = BoardGroup.objects.seen_by(who, group_id)
    form = GroupHeartbeatForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ids = heartbeats.set_group_heartbeat(who, group_id, **form.cleaned_data)
        except Invalid as refusal:
            form.take(list(refusal.extra.get("errors", [])), str(refusal.detail))
        else:
            _tell(request, group_heartbeat.write(ids))
            return HttpResponseRedirect(request.path)
    agents = Agent.objects.visible_to(who).filter(board__board_group=group)
    agents = agents.select_related("board", "gateway").order_by("board__name", "name", "id")
    context = {
        "nav": "board-groups",
        "group": group,
        "tab": "heartbeat",
        "can_edit": who.is_admin_in(group.organization_id),
        "form": form,
        "rows": reads.agent_rows(list(agents), who),
    }
    status = 422 if form.errors else 200
    return render(request, "agents/group_heartbeat.html", context, status=status)


def _tell(request: HttpRequest, written: group_heartbeat.Written) -> None:
    done, later = len(written.updated), len(written.failed)
    text = ngettext(
        "%(n)s agent has the new interval.", "%(n)s agents have the new interval.", done
    )
    messages.success(request, text % {"n": done})
    if later:
        text = ngettext(
            "%(n)s agent gets it when its gateway answers.",
            "%(n)s agents get it when their gateway answers.",
            later,
        )
        messages.warning(request, text % {"n": later})
