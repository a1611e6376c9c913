"""Pages of outbound webhooks: list, one with its log, new, edit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from activity.models import WebhookDelivery, WebhookEndpoint
from activity.pages.forms import EndpointForm
from activity.services import webhooks
from boards.models import Board
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from missioncontrol.kernel.pages import actor, home_of, is_htmx, page, page_of

LOG_SIZE = 50
#: Session key of a secret that is shown once.
FRESH = "fresh_webhook_secret"
STATES = (
    ("", gettext_lazy("All")),
    (WebhookDelivery.Status.WAITING.value, gettext_lazy("Waiting")),
    (WebhookDelivery.Status.DELIVERED.value, gettext_lazy("Delivered")),
    (WebhookDelivery.Status.FAILED.value, gettext_lazy("Failed")),
)


def _admin(request: HttpRequest) -> UserActor:
    who = actor(request)
    if not who.is_admin_in(home_of(who)):
        raise Forbidden(_("Outbound webhooks are kept by admins of the organization."))
    return who


def _endpoint(who: UserActor, endpoint_id: UUID) -> WebhookEndpoint:
    row: WebhookEndpoint = WebhookEndpoint.objects.seen_by(who, endpoint_id)
    if row.organization_id != home_of(who):
        raise NotFound
    return row


def _boards(who: UserActor) -> Any:
    return Board.objects.visible_to(who).filter(organization_id=home_of(who)).order_by("name")


def _page_of(endpoint_id: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("activity:endpoint-detail", args=[endpoint_id]))


@require_safe
@page
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """Outbound webhooks of the active organization."""
    who = _admin(request)
    waiting = Count("deliveries", filter=Q(deliveries__status=WebhookDelivery.Status.WAITING))
    rows = WebhookEndpoint.objects.filter(organization_id=home_of(who)).annotate(waiting=waiting)
    context = {"nav": "members", "tab": "webhooks", "rows": rows.order_by("name", "pk")}
    return render(request, "activity/endpoint_list.html", context)


@require_safe
@page
def endpoint_detail(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """One endpoint with the log of what was sent."""
    who = _admin(request)
    row = _endpoint(who, endpoint_id)
    status = request.GET.get("status", "")
    log = WebhookDelivery.objects.filter(endpoint=row)
    if status in WebhookDelivery.Status.values:
        log = log.filter(status=status)
    fresh = request.session.get(FRESH) or {}
    secret = ""
    if fresh.get("id") == str(row.pk) and not is_htmx(request):
        secret = fresh["secret"]
        del request.session[FRESH]
    context = {
        "nav": "members",
        "endpoint": row,
        "board": Board.objects.filter(pk=row.board_id).first() if row.board_id else None,
        "secret": secret,
        "status": status,
        "states": STATES,
        **page_of(request, log.order_by("-seq", "-created_at", "-pk"), LOG_SIZE),
    }
    name = "activity/_deliveries.html" if is_htmx(request) else "activity/endpoint_detail.html"
    return render(request, name, context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def endpoint_new(request: HttpRequest) -> HttpResponse:
    """A new endpoint; its secret is shown on the next page, once."""
    who = _admin(request)
    form = EndpointForm(request.POST or None, boards=_boards(who), is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            row, secret = webhooks.create_endpoint(who, home_of(who), **form.inputs())
        except DomainError as refusal:
            _take(form, refusal)
        else:
            request.session[FRESH] = {"id": str(row.pk), "secret": secret}
            return _page_of(row.pk)
    return _form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def endpoint_edit(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Address, filter and switch of an endpoint."""
    who = _admin(request)
    row = _endpoint(who, endpoint_id)
    present = {
        "name": row.name,
        "url": row.url,
        "event_types": "\n".join(row.event_types),
        "board_id": row.board_id,
        "is_enabled": row.is_enabled,
    }
    form = EndpointForm(request.POST or None, initial=present, boards=_boards(who))
    if request.method == "POST" and form.is_valid():
        try:
            webhooks.update_endpoint(who, row.pk, changes=form.inputs())
        except DomainError as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("%(name)s was saved.") % {"name": row.name})
            return _page_of(row.pk)
    return _form(request, form, row)


def _take(form: EndpointForm, refusal: DomainError) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))


def _form(request: HttpRequest, form: EndpointForm, row: WebhookEndpoint | None) -> HttpResponse:
    context = {"nav": "members", "form": form, "endpoint": row}
    status = 422 if form.errors else 200
    return render(request, "activity/endpoint_form.html", context, status=status)


@require_POST
@page
def endpoint_rotate(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Replace the secret; the new one is shown once."""
    who = _admin(request)
    row, secret = webhooks.rotate_secret(who, _endpoint(who, endpoint_id).pk)
    request.session[FRESH] = {"id": str(row.pk), "secret": secret}
    return _page_of(row.pk)


@require_POST
@page
def endpoint_test(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send a test message."""
    who = _admin(request)
    webhooks.send_test(who, _endpoint(who, endpoint_id).pk)
    messages.success(request, _("A test message is on its way."))
    return _page_of(endpoint_id)


@require_POST
@page
def endpoint_delete(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Remove an endpoint with its log."""
    who = _admin(request)
    row = _endpoint(who, endpoint_id)
    webhooks.delete_endpoint(who, row.pk)
    messages.success(request, _("%(name)s was removed.") % {"name": row.name})
    return HttpResponseRedirect(reverse("activity:endpoint-list"))


@require_POST
@page
def delivery_replay(request: HttpRequest, endpoint_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Send a stored message again."""
    who = _admin(request)
    webhooks.replay(who, _endpoint(who, endpoint_id).pk, delivery_id)
    messages.success(request, _("The message is sent again."))
    return _page_of(endpoint_id)
