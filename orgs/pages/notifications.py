"""The bell, the list of notifications, the way to what they are about, and their settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from missioncontrol.kernel.pages import actor, page, page_of
from missioncontrol.kernel.secrets import unseal
from orgs import sessions
from orgs.models import Invite, User
from orgs.notices import reads
from orgs.notices.models import Kind, Notification, NotificationChannel
from orgs.pages.notice_forms import ChannelEditForm, ChannelForm, QuietForm
from orgs.services import channels, invites, notifications

REFUSALS = (Forbidden, Conflict, Invalid)
PAGE_SIZE = 50
SETTINGS = "/settings/notifications"
SHOWN_SECRET = "shown_channel_secret"  # noqa: S105 - a session key


@require_safe
@page
def notification_list(request: HttpRequest) -> HttpResponse:
    """Own notifications, newest first; `show=unread` leaves out what was read."""
    who = actor(request)
    show = "unread" if request.GET.get("show") == "unread" else "all"
    rows = Notification.objects.visible_to(who).select_related("organization").newest_first()
    if show == "unread":
        rows = rows.filter(read_at__isnull=True)
    part = page_of(request, rows, PAGE_SIZE)
    context = {
        "nav": "notifications",
        **part,
        "lines": reads.lines_of(part["items"]),
        "unread": reads.unread_count(who),
        "show": show,
        "has_many_organizations": len(who.memberships) > 1,
    }
    return render(request, "orgs/notification_list.html", context)


@require_safe
@page
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with its number."""
    return render(request, "orgs/_bell.html", {"unread": reads.unread_count(actor(request))})


@require_safe
@page
def notification_open(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Mark one as read and go to what it is about, in its organization."""
    who = actor(request)
    row: Notification = Notification.objects.seen_by(who, notification_id)
    notifications.mark_read(who, ids=[row.id])
    if row.kind == Kind.INVITE:
        return HttpResponseRedirect(_invitation(who, row))
    if row.organization_id in who.memberships:
        sessions.choose_organization(request, row.organization_id)
    return HttpResponseRedirect(row.path or "/notifications")


def _invitation(who: UserActor, row: Notification) -> str:
    """Page of the invitation; its token is never stored in a notification.

    Raises:
        NotFound: it was used, revoked, or is too old.
    """
    invite = Invite.objects.pending().filter(pk=row.subject_id).first()
    user = User.objects.get(pk=who.id)
    if invite is None or invites.verified_email(user) != invite.invited_email:
        raise NotFound(_("This invitation was used or revoked, or it is older than 14 days."))
    return f"/invite?token={unseal(invite.token_sealed)}"


@require_POST
@page
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Mark all of them as read."""
    notifications.mark_read(actor(request), ids=None)
    return HttpResponseRedirect("/notifications")


def _settings_page(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    who = actor(request)
    user = User.objects.get(pk=who.id)
    quiet = {"quiet_from": user.quiet_from, "quiet_until": user.quiet_until}
    every = [kind.value for kind in Kind]
    context = {
        "nav": "settings",
        "channels": reads.channels_of(who),
        "kinds": dict(Kind.choices),
        "zone": user.timezone or "UTC",
        "quiet_form": QuietForm(initial=quiet),
        "channel_form": ChannelForm(initial={"kinds": every}),
        "shown_secret": request.session.pop(SHOWN_SECRET, ""),
        **forms,
    }
    return render(request, "orgs/notification_settings.html", context, status=status)


@require_safe
@page
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Channels with their last deliveries, and quiet hours."""
    return _settings_page(request)


@require_POST
@page
def quiet_update(request: HttpRequest) -> HttpResponse:
    """Set quiet hours; both times empty end them."""
    form = QuietForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            channels.set_quiet_hours(
                actor(request), begin=given["quiet_from"], end=given["quiet_until"]
            )
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("Your quiet hours were saved."))
            return HttpResponseRedirect(SETTINGS)
    return _settings_page(request, status=422, quiet_form=form)


@sensitive_post_parameters("secret", "address")
@require_POST
@page
def channel_new(request: HttpRequest) -> HttpResponse:
    """Add a channel; the page then shows a webhook's key once."""
    form = ChannelForm(request.POST)
    if form.is_valid():
        try:
            _channel, secret = channels.create_channel(actor(request), **form.cleaned_data)
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            request.session[SHOWN_SECRET] = secret
            messages.success(request, _("The channel was added."))
            return HttpResponseRedirect(SETTINGS)
    return _settings_page(request, status=422, channel_form=form)


@sensitive_post_parameters("secret", "address")
@require_http_methods(["GET", "HEAD", "POST"])
@page
def channel_edit(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Change a channel; what is secret and left empty stays."""
    who = actor(request)
    channel: NotificationChannel = NotificationChannel.objects.seen_by(who, channel_id)
    is_sent = request.method == "POST"
    initial = {
        "name": channel.name,
        "chat_id": channel.chat_id,
        "kinds": channel.kinds,
        "is_enabled": channel.is_enabled,
    }
    form = ChannelEditForm(request.POST if is_sent else None, initial=initial)
    if is_sent and form.is_valid():
        try:
            channels.update_channel(who, channel_id, changes=form.cleaned_data)
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("The channel was saved."))
            return HttpResponseRedirect(SETTINGS)
    context = {"nav": "settings", "channel": channel, "form": form}
    status = 422 if form.errors else 200
    return render(request, "orgs/channel_edit.html", context, status=status)


@require_POST
@page
def channel_test(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Send a test message."""
    channels.test_channel(actor(request), channel_id)
    text = _("A test message is on its way. Reload the page to see how it went.")
    messages.success(request, text)
    return HttpResponseRedirect(SETTINGS)


@require_POST
@page
def channel_delete(request: HttpRequest, channel_id: UUID) -> HttpResponse:
    """Take a channel away."""
    channels.delete_channel(actor(request), channel_id)
    messages.success(request, _("The channel was removed."))
    return HttpResponseRedirect(SETTINGS)


def _take(form: Any, refusal: Conflict | Forbidden | Invalid) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))
