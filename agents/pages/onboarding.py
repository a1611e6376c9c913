"""The interview about a board's goal: page, answers, confirmation, and the same by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents import actions, onboarding, onboarding_rules
from agents.models import Onboarding
from agents.services import interviews
from boards.models import Board
from missioncontrol.kernel import authz, clock
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, DomainError, Forbidden, Invalid
from missioncontrol.kernel.forms import KitForm
from missioncontrol.kernel.pages import actor, is_htmx, page

Status = Onboarding.Status
REFUSALS = (Conflict, Forbidden, Invalid)
#: Facts of a draft that people look at before they confirm.
LEAD_FACTS = (
    ("role", gettext_lazy("Role")),
    ("communication_style", gettext_lazy("Way of speaking")),
    ("autonomy_level", gettext_lazy("Decides alone")),
    ("verbosity", gettext_lazy("Length of reports")),
    ("output_format", gettext_lazy("Form of reports")),
    ("update_cadence", gettext_lazy("Reports")),
    ("custom_instructions", gettext_lazy("Further instructions")),
)


#: Words of the choices that a draft may hold.
WORDS = {
    "ask_first": gettext_lazy("Asks first"),
    "balanced": gettext_lazy("Balanced"),
    "autonomous": gettext_lazy("Everything"),
    "concise": gettext_lazy("Short"),
    "detailed": gettext_lazy("Detailed"),
    "bullets": gettext_lazy("Lists"),
    "mixed": gettext_lazy("Lists and text"),
    "narrative": gettext_lazy("Text"),
    "asap": gettext_lazy("At once"),
    "hourly": gettext_lazy("Hourly"),
    "daily": gettext_lazy("Daily"),
    "weekly": gettext_lazy("Weekly"),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said."""

    role: str
    text: str
    at: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that can be chosen; a typed one opens a line."""

    label: str
    is_typed: bool


def turns_of(interview: Onboarding) -> list[Turn]:
    """The conversation without the first text, which is for the agent alone."""
    found = []
    for message in interview.messages[1:]:
        text = message["content"]
        if message["role"] == "assistant":
            said = onboarding_rules.read(text)
            text = said.get("question") or _("This is what I propose.")
        found.append(Turn(message["role"], text, parse_datetime(message["timestamp"])))
    return found


def choices_of(interview: Onboarding) -> list[Choice]:
    """Answers to the question that waits."""
    if not onboarding_rules.is_users_turn(interview.messages):
        return []
    said = onboarding_rules.read(interview.messages[-1]["content"])
    options = said.get("options") or []
    return [Choice(str(o["label"]), onboarding_rules.is_typed(o)) for o in options]


def lead_facts(draft: Mapping[str, Any] | None) -> list[tuple[Any, Any]]:
    """What is proposed for the lead."""
    identity = onboarding_rules.identity_of(draft)
    known = [(word, str(identity[name])) for name, word in LEAD_FACTS if identity.get(name)]
    facts = [(word, WORDS.get(value, value)) for word, value in known]
    return [(_("Name"), onboarding_rules.lead_name(draft)), *facts]


def _board(who: UserActor, board_id: UUID) -> Board:
    found: Board = Board.objects.select_related("gateway").seen_by(who, board_id)
    return found


def _context(who: UserActor, board: Board) -> dict[str, Any]:
    interview = onboarding.newest(who, board.pk)
    if interview is not None and interview.status == Status.CANCELLED:
        interview = None
    silent = onboarding_rules.silent_seconds(interview.messages, clock.now()) if interview else 0
    is_open = interview is not None and interview.status in (Status.ACTIVE, Status.COMPLETED)
    return {
        "nav": "boards",
        "board": board,
        "interview": interview,
        "is_open": is_open,
        "turns": turns_of(interview) if interview else [],
        "choices": choices_of(interview) if interview and is_open else [],
        "is_waiting": is_open
        and interview is not None
        and not onboarding_rules.is_users_turn(interview.messages),
        "is_silent": is_open and silent >= onboarding_rules.SILENT_SECONDS,
        "draft": interview.draft_goal if interview else None,
        "lead_facts": lead_facts(interview.draft_goal) if interview else [],
        "can_write": Board.objects.writable_by(who).filter(pk=board.pk).exists(),
        "sees_gateway": who.is_admin_in(board.organization_id),
    }


@require_safe
@page
def onboarding_page(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """The interview; the fragment alone for htmx."""
    who = actor(request)
    context = _context(who, _board(who, board_id))
    name = "agents/_onboarding.html" if is_htmx(request) else "agents/onboarding.html"
    return render(request, name, context)


def _command(call: Callable[[HttpRequest, UserActor, UUID], Any]) -> Callable[..., HttpResponse]:
    """A button that does one thing and comes back; a refusal is said on the page."""

    @require_POST
    @page
    def view(request: HttpRequest, board_id: UUID) -> HttpResponse:
        who = actor(request)
        _board(who, board_id)
        try:
            call(request, who, board_id)
        except Forbidden:
            raise
        except DomainError as refusal:
            messages.error(request, str(refusal.detail))
        return HttpResponseRedirect(reverse("agents:onboarding", args=[board_id]))

    return view


def _answer(request: HttpRequest, who: UserActor, board_id: UUID) -> None:
    onboarding.answer(
        who,
        board_id,
        answer=request.POST.get("answer", ""),
        other_text=request.POST.get("other_text") or None,
    )


onboarding_start = _command(lambda _request, who, board_id: onboarding.start(who, board_id))
onboarding_answer = _command(_answer)
onboarding_cancel = _command(
    lambda _request, who, board_id: interviews.cancel_interview(who, board_id)
)


class ConfirmForm(KitForm):
    """The goal of a board."""

    board_type = forms.ChoiceField(label=gettext_lazy("Kind of board"), choices=Board.Type.choices)
    objective = forms.CharField(
        label=gettext_lazy("Goal"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Agents read the goal before they start."),
    )
    success_metrics = forms.CharField(
        label=gettext_lazy("How success is measured"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One per line, for example: installations: 20"),
    )
    target_date = forms.DateTimeField(
        label=gettext_lazy("Target date"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def inputs(self) -> dict[str, Any]:
        """What the service takes."""
        values = self.cleaned_data
        return {
            "board_type": values["board_type"],
            "objective": values["objective"].strip() or None,
            "success_metrics": metrics_of(values["success_metrics"]) or None,
            "target_date": values["target_date"],
        }


def metrics_of(text: str) -> dict[str, Any]:
    """Lines ``name: value`` as an object; a line without a value stands for itself."""
    found: dict[str, Any] = {}
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        name, _colon, value = line.partition(":")
        found[name.strip()] = _value_of(value.strip())
    return found


def _value_of(text: str) -> Any:
    """A list or object that stands in its line; anything else is text."""
    if text[:1] in ("[", "{"):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(text)
    return text


def _text_of(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value


def lines_of(metrics: Any) -> str:
    """An object as lines ``name: value``."""
    if not isinstance(metrics, Mapping):
        return ""
    shown = {name: _text_of(value) for name, value in metrics.items()}
    return "\n".join(f"{name}: {value}" if value != "" else name for name, value in shown.items())


@require_http_methods(["GET", "HEAD", "POST"])
@page
def onboarding_confirm(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """The proposal as a form; without an interview the same by hand."""
    who = actor(request)
    board = _board(who, board_id)
    authz.authorize(who, actions.INTERVIEW, board)
    context = _context(who, board)
    form = ConfirmForm(request.POST or None, initial=_proposed(board, context["draft"] or {}))
    if request.method == "POST" and form.is_valid():
        try:
            done = interviews.confirm(who, board_id, **form.inputs(), is_by_hand=True)
        except REFUSALS as refusal:
            errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
            form.take(errors, str(refusal.detail))
        else:
            for warning in done.warnings:
                messages.warning(request, warning)
            messages.success(request, _("The goal is confirmed and the lead is being set up."))
            return HttpResponseRedirect(reverse("boards:board-detail", args=[board_id]))
    status = 422 if form.errors else 200
    return render(
        request, "agents/onboarding_confirm.html", {**context, "form": form}, status=status
    )


def _proposed(board: Board, draft: Mapping[str, Any]) -> dict[str, Any]:
    """First values of the form: what was proposed, else what the board has."""
    date = draft.get("target_date")
    return {
        "board_type": draft.get("board_type") or board.board_type,
        "objective": draft.get("objective") or board.objective or "",
        "success_metrics": lines_of(draft.get("success_metrics") or board.success_metrics),
        "target_date": parse_datetime(date) if isinstance(date, str) else board.target_date,
    }
