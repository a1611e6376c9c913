"""Runs of tasks: their list; asked for in a task's panel, or no longer waited for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from agents.models import Execution
from agents.services import executions
from boards.pages.field_inputs import JsonField
from boards.pages.views import shared
from boards.pages.views.task import first_error, refused_in_panel, shown_in_panel
from missioncontrol.kernel.forms import KitForm
from missioncontrol.kernel.pages import actor, listing, page
from missioncontrol.kernel.querysets import as_uuid


class RunForm(KitForm):
    """What the agent gets along with the task, and where it has to run."""

    parameters = JsonField(label=gettext_lazy("Parameters"), required=False)
    gateway = forms.UUIDField(label=gettext_lazy("Gateway"), required=False)

    def clean_parameters(self) -> dict[str, Any]:
        """An object, empty when nothing was typed."""
        typed = self.cleaned_data["parameters"]
        if isinstance(typed, list):
            self.add_error("parameters", _("Parameters are a JSON object."))
            return {}
        return typed or {}


@require_safe
@page
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs of the organization's readable tasks, newest first."""
    who = actor(request)
    rows = Execution.objects.visible_to(who).filter(organization=who.organization_id)
    status = request.GET.get("status", "")
    if status in Execution.Status.values:
        rows = rows.filter(status=status)
    rows = rows.select_related("task__board", "agent", "gateway").newest_first()
    context = {"nav": "runs", "status": status, "statuses": Execution.Status.choices}
    return listing(request, rows, "agents/run_list.html", context=context)


@require_POST
@page
def task_run(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """Ask that an agent runs the task now."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    form = RunForm(request.POST)
    if not form.is_valid():
        return refused_in_panel(request, task, first_error(form), 422)
    try:
        executions.execute_task(
            who,
            task_id,
            parameters=form.cleaned_data["parameters"],
            gateway_id=form.cleaned_data["gateway"],
        )
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)


@require_POST
@page
def task_run_cancel(request: HttpRequest, board_id: UUID, task_id: UUID) -> HttpResponse:
    """Stop waiting for a run of the task."""
    who = actor(request)
    task = shared.task_of(who, board_id, task_id)
    named = Execution.objects.filter(pk=as_uuid(request.POST.get("run", "")), task_id=task.pk)
    try:
        for pk in named.values_list("pk", flat=True):
            executions.cancel_execution(who, pk)
    except shared.REFUSALS as refusal:
        return refused_in_panel(request, task, str(refusal.detail), refusal.status)
    return shown_in_panel(request, board_id, task_id)
