"""Chat and notes of boards and groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from agents.models import Agent
from boards import memories, mentioned, services, talk
from boards.models import BoardGroup
from boards.pages.forms import NoteForm
from boards.pages.views import shared
from boards.services.memory import may_write_group
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import DomainError, Forbidden
from missioncontrol.kernel.pages import actor, is_htmx, page, page_of, render_error

MESSAGES, NOTES, MOST_PEOPLE = 100, 50, 200
METHODS = ["GET", "HEAD", "POST"]


# --- boards -----------------------------------------------------------------------------


@require_http_methods(METHODS)
@page
def board_chat(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """What is said on a board, and the line to say something."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    if request.method == "POST":
        return _say(request, lambda text: _say_on_board(who, board_id, text))
    context = {
        **_board(who, board, tab="chat"),
        **_messages(request, memories.of_board(who, board_id, is_chat=True)),
        "handles": _handles(board.organization_id, [board.pk], also=talk.LEAD),
    }
    return render(request, "boards/board_chat.html", context)


@require_safe
@page
def board_messages(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """The latest messages alone."""
    who = actor(request)
    shared.board_of(who, board_id)
    rows = memories.of_board(who, board_id, is_chat=True)
    return render(request, "boards/_messages.html", _messages(request, rows))


@require_http_methods(METHODS)
@page
def board_notes(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """What a board remembers, and the form for a new note."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _keep(form, lambda: services.add_board_memory(who, board_id, **form.inputs()))
        if refusal is None:
            messages.success(request, _("The note was added."))
            return HttpResponseRedirect(request.path)
    context = {
        **_board(who, board, tab="notes"),
        **page_of(request, memories.of_board(who, board_id, is_chat=False), NOTES),
        "form": form,
    }
    return _notes_page(request, "boards/board_notes.html", context, noun="board")


def _say_on_board(who: UserActor, board_id: UUID, text: str) -> None:
    services.add_board_memory(who, board_id, content=text, tags=[talk.CHAT])


def _board(who: UserActor, board: Any, *, tab: str) -> dict[str, Any]:
    return {
        "nav": "boards",
        "board": board,
        "tab": tab,
        "can_write": shared.can_write(who, board.pk),
    }


# --- groups -----------------------------------------------------------------------------


@require_http_methods(METHODS)
@page
def group_chat(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """What is said in a group; a message may go to every agent of its boards."""
    who = actor(request)
    group: BoardGroup = BoardGroup.objects.seen_by(who, group_id)
    if request.method == "POST":
        tags = [talk.CHAT, *([talk.BROADCAST] if request.POST.get("broadcast") else [])]
        return _say(
            request,
            lambda text: services.add_group_memory(who, group_id, content=text, tags=tags),
        )
    boards = mentioned.boards_of_group(group.pk)
    context = {
        **_group(who, group, tab="chat"),
        **_messages(request, memories.of_group(who, group_id, is_chat=True)),
        "handles": _handles(group.organization_id, boards, also=talk.EVERYBODY),
    }
    return render(request, "boards/group_chat.html", context)


@require_safe
@page
def group_messages(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """The latest messages alone."""
    who = actor(request)
    group = BoardGroup.objects.seen_by(who, group_id)
    rows = memories.of_group(who, group_id, is_chat=True)
    context = {**_messages(request, rows), "group": group}
    return render(request, "boards/_messages.html", context)


@require_http_methods(METHODS)
@page
def group_notes(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """What a group remembers, and the form for a new note."""
    who = actor(request)
    group: BoardGroup = BoardGroup.objects.seen_by(who, group_id)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _keep(form, lambda: services.add_group_memory(who, group_id, **form.inputs()))
        if refusal is None:
            messages.success(request, _("The note was added."))
            return HttpResponseRedirect(request.path)
    context = {
        **_group(who, group, tab="notes"),
        **page_of(request, memories.of_group(who, group_id, is_chat=False), NOTES),
        "form": form,
    }
    return _notes_page(request, "boards/group_notes.html", context, noun="board_group")


def _group(who: UserActor, group: BoardGroup, *, tab: str) -> dict[str, Any]:
    return {
        "nav": "board-groups",
        "group": group,
        "tab": tab,
        "can_write": may_write_group(who, group),
        "can_edit": who.is_admin_in(group.organization_id),
    }


# --- both -------------------------------------------------------------------------------


def _say(request: HttpRequest, keep: Callable[[str], object]) -> HttpResponse:
    """Keep what was said; a script gets an empty answer and fetches, a browser comes back."""
    try:
        keep(request.POST.get("content", "").replace("\r\n", "\n"))
    except Forbidden:
        raise
    except DomainError as refusal:
        if is_htmx(request):
            return render_error(request, refusal)
        messages.error(request, str(refusal.detail))
    if is_htmx(request):
        return HttpResponse(status=204)
    return HttpResponseRedirect(request.path)


def _keep(form: NoteForm, keep: Callable[[], object]) -> DomainError | None:
    try:
        keep()
    except Forbidden:
        raise
    except shared.REFUSALS as refusal:
        form.take(shared.field_errors(refusal), str(refusal.detail))
        return refusal
    return None


def _messages(request: HttpRequest, rows: memories.Rows) -> dict[str, Any]:
    """One page of messages, the latest at the end."""
    found = page_of(request, rows, MESSAGES)
    return {**found, "items": found["items"][::-1]}


def _handles(organization_id: UUID, board_ids: list[UUID], *, also: str) -> list[str]:
    """What can be typed after ``@``: agents of the boards, then people who may read them."""
    agents = Agent.objects.filter(board_id__in=board_ids).order_by("name", "pk")
    names = [talk.handle_of(name) for name in agents.values_list("name", flat=True)]
    people = [
        talk.handle_of_person(member.user.email, member.user.preferred_name)
        for member in mentioned.readers(organization_id, board_ids)[:MOST_PEOPLE]
    ]
    return list(dict.fromkeys(name for name in (also, *names, *people) if name))


def _notes_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, noun: str
) -> HttpResponse:
    """The page, or for htmx the notes alone."""
    chosen = "boards/_note_list.html" if is_htmx(request) else template
    status = 422 if context["form"].errors else 200
    return render(request, chosen, {**context, "noun": noun}, status=status)
