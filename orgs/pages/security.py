"""Settings → Security: second factor, passkeys, signed-in browsers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, page
from orgs.models import User
from orgs.pages.forms import CodeForm, FirstCodeForm
from orgs.services import browser_sessions, passkeys, second_factor
from orgs.signin import browsers, totp
from orgs.signin.models import Passkey

REFUSALS = (Forbidden, Conflict, Invalid)
NEW_CODES = "new_recovery_codes"
HOME = "/settings/security"


def _take(form: CodeForm, refusal: Conflict | Forbidden | Invalid) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))


def _overview(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    who = actor(request)
    user = User.objects.get(pk=who.id)
    own = request.session.session_key
    sessions = [
        {"row": row, "words": browsers.words(row.browser), "is_this": row.session_key == own}
        for row in browser_sessions.live(who)
    ]
    context = {
        "nav": "settings",
        "factor": second_factor.state_of(user),
        "new_codes": request.session.pop(NEW_CODES, []),
        "renew_form": CodeForm(auto_id="renew_%s"),
        "off_form": CodeForm(auto_id="off_%s"),
        "passkeys": Passkey.objects.visible_to(who).newest_first(),
        "has_passkeys": passkeys.site_at(request.get_host()) is not None,
        "sessions": sessions,
        "others": sum(not entry["is_this"] for entry in sessions),
        **forms,
    }
    return render(request, "orgs/security.html", context, status=status)


@require_safe
@page
def overview(request: HttpRequest) -> HttpResponse:
    """What protects the account, and where it is in use."""
    return _overview(request)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def factor_begin(request: HttpRequest) -> HttpResponse:
    """Make a secret, then show it as a picture until its first code confirms it."""
    who = actor(request)
    if request.method == "POST":
        try:
            second_factor.begin(who)
        except Conflict as refusal:
            messages.error(request, str(refusal.detail))
            return HttpResponseRedirect(HOME)
        return HttpResponseRedirect(f"{HOME}/code")
    return _picture(request, FirstCodeForm())


def _picture(request: HttpRequest, form: CodeForm, *, status: int = 200) -> HttpResponse:
    who = actor(request)
    secret = second_factor.pending_secret(who.id)
    if not secret:
        return HttpResponseRedirect(HOME)
    user = User.objects.get(pk=who.id)
    path, side = totp.picture(totp.address(secret, user.email or user.username))
    context = {
        "nav": "settings",
        "form": form,
        "path": path,
        "side": side,
        "secret": totp.grouped(secret),
    }
    response = render(request, "orgs/second_factor.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


@sensitive_post_parameters("code")
@require_POST
@page
def factor_confirm(request: HttpRequest) -> HttpResponse:
    """The first code turns the second factor on; the recovery codes are shown once."""
    form = FirstCodeForm(request.POST)
    if form.is_valid():
        try:
            codes = second_factor.confirm(actor(request), code=form.cleaned_data["code"])
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            request.session[NEW_CODES] = codes
            messages.success(request, _("Your second factor is on."))
            return HttpResponseRedirect(f"{HOME}#code")
    return _picture(request, form, status=422)


@sensitive_post_parameters("code")
@require_POST
@page
def codes_renew(request: HttpRequest) -> HttpResponse:
    """New recovery codes."""
    form = CodeForm(request.POST, auto_id="renew_%s")
    if form.is_valid():
        try:
            codes = second_factor.renew_codes(actor(request), code=form.cleaned_data["code"])
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            request.session[NEW_CODES] = codes
            return HttpResponseRedirect(f"{HOME}#code")
    return _overview(request, status=422, renew_form=form)


@sensitive_post_parameters("code")
@require_POST
@page
def factor_disable(request: HttpRequest) -> HttpResponse:
    """Sign in without a second factor from now on."""
    form = CodeForm(request.POST, auto_id="off_%s")
    if form.is_valid():
        try:
            second_factor.disable(actor(request), code=form.cleaned_data["code"])
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("Your second factor is off."))
            return HttpResponseRedirect(f"{HOME}#code")
    return _overview(request, status=422, off_form=form)


@require_POST
@page
def passkey_remove(request: HttpRequest, passkey_id: UUID) -> HttpResponse:
    """Forget a passkey."""
    passkeys.remove(actor(request), passkey_id)
    messages.success(request, _("The passkey was removed. Delete it in your device too."))
    return HttpResponseRedirect(f"{HOME}#passkeys")


@require_POST
@page
def session_end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Sign one browser out."""
    browser_sessions.end(actor(request), session_id)
    messages.success(request, _("The browser was signed out."))
    return HttpResponseRedirect(f"{HOME}#sessions")


@require_POST
@page
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign all other browsers out."""
    count = browser_sessions.end_all(actor(request), except_key=request.session.session_key or "")
    text = ngettext("%(n)s browser was signed out.", "%(n)s browsers were signed out.", count)
    messages.success(request, text % {"n": count})
    return HttpResponseRedirect(f"{HOME}#sessions")
