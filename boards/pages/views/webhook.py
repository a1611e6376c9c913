"""Webhooks of a board: list, new, edit, delete, and what they received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agents.models import Agent
from boards import actions
from boards.models import Board, BoardWebhook, WebhookPayload
from boards.pages.views import shared
from boards.pages.webhook_forms import WebhookForm
from boards.services import webhooks
from missioncontrol.kernel import authz
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import NotFound
from missioncontrol.kernel.pages import actor, is_htmx, listing, page

METHODS = ["GET", "HEAD", "POST"]
EDITED = (
    "description", "create_task", "enabled", "signature_header", "require_timestamp",
    "replay_window_seconds", "retention_days", "version",
)  # fmt: skip
SHOWN_CHARS = 100_000


def _base(who: UserActor, board: Board) -> dict[str, Any]:
    return {"nav": "boards", "board": board, "can_write": shared.can_write(who, board.pk)}


def _webhook_of(who: UserActor, board_id: UUID, webhook_id: UUID) -> BoardWebhook:
    rows = BoardWebhook.objects.select_related("agent").filter(board_id=board_id)
    found: BoardWebhook = rows.seen_by(who, webhook_id)
    return found


def _address(webhook: BoardWebhook) -> str:
    return settings.BASE_URL.rstrip("/") + webhook.endpoint_path


@require_safe
@page
def webhook_list(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """Webhooks of a board with what they received."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    rows = (
        BoardWebhook.objects.filter(board_id=board.pk)
        .select_related("agent")
        .annotate(n_payloads=Count("payloads"), last_at=Max("payloads__received_at"))
        .order_by("-created_at", "-id")
    )
    return listing(request, rows, "boards/webhook_list.html", context=_base(who, board))


@require_http_methods(METHODS)
@page
def webhook_new(request: HttpRequest, board_id: UUID) -> HttpResponse:
    """A new webhook."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    authz.authorize(who, actions.MANAGE_WEBHOOK, board)
    form = WebhookForm(request.POST or None)
    form.offer(_agents(board))
    if request.method == "POST" and form.is_valid():
        made = _tried(form, lambda: webhooks.create_webhook(who, board_id, **form.inputs()))
        if made is not None:
            messages.success(request, _("The webhook was added. Give its address to the sender."))
            return HttpResponseRedirect(_payloads_url(made))
    return _form_page(request, {**_base(who, board), "form": form})


@require_http_methods(METHODS)
@page
def webhook_edit(request: HttpRequest, board_id: UUID, webhook_id: UUID) -> HttpResponse:
    """A webhook's facts."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    webhook = _webhook_of(who, board_id, webhook_id)
    authz.authorize(who, actions.MANAGE_WEBHOOK, webhook)
    present = {name: getattr(webhook, name) for name in EDITED}
    present["agent_id"] = str(webhook.agent_id or "")
    form = WebhookForm(request.POST or None, webhook=webhook, initial=present)
    form.offer(_agents(board))
    if request.method == "POST" and form.is_valid():
        saved = _tried(
            form,
            lambda: webhooks.update_webhook(
                who, board_id, webhook_id, changes=form.inputs(),
                expected_version=form.cleaned_data["version"],
            ),
        )  # fmt: skip
        if saved is not None:
            messages.success(request, _("The webhook was saved."))
            return HttpResponseRedirect(_payloads_url(saved))
    return _form_page(request, {**_base(who, board), "form": form, "webhook": webhook})


def _form_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    status = 422 if context["form"].errors else 200
    return render(request, "boards/webhook_form.html", context, status=status)


def _tried(form: WebhookForm, change: Callable[[], BoardWebhook]) -> BoardWebhook | None:
    """The outcome of a change; a refusal is put into the form."""
    try:
        return change()
    except shared.REFUSALS as refusal:
        form.take(shared.field_errors(refusal), str(refusal.detail))
        return None


def _payloads_url(webhook: BoardWebhook) -> str:
    return reverse("boards:webhook-payloads", args=[webhook.board_id, webhook.pk])


def _has_lead(board: Board) -> bool:
    return Agent.objects.filter(board_id=board.pk, agent_type=Agent.Type.LEAD).exists()


def _agents(board: Board) -> list[tuple[str, str]]:
    rows = Agent.objects.filter(board_id=board.pk).order_by("name", "id")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


@require_http_methods(METHODS)
@page
def webhook_delete(request: HttpRequest, board_id: UUID, webhook_id: UUID) -> HttpResponse:
    """The question before a webhook is deleted, and the deletion."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    webhook = _webhook_of(who, board_id, webhook_id)
    authz.authorize(who, actions.MANAGE_WEBHOOK, webhook)
    if request.method == "POST":
        webhooks.delete_webhook(who, board_id, webhook_id)
        messages.success(request, _("The webhook was deleted."))
        return HttpResponseRedirect(reverse("boards:webhook-list", args=[board_id]))
    context = {**_base(who, board), "webhook": webhook, "n_payloads": webhook.payloads.count()}
    return render(request, "boards/webhook_delete.html", context)


@require_safe
@page
def webhook_payloads(request: HttpRequest, board_id: UUID, webhook_id: UUID) -> HttpResponse:
    """A webhook, its address, and what it received."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    webhook = _webhook_of(who, board_id, webhook_id)
    rows = WebhookPayload.objects.filter(webhook_id=webhook.pk).defer("body", "headers")
    context = {
        **_base(who, board),
        "webhook": webhook,
        "address": _address(webhook),
        "signature_headers": webhook.signature_header or "X-Hub-Signature-256",
        "is_heard": webhook.agent_id is not None or _has_lead(board),
    }
    return listing(
        request,
        rows.order_by("-received_at", "-id"),
        "boards/webhook_payloads.html",
        fragment="boards/_payload_rows.html",
        context=context,
    )


@require_safe
@page
def payload_detail(
    request: HttpRequest, board_id: UUID, webhook_id: UUID, payload_id: UUID
) -> HttpResponse:
    """One payload as it came in."""
    who = actor(request)
    board = shared.board_of(who, board_id)
    webhook = _webhook_of(who, board_id, webhook_id)
    payload = WebhookPayload.objects.filter(pk=payload_id, webhook_id=webhook.pk).first()
    if payload is None:
        raise NotFound
    context = {
        **_base(who, board),
        "webhook": webhook,
        "payload": payload,
        "body_text": _readable(payload)[:SHOWN_CHARS],
        "is_cut": len(payload.body) > SHOWN_CHARS,
    }
    return render(request, "boards/payload_detail.html", context)


def _readable(payload: WebhookPayload) -> str:
    """The body as text; short JSON with indents."""
    if not payload.is_json or len(payload.body) > SHOWN_CHARS:
        return payload.body
    return orjson.dumps(orjson.loads(payload.body), option=orjson.OPT_INDENT_2).decode()


@require_POST
@page
def payload_redeliver(
    request: HttpRequest, board_id: UUID, webhook_id: UUID, payload_id: UUID
) -> HttpResponse:
    """Tell the agent again."""
    webhooks.redeliver_payload(actor(request), board_id, webhook_id, payload_id)
    target = reverse("boards:webhook-payloads", args=[board_id, webhook_id])
    if is_htmx(request):
        response = HttpResponse(status=204)
        response["HX-Trigger"] = "mc:webhook"
        return response
    messages.success(request, _("The payload is on its way to the agent again."))
    return HttpResponseRedirect(target)
