"""Own settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_POST,
    require_safe,
)

from missioncontrol.kernel import clock
from missioncontrol.kernel.errors import Conflict, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, page
from orgs import sessions
from orgs.models import ApiToken, User
from orgs.pages.forms import (
    ApiTokenForm,
    AppearanceForm,
    PasswordForm,
    ProfileForm,
)
from orgs.pages.sign_in import safe_next, speaking
from orgs.services import sign_in as proof
from orgs.services import tokens, users

REFUSALS = (Forbidden, Conflict, Invalid)
NEW_TOKEN = "new_api_token"  # noqa: S105 - a session key
PROFILE = ("name", "preferred_name", "pronouns", "timezone", "notes", "context")


def _settings_page(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    who = actor(request)
    user = User.objects.get(pk=who.id)
    has_password = "password" in settings.AUTH_MODES and user.has_usable_password()
    own = ApiToken.objects.visible_to(who).filter(revoked_at__isnull=True)
    context = {
        "nav": "settings",
        "profile_form": ProfileForm(initial={name: getattr(user, name) for name in PROFILE}),
        "appearance_form": AppearanceForm(
            initial={
                "theme": user.theme,
                "density": user.density,
                "language": user.language,
                "is_high_contrast": user.is_high_contrast,
            }
        ),
        "password_form": PasswordForm() if has_password else None,
        "token_form": ApiTokenForm(initial={"scope": "write", "expires_in_days": "90"}),
        "tokens": own.order_by("-created_at"),
        "new_token": request.session.pop(NEW_TOKEN, ""),
        **forms,
    }
    return render(request, "orgs/settings.html", context, status=status)


@require_safe
@page
def own_settings(request: HttpRequest) -> HttpResponse:
    """Profile, appearance, access tokens, password."""
    return _settings_page(request)


@require_POST
@page
def profile_update(request: HttpRequest) -> HttpResponse:
    """Change one's profile."""
    form = ProfileForm(request.POST)
    if form.is_valid():
        try:
            users.update_profile(actor(request), changes=form.cleaned_data)
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("Your profile was saved."))
            return HttpResponseRedirect("/settings#profile")
    return _settings_page(request, status=422, profile_form=form)


@require_POST
@page
def appearance_update(request: HttpRequest) -> HttpResponse:
    """Change theme, density, language or contrast; from the account menu one at a time."""
    form = AppearanceForm(request.POST)
    if not form.is_valid():
        return _settings_page(request, status=422, appearance_form=form)
    whole = request.POST.get("whole") == "1"
    changes = {
        name: form.cleaned_data[name]
        for name in ("theme", "density", "language", "is_high_contrast")
        if whole or name in request.POST
    }
    user = users.update_profile(actor(request), changes=changes)
    if whole:
        with translation.override(user.language or translation.get_language()):
            messages.success(request, _("Your appearance was saved."))
    return speaking(user.language, HttpResponseRedirect(safe_next(request, "/settings#appearance")))


@sensitive_post_parameters("current", "new")
@require_POST
@page
def password_update(request: HttpRequest) -> HttpResponse:
    """Change one's password."""
    form = PasswordForm(request.POST)
    if form.is_valid():
        try:
            user = proof.change_password(
                actor(request),
                current=form.cleaned_data["current"],
                new=form.cleaned_data["new"],
            )
            sessions.keep_session(request, user)
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            messages.success(request, _("Your password was changed."))
            return HttpResponseRedirect("/settings#password")
    return _settings_page(request, status=422, password_form=form)


@require_POST
@page
def token_new(request: HttpRequest) -> HttpResponse:
    """Create an access token; the next page shows it once."""
    form = ApiTokenForm(request.POST)
    if form.is_valid():
        days = form.cleaned_data["expires_in_days"]
        try:
            _token, text = tokens.create_token(
                actor(request),
                name=form.cleaned_data["name"],
                scope=form.cleaned_data["scope"],
                expires_at=clock.now() + timedelta(days=int(days)) if days else None,
            )
        except REFUSALS as refusal:
            _take(form, refusal)
        else:
            request.session[NEW_TOKEN] = text
            return HttpResponseRedirect("/settings#tokens")
    return _settings_page(request, status=422, token_form=form)


@require_POST
@page
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End an access token."""
    tokens.revoke_token(actor(request), token_id)
    messages.success(request, _("The token was revoked."))
    return HttpResponseRedirect("/settings#tokens")


def _take(form: Any, refusal: Conflict | Forbidden | Invalid) -> None:
    errors = refusal.extra.get("errors", []) if isinstance(refusal, Invalid) else []
    form.take(errors, str(refusal.detail))
