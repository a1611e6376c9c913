"""Sign-in, own settings, members."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from boards.models import BoardUserObjectPermission
from missioncontrol.kernel import clock
from missioncontrol.kernel.errors import Conflict, DomainError, Forbidden, Invalid
from missioncontrol.kernel.pages import actor, home_of, page, session_actor
from missioncontrol.kernel.ratelimit import client_ip
from orgs import sessions
from orgs.models import ApiToken, Membership, User
from orgs.pages.forms import (
    ApiTokenForm,
    AppearanceForm,
    PasswordForm,
    PasswordSignInForm,
    ProfileForm,
    TokenSignInForm,
)
from orgs.services import sign_in as proof
from orgs.services import tokens, users

YEAR = 365 * 86_400
REFUSALS = (Forbidden, Conflict, Invalid)
NEW_TOKEN = "new_api_token"  # noqa: S105 - a session key
PROFILE = ("name", "preferred_name", "pronouns", "timezone", "context")
LANGUAGES = (("en", "English"), ("zh-hans", "中文"))


def _safe_next(request: HttpRequest, default: str = "/dashboard") -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    own = {request.get_host()}
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=own):
        return target
    return default


@sensitive_post_parameters("token", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by token or password; the mode is a setting and several may be on."""
    if session_actor(request) is not None:
        return HttpResponseRedirect(_safe_next(request))
    mode = request.POST.get("mode", "")
    token_form = TokenSignInForm(request.POST if mode == "local" else None)
    password_form = PasswordSignInForm(request.POST if mode == "password" else None)
    form: TokenSignInForm | PasswordSignInForm = token_form if mode == "local" else password_form
    fault = ""
    if request.method == "POST" and form.is_valid():
        try:
            user = _enter(request, mode, form.cleaned_data)
        except DomainError as refusal:
            fault = str(refusal.detail)
        else:
            return _welcome(user, _safe_next(request))
    return _sign_in_page(request, fault=fault, token_form=token_form, password_form=password_form)


def _sign_in_page(
    request: HttpRequest,
    *,
    fault: str = "",
    token_form: TokenSignInForm | None = None,
    password_form: PasswordSignInForm | None = None,
) -> HttpResponse:
    wanted = request.GET.get("language", "")
    if wanted in dict(LANGUAGES):
        translation.activate(wanted)
    forms = (token_form or TokenSignInForm(), password_form or PasswordSignInForm())
    context = {
        "modes": settings.AUTH_MODES,
        "token_form": forms[0],
        "password_form": forms[1],
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "languages": LANGUAGES,
        "fault": fault,
    }
    refused = any(form.is_bound and form.errors for form in forms)
    status = 401 if fault else 422 if refused else 200
    response = render(request, "orgs/sign_in.html", context, status=status)
    return _speaking(wanted, response) if wanted in dict(LANGUAGES) else response


def _welcome(user: User, target: str) -> HttpResponse:
    response = HttpResponseRedirect(target)
    return _speaking(user.language, response) if user.language else response


def _enter(request: HttpRequest, mode: str, given: dict[str, str]) -> User:
    address = client_ip(request)
    if mode == "local":
        user = proof.sign_in_with_token(given["token"], address=address)
    else:
        user = proof.sign_in_with_password(given["username"], given["password"], address=address)
    sessions.open_session(request, user)
    return user


@require_GET  # not HEAD: looking at the link must not use it up
def sign_in_link(request: HttpRequest, code: str) -> HttpResponse:
    """The one-time link that is printed at start."""
    try:
        user = proof.sign_in_with_link(code, address=client_ip(request))
    except DomainError as refusal:
        return _sign_in_page(request, fault=str(refusal.detail))
    sessions.open_session(request, user)
    return _welcome(user, "/dashboard")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    who = session_actor(request)
    if who is not None:
        proof.record_sign_out(who)
    sessions.end_session(request)
    return HttpResponseRedirect("/sign-in")


@require_POST
@page
def organization_switch(request: HttpRequest) -> HttpResponse:
    """Work in another of one's organizations."""
    raw = request.POST.get("organization_id", "")
    try:
        wanted = UUID(raw)
    except ValueError:
        raise Forbidden(_("You are not a member of this organization.")) from None
    users.set_active_organization(actor(request), wanted)
    return HttpResponseRedirect("/dashboard")


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
    return _speaking(
        user.language, HttpResponseRedirect(_safe_next(request, "/settings#appearance"))
    )


def _speaking(language: str, response: HttpResponse) -> HttpResponse:
    """Let the browser ask for a language from now on; none lets it decide itself."""
    if language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax")
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


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


@require_safe
@page
def member_list(request: HttpRequest) -> HttpResponse:
    """Members of the active organization with their roles and boards."""
    who = actor(request)
    members = Membership.objects.visible_to(who).filter(organization_id=home_of(who))
    boards: dict[UUID, list[str]] = defaultdict(list)
    if who.is_admin_in(who.organization_id):
        grants = BoardUserObjectPermission.objects.filter(
            content_object__organization_id=home_of(who)
        )
        rows = grants.order_by("content_object__name").values_list(
            "user_id", "content_object__name"
        )
        for user_id, name in rows.distinct():
            boards[user_id].append(name)
    context = {
        "nav": "members",
        "members": members.select_related("user").order_by("user__email", "user__name", "pk"),
        "total": members.count(),
        "boards": boards,
        "me": who.id,
    }
    return render(request, "orgs/member_list.html", context)
